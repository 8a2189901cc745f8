/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/image_extents.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"

#include <stdatomic.h>

enum {
    LOOKS = 64 * 1024, /* at least so many for a disk, when it has data */
    UNIT_MIN = 4096,
    FIRST_LOOK = 4096,
    LOOK = 128 * 1024,
};

uint32_t image_extents_unit(const struct image *img)
{
    uint32_t unit = UNIT_MIN;

    while (unit < PIECE_MAX && (uint64_t)unit * LOOKS < img->size)
        unit *= 2;
    return unit;
}

struct walk {
    struct image *img;
    extent_taker *take;
    void *ctx;
    struct progress *progress;
    const struct wait *wait;
    struct extent last; /* not handed out yet: it may go on */
    uint8_t *buf;       /* LOOK bytes; NULL: nothing is read */
};

static int flush(struct walk *w, struct err *e)
{
    return w->last.len ? w->take(w->ctx, &w->last, e) : 0;
}

static int add(struct walk *w, uint64_t start, uint64_t end,
               enum extent_kind kind, struct err *e)
{
    if (w->progress)
        atomic_store(&w->progress->done, end);
    if (w->last.len && w->last.kind == kind) {
        w->last.len += end - start;
        return 0;
    }
    TRY(flush(w, e));
    w->last = (struct extent){start, end - start, kind};
    return 0;
}

/* 1: bytes [at, end) are zeros. */
static int is_zero(struct walk *w, uint64_t at, uint64_t end, struct err *e)
{
    size_t look = FIRST_LOOK;

    while (at < end) {
        size_t now = (size_t)min_u64(end - at, look);

        TRY(image_read(w->img, w->buf, now, at, e));
        if (!zero_is(w->buf, now))
            return 0;
        at += now;
        look = LOOK;
    }
    return 1;
}

static int add_stored(struct walk *w, uint64_t at, uint64_t end, struct err *e)
{
    uint32_t unit = image_extents_unit(w->img);

    while (at < end) {
        uint64_t to = min_u64(at / unit * unit + unit, end);
        int zero = is_zero(w, at, to, e);

        TRY(zero);
        TRY(wait_check(w->wait, e));
        TRY(add(w, at, to, zero ? EXTENT_ZERO : EXTENT_DATA, e));
        at = to;
    }
    return 0;
}

static int run(struct walk *w, struct err *e)
{
    uint64_t end;

    for (uint64_t at = 0; at < w->img->size; at = end) {
        enum extent_kind kind;

        TRY(wait_check(w->wait, e));
        TRY(image_extent(w->img, at, &kind, &end, e));
        if (kind == EXTENT_DATA && w->buf)
            TRY(add_stored(w, at, end, e));
        else
            TRY(add(w, at, end, kind, e));
    }
    return flush(w, e);
}

int image_extents(struct image *img, bool look, extent_taker *take, void *ctx,
                  struct progress *p, const struct wait *wait, struct err *e)
{
    FREE uint8_t *buf = NULL;
    struct walk w = {
        .img = img, .take = take, .ctx = ctx, .progress = p, .wait = wait};

    if (look)
        TRY(mem_alloc(&buf, LOOK, "a buffer", e));
    if (p)
        atomic_store(&p->total, img->size);
    w.buf = buf;
    return run(&w, e);
}
