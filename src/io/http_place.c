/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "io/http_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- source ----------------------------------------------------------------*/

enum { REDIRECTS_MAX = 10 };

struct http_source {
    struct source base;
    struct http_config cfg; /* without credentials after another origin */
    struct http_stream *stream;
};

static int64_t http_source_read(struct source *s, void *buf, size_t len,
                                struct err *e)
{
    return http_stream_read(((struct http_source *)s)->stream, buf, len, e);
}

static void http_source_close(struct source *s)
{
    struct http_source *h = (struct http_source *)s;

    http_stream_close(h->stream);
    free(h);
}

static const struct source_ops http_source_ops = {
    .read = http_source_read,
    .close = http_source_close,
};

static void http_source_cleanup(struct http_source **h)
{
    if (*h)
        http_source_close(&(*h)->base);
}

static bool is_redirect(const struct http_reply *reply)
{
    switch (reply->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return *reply->location;
    default:
        return false;
    }
}

/* Changes to where *url points now. */
static int follow(struct http_source *h, char **url, const char *name,
                  struct err *e)
{
    const char *to = http_stream_reply(h->stream)->location;
    char *next = NULL;

    if (http_url_is_tls(*url) && !http_url_is_tls(to))
        return err_set(e, ERR_FAILED,
                       "%s: redirected from https to http, which is refused",
                       name);
    if (!http_url_same_origin(*url, to))
        h->cfg.user = h->cfg.password = NULL;
    TRY(mem_copy_text(&next, to, e));
    mem_free_secret(*url);
    *url = next;
    http_stream_cleanup(&h->stream);
    return 0;
}

/* Opens the stream behind all redirects. */
static int reach(struct http_source *h, char **url, char *name, struct err *e)
{
    for (int hops = 0;; hops++) {
        const struct http_reply *reply;

        http_url_redact(*url, name, NAME_SIZE);
        TRY(http_get_open(&h->stream, &h->cfg, *url, name, NULL, e));
        reply = http_stream_reply(h->stream);
        if (!is_redirect(reply))
            return 0;
        if (hops == REDIRECTS_MAX)
            return err_set(e, ERR_FAILED, "%s: more than %d redirects", name,
                           REDIRECTS_MAX);
        TRY(follow(h, url, name, e));
    }
}

int source_open_http(struct source **out, const struct http_config *cfg,
                     const char *url, struct err *e)
{
    CLEANUP(http_source) struct http_source *h = NULL;
    const struct http_reply *reply;
    char name[NAME_SIZE];
    char *at = NULL;
    int result;

    TRY(mem_alloc(&h, sizeof(*h), "an HTTP source", e));
    h->cfg = *cfg;
    TRY(mem_copy_text(&at, url, e));
    result = reach(h, &at, name, e);
    mem_free_secret(at);
    TRY(result);
    reply = http_stream_reply(h->stream);
    TRY(http_reply_check(reply, name, e));
    if (reply->status != 200)
        return err_set(e, ERR_FAILED, "%s: the server answered %d, not 200",
                       name, reply->status);
    source_init(&h->base, &http_source_ops, name, reply->length);
    *out = &h->base;
    h = NULL;
    return 0;
}

/* --- sink ------------------------------------------------------------------*/

struct http_sink {
    struct sink base;
    struct http_stream *stream;
};

static int http_sink_write(struct sink *s, const void *buf, size_t len,
                           struct err *e)
{
    return http_stream_write(((struct http_sink *)s)->stream, buf, len, e);
}

static int http_sink_finish(struct sink *s, struct err *e)
{
    struct http_sink *h = (struct http_sink *)s;

    TRY(http_stream_finish(h->stream, e));
    return http_reply_check(http_stream_reply(h->stream), s->name, e);
}

static void http_sink_close(struct sink *s, struct err *why)
{
    struct http_sink *h = (struct http_sink *)s;

    (void)why;
    http_stream_close(h->stream);
    free(h);
}

static const struct sink_ops http_sink_ops = {
    .write = http_sink_write,
    .finish = http_sink_finish,
    .close = http_sink_close,
};

int sink_open_http(struct sink **out, const struct http_config *cfg,
                   const char *url, int64_t size, struct err *e)
{
    FREE struct http_sink *h = NULL;
    char name[NAME_SIZE];

    TRY(mem_alloc(&h, sizeof(*h), "an HTTP sink", e));
    http_url_redact(url, name, sizeof(name));
    TRY(http_put_open(&h->stream, cfg, url, name, NULL, size, false, e));
    sink_init(&h->base, &http_sink_ops, name);
    *out = &h->base;
    h = NULL;
    return 0;
}
