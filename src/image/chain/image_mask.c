/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/image_mask.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct masked_image {
    struct image base;
    struct image *inner;
    const struct coverage *coverage;
    uint64_t solid_from; /* sectors */
};

/* What nobody owns of sectors [start, end) of a piece. */
static void clear_gaps(const struct coverage *c, struct block *b,
                       uint64_t start, uint64_t end)
{
    uint64_t from, stop;

    for (uint64_t at = start; coverage_gap(c, at, end, &from, &stop);
         at = stop) {
        memset(b->data + (from - start) * SECTOR_SIZE, 0,
               (stop - from) * SECTOR_SIZE);
        bits_clear_run(b->present, from - start, stop - from);
        b->whole = false;
    }
}

static int mask_next(struct image *img, struct block *b, struct err *e)
{
    const struct masked_image *m = (struct masked_image *)img;
    int more = image_next(m->inner, b, e);
    uint64_t start, end;

    if (more <= 0)
        return more;
    start = ((uint64_t)b->index * img->block_size + b->offset) / SECTOR_SIZE;
    end = min_u64(start + b->len / SECTOR_SIZE, m->solid_from);
    if (start < end)
        clear_gaps(m->coverage, b, start, end);
    return more;
}

static void mask_close(struct image *img)
{
    image_close(((struct masked_image *)img)->inner);
    free(img);
}

static const struct image_ops mask_ops = {
    .next = mask_next,
    .close = mask_close,
};

int image_mask(struct image **img, const struct coverage *c,
               uint64_t solid_from, struct err *e)
{
    struct masked_image *m = NULL;

    TRY(mem_alloc(&m, sizeof(*m), "an image", e));
    m->base = **img; /* whose map and order stay the inner one's */
    m->base.ops = &mask_ops;
    m->base.has_parent = false;
    m->base.stage = NULL;
    m->inner = *img;
    m->coverage = c;
    m->solid_from = div_up(solid_from, SECTOR_SIZE);
    *img = &m->base;
    return 0;
}

bool image_mask_fits(const struct image *img, const struct coverage *c)
{
    for (uint32_t i = 0; i < img->nblocks; i++) {
        uint64_t at = (uint64_t)i * img->block_size / SECTOR_SIZE;
        uint64_t end = at + image_block_len(img, i) / SECTOR_SIZE;
        uint64_t from, stop;

        if (bit_get(img->map, i))
            continue;
        if (!coverage_gap(c, at, end, &from, &stop) || from > at || stop < end)
            return false;
    }
    return true;
}
