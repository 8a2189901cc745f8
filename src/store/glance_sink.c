/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/glance_inner.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SAVING_PAUSE_MS = 500, SAVING_S = 60 };

/* What Glance takes when nobody has told it another. */
static const char sum_algorithm[] = "sha512";

struct glance_sink {
    struct sink base;
    struct glance *g;
    char id[UUID_TEXT_SIZE];
    struct http_stream *stream;
    struct store_hash *hash;
};

/* A token that has ended while the disk was got ready: there is another one,
 * for an upload that is begun anew. Only once, since one that the server does
 * not take is of no use. */
static int try_another_token(struct glance_sink *s, struct err *e)
{
    struct err why = {0};

    if (http_stream_reply(s->stream)->status != 401 || s->g->upload_renewed)
        return e->code;
    s->g->upload_renewed = true;
    if (glance_renew(s->g, &why) < 0) {
        *e = why;
        return e->code;
    }
    err_append(e, "; there is another token now");
    return e->code = ERR_TEMPORARY;
}

static int glance_sink_write(struct sink *base, const void *buf, size_t len,
                             struct err *e)
{
    struct glance_sink *s = (struct glance_sink *)base;
    int code, summed;

    store_hash_add(s->hash, buf, len);
    code = http_stream_write(s->stream, buf, len, e);
    summed = store_hash_wait(s->hash, code < 0 ? NULL : e);
    if (code >= 0)
        return summed;
    glance_hide(s->g, e);
    return try_another_token(s, e);
}

/* The record, once Glance has settled what it is. */
static int settled_image(struct glance_sink *s, struct glance_image *img,
                         struct err *e)
{
    double last = wait_now() + SAVING_S;

    for (;;) {
        TRY(glance_get(s->g, s->id, img, e));
        if (strcmp(img->status, "saving") != 0 || wait_now() > last)
            return 0;
        TRY(wait_sleep(s->g->cfg.http->wait, SAVING_PAUSE_MS, e));
    }
}

static int check_record(struct glance_sink *s, struct err *e)
{
    char md5[STORE_SUM_SIZE], sum[STORE_SUM_SIZE];
    struct glance_image img;

    TRY(store_hash_end(s->hash, md5, sum, e));
    TRY(settled_image(s, &img, e));
    if (strcmp(img.status, "active") != 0 || img.size < 0)
        return err_set(e, ERR_FAILED,
                       "%s: image %s is %s after the upload, of which Glance "
                       "has said that it is well; expected active",
                       s->base.name, s->id, img.status);
    if (!*img.checksum && strcasecmp(img.hash_algo, sum_algorithm) != 0)
        notice_say(s->g->cfg.notice,
                   "%s: the record of image %s has no sum that can be checked "
                   "here; its length is right",
                   s->base.name, s->id);
    return glance_compare(&img, s->base.pos, md5, sum, sum_algorithm,
                          s->base.name, e);
}

static int end_upload(struct glance_sink *s, struct err *e)
{
    TRY(http_stream_finish(s->stream, e));
    return http_reply_check(http_stream_reply(s->stream), s->base.name, e);
}

/* Where the answer to an upload was lost. Glance lets go of one that was cut
 * only when it sees the end of the connection. */
static bool has_arrived(struct glance_sink *s)
{
    http_stream_cleanup(&s->stream);
    return check_record(s, NULL) >= 0;
}

/* Glance takes an upload of nothing, and calls the image active. */
static int glance_sink_finish(struct sink *base, struct err *e)
{
    struct glance_sink *s = (struct glance_sink *)base;
    int code;

    if (!base->pos)
        return err_set(e, ERR_FAILED, "%s: an image without content",
                       base->name);
    code = end_upload(s, e);
    if (code == ERR_TEMPORARY && has_arrived(s))
        return 0;
    if (code >= 0)
        return check_record(s, e);
    glance_hide(s->g, e);
    return s->stream ? try_another_token(s, e) : code;
}

static void glance_sink_close(struct sink *base, struct err *why)
{
    struct glance_sink *s = (struct glance_sink *)base;

    (void)why;
    http_stream_close(s->stream);
    store_hash_close(s->hash);
    free(s);
}

static const struct sink_ops glance_sink_ops = {
    .write = glance_sink_write,
    .finish = glance_sink_finish,
    .close = glance_sink_close,
};

static int open_upload(struct glance_sink *s, int64_t size, struct err *e)
{
    const char *lines[] = {"Content-Type: application/octet-stream",
                           s->g->lines[0], NULL};
    FREE char *url = NULL;
    bool known;

    TRY(store_hash_open(&s->hash, sum_algorithm, s->g->cfg.pool, &known, e));
    TRY(glance_file_url(s->g, s->id, &url, e));
    return http_put_open(&s->stream, s->g->cfg.http, url, glance_name(s->g),
                         lines, size, false, e);
}

int sink_open_glance(struct sink **out, struct glance *g,
                     const struct glance_image *img, int64_t size,
                     struct err *e)
{
    struct glance_sink *s = NULL;
    int code;

    TRY(mem_alloc(&s, sizeof(*s), "an upload", e));
    s->g = g;
    memcpy(s->id, img->id, sizeof(s->id));
    code = open_upload(s, size, e);
    if (code < 0) {
        glance_sink_close(&s->base, NULL);
        return code;
    }
    sink_init(&s->base, &glance_sink_ops, glance_name(g));
    *out = &s->base;
    return 0;
}
