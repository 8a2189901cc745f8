/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/canvas.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/zero.h"

enum { GRAIN = 4096 };

int canvas_grow(struct canvas *c, uint64_t size, struct err *e)
{
    return c->ops->grow(c, size, e);
}

int canvas_lay(struct canvas *c, struct image *img, const struct lay_how *how,
               struct err *e)
{
    return c->ops->lay(c, img, how, e);
}

int canvas_finish(struct canvas *c, const struct image *img, struct err *e)
{
    return c->ops->finish(c, img, e);
}

void canvas_close(struct canvas *c)
{
    if (c)
        c->ops->close(c);
}

void canvas_cleanup(struct canvas **c)
{
    canvas_close(*c);
    *c = NULL;
}

static bool is_zero_page(const struct block *b, uint32_t at, uint32_t end)
{
    return zero_is(b->data + at, min_u64(GRAIN, end - at));
}

/* The parts of [at, end) that are not zero, by pages. */
static int each_sparse(const struct block *b, uint32_t at, uint32_t end,
                       canvas_put_fn *put, void *ctx, struct err *e)
{
    while (at < end) {
        uint32_t stop = at;

        while (stop < end && !is_zero_page(b, stop, end))
            stop = (uint32_t)min_u64(stop + GRAIN, end);
        if (stop > at)
            TRY(put(ctx, at, stop - at, e));
        at = stop < end ? (uint32_t)min_u64(stop + GRAIN, end) : stop;
    }
    return 0;
}

int canvas_each_run(const struct block *b, bool over, canvas_put_fn *put,
                    void *ctx, struct err *e)
{
    uint32_t count = b->len / SECTOR_SIZE, run;

    for (uint32_t at = 0; at < count; at += run) {
        run = (uint32_t)bits_run(b->present, at, count);
        if (!bit_get(b->present, at))
            continue;
        if (over)
            TRY(put(ctx, at * SECTOR_SIZE, run * SECTOR_SIZE, e));
        else
            TRY(each_sparse(b, at * SECTOR_SIZE, (at + run) * SECTOR_SIZE, put,
                            ctx, e));
    }
    return 0;
}
