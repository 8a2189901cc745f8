/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "io/http_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
