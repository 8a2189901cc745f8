/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/glance_inner.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int glance_compare(const struct glance_image *img, uint64_t len,
                   const char *md5, const char *sum, const char *algorithm,
                   const char *name, struct err *e)
{
    if (img->size >= 0 && (uint64_t)img->size != len)
        return err_set(e, ERR_CORRUPT,
                       "%s: image %s has %" PRId64 " bytes by its record, but "
                       "%" PRIu64 " were moved",
                       name, img->id, img->size, len);
    if (*sum && *img->hash_value && !strcasecmp(img->hash_algo, algorithm) &&
        strcasecmp(sum, img->hash_value) != 0)
        return err_set(e, ERR_CORRUPT,
                       "%s: image %s has the %s %s by its record, but what was "
                       "moved has %s",
                       name, img->id, algorithm, img->hash_value, sum);
    if (*md5 && *img->checksum && strcasecmp(md5, img->checksum) != 0)
        return err_set(e, ERR_CORRUPT,
                       "%s: image %s has the checksum %s by its record, but "
                       "what was moved has %s",
                       name, img->id, img->checksum, md5);
    return 0;
}

struct glance_source {
    struct source base;
    struct glance *g;
    struct glance_image img;
    struct source *inner;
    struct store_hash *hash;
};

static int check_end(struct glance_source *s, struct err *e)
{
    char md5[STORE_SUM_SIZE], sum[STORE_SUM_SIZE];

    TRY(store_hash_end(s->hash, md5, sum, e));
    return glance_compare(&s->img, s->base.pos, md5, sum, s->img.hash_algo,
                          s->base.name, e);
}

/* More than was announced is not read to its end, which might not come. */
static int check_room(const struct glance_source *s, uint64_t got,
                      struct err *e)
{
    if (s->base.size < 0 || s->base.pos + got <= (uint64_t)s->base.size)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: more than the %" PRId64 " bytes of its record come",
                   s->base.name, s->base.size);
}

static int64_t glance_source_read(struct source *base, void *buf, size_t len,
                                  struct err *e)
{
    struct glance_source *s = (struct glance_source *)base;
    int64_t got = source_read(s->inner, buf, len, e);

    if (got < 0)
        glance_hide(s->g, e);
    TRY(got);
    if (!got)
        return check_end(s, e);
    TRY(check_room(s, (uint64_t)got, e));
    store_hash_add(s->hash, buf, (size_t)got);
    TRY(store_hash_wait(s->hash, e));
    return got;
}

static void glance_source_close(struct source *base)
{
    struct glance_source *s = (struct glance_source *)base;

    source_close(s->inner);
    store_hash_close(s->hash);
    free(s);
}

static const struct source_ops glance_source_ops = {
    .read = glance_source_read,
    .close = glance_source_close,
};

/* For http_source_options. */
static int give_lines(void *ctx, bool refused, const char *const **out,
                      struct err *e)
{
    struct glance *g = ctx;

    if (refused)
        TRY(glance_renew(g, e));
    *out = g->lines;
    return 0;
}

static int open_file(struct glance_source *s, struct err *e)
{
    const struct http_source_options opt = {
        .lines = give_lines,
        .ctx = s->g,
        .name = glance_name(s->g),
        .steady = true,
    };
    FREE char *url = NULL;

    TRY(glance_file_url(s->g, s->img.id, &url, e));
    return source_open_http_with(&s->inner, s->g->cfg.http, url, &opt, e);
}

static int begin_sums(struct glance_source *s, struct err *e)
{
    const struct glance_image *img = &s->img;
    bool known;

    TRY(store_hash_open(&s->hash, img->hash_algo, s->g->cfg.pool, &known, e));
    if (*img->hash_value && !known)
        notice_say(s->g->cfg.notice,
                   "%s: its hash (%s) is not one that can be taken here; its "
                   "%s is checked",
                   glance_name(s->g), img->hash_algo,
                   *img->checksum ? "MD5 checksum" : "length alone");
    return 0;
}

static int check_length(const struct glance_source *s, struct err *e)
{
    int64_t size = s->inner->size;

    if (size < 0 || s->img.size < 0 || size == s->img.size)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: image %s has %" PRId64 " bytes by its record, but "
                   "%" PRId64 " are announced",
                   glance_name(s->g), s->img.id, s->img.size, size);
}

static int begin(struct glance_source *s, struct err *e)
{
    TRY(open_file(s, e));
    TRY(check_length(s, e));
    return begin_sums(s, e);
}

int source_open_glance(struct source **out, struct glance *g,
                       const struct glance_image *img, struct err *e)
{
    struct glance_source *s = NULL;
    int code;

    /* Those who may read one that is deactivated can. */
    if (strcmp(img->status, "active") != 0 &&
        strcmp(img->status, "deactivated") != 0)
        return err_set(e, ERR_FAILED,
                       "%s: image %s is %s, so it has no content to read; "
                       "expected active",
                       glance_name(g), img->id, img->status);
    TRY(mem_alloc(&s, sizeof(*s), "an image's content", e));
    s->g = g;
    s->img = *img;
    code = begin(s, e);
    if (code < 0) {
        glance_hide(g, e);
        glance_source_close(&s->base);
        return code;
    }
    source_init(&s->base, &glance_source_ops, glance_name(g), img->size);
    *out = &s->base;
    return 0;
}
