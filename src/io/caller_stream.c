/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Bytes that the library's caller hands out or takes by functions of its own.
 */

#include "base/mem.h"
#include "io/sink.h"
#include "io/source.h"

#include <inttypes.h>
#include <stdlib.h>

struct caller_source {
    struct source base;
    source_caller_fn *fn;
    void *ctx;
};

struct caller_sink {
    struct sink base;
    sink_caller_fn *fn;
    void *ctx;
};

static int64_t caller_read(struct source *s, void *buf, size_t len,
                           struct err *e)
{
    const struct caller_source *c = (const struct caller_source *)s;
    int64_t n = c->fn(c->ctx, buf, len);

    if (n < 0)
        return err_set(e, ERR_FAILED,
                       "%s: the caller's function failed at byte %" PRIu64
                       " (result %" PRId64 ")",
                       s->name, s->pos, n);
    if ((uint64_t)n > len)
        return err_set(e, ERR_USAGE,
                       "%s: the caller's function says %" PRId64
                       " bytes where there was room for %zu",
                       s->name, n, len);
    return n;
}

static void caller_source_close(struct source *s)
{
    free(s);
}

static const struct source_ops source_ops = {
    .read = caller_read,
    .close = caller_source_close,
};

int source_open_caller(struct source **out, source_caller_fn *fn, void *ctx,
                       const char *name, struct err *e)
{
    struct caller_source *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "a source", e));
    source_init(&c->base, &source_ops, name, -1);
    c->fn = fn;
    c->ctx = ctx;
    *out = &c->base;
    return 0;
}

static int caller_write(struct sink *s, const void *buf, size_t len,
                        struct err *e)
{
    const struct caller_sink *c = (const struct caller_sink *)s;
    int n = c->fn(c->ctx, buf, len);

    if (!n)
        return 0;
    return err_set(e, ERR_FAILED,
                   "%s: the caller's function failed at byte %" PRIu64
                   " (result %d)",
                   s->name, s->pos, n);
}

static int caller_finish(struct sink *s, struct err *e)
{
    (void)s;
    (void)e;
    return 0;
}

static void caller_sink_close(struct sink *s, struct err *why)
{
    (void)why;
    free(s);
}

static const struct sink_ops sink_ops = {
    .write = caller_write,
    .finish = caller_finish,
    .close = caller_sink_close,
};

int sink_open_caller(struct sink **out, sink_caller_fn *fn, void *ctx,
                     const char *name, struct err *e)
{
    struct caller_sink *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "a sink", e));
    sink_init(&c->base, &sink_ops, name);
    c->fn = fn;
    c->ctx = ctx;
    *out = &c->base;
    return 0;
}
