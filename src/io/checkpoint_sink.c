/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "io/sink.h"

#include <stdlib.h>

struct checkpoint_sink {
    struct sink base;
    struct sink *inner;
    uint64_t step, last; /* bytes; where it was called the last time */
    sink_checkpoint_fn *fn;
    void *ctx;
};

static int checkpoint_write(struct sink *s, const void *buf, size_t len,
                            struct err *e)
{
    struct checkpoint_sink *c = (struct checkpoint_sink *)s;

    TRY(sink_write(c->inner, buf, len, e));
    if (c->inner->pos - c->last < c->step)
        return 0;
    c->last = c->inner->pos;
    return c->fn(c->ctx, c->last, e);
}

static int checkpoint_finish(struct sink *s, struct err *e)
{
    return sink_finish(((struct checkpoint_sink *)s)->inner, e);
}

static void checkpoint_close(struct sink *s, struct err *why)
{
    struct checkpoint_sink *c = (struct checkpoint_sink *)s;

    sink_close(c->inner, why);
    free(c);
}

static const struct sink_ops checkpoint_ops = {
    .write = checkpoint_write,
    .finish = checkpoint_finish,
    .close = checkpoint_close,
};

int sink_checkpoint(struct sink **s, uint64_t step, sink_checkpoint_fn *fn,
                    void *ctx, struct err *e)
{
    struct checkpoint_sink *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "a sink", e));
    sink_init(&c->base, &checkpoint_ops, (*s)->name);
    c->inner = *s;
    c->step = step;
    c->last = (*s)->pos;
    c->fn = fn;
    c->ctx = ctx;
    *s = &c->base;
    return 0;
}
