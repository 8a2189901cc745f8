/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/image_cover.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct cover_image {
    struct image base;
    struct image *inner;
    struct coverage *coverage;
    bool solid;
};

static uint64_t sector_of(const struct image *img, const struct block *b)
{
    return ((uint64_t)b->index * img->block_size + b->offset) / SECTOR_SIZE;
}

/* An absent sector's bytes are zeros. */
static void zero_absent(struct block *b)
{
    uint32_t count = b->len / SECTOR_SIZE;

    for (uint32_t at = 0; at < count;) {
        uint32_t run = (uint32_t)bits_run(b->present, at, count);

        if (!bit_get(b->present, at))
            memset(b->data + (size_t)at * SECTOR_SIZE, 0,
                   (size_t)run * SECTOR_SIZE);
        at += run;
    }
}

static int cover_piece(struct cover_image *c, struct block *b, struct err *e)
{
    uint64_t sector = sector_of(&c->base, b);
    uint32_t count = b->len / SECTOR_SIZE;

    if (c->solid)
        bits_set_run(b->present, 0, count);
    coverage_mask(c->coverage, sector, count, b->present);
    b->whole = bits_all_set(b->present, count);
    if (!b->whole)
        zero_absent(b);
    TRY(coverage_add(c->coverage, sector, count, b->present, e));
    return 1;
}

static int cover_next(struct image *img, struct block *b, struct err *e)
{
    struct cover_image *c = (struct cover_image *)img;
    int more;

    while ((more = image_next(c->inner, b, e)) > 0)
        if (bit_get(img->map, b->index))
            return cover_piece(c, b, e);
    return more;
}

static void cover_close(struct image *img)
{
    struct cover_image *c = (struct cover_image *)img;

    image_close(c->inner);
    image_free_base(img);
    free(c);
}

static const struct image_ops cover_ops = {
    .next = cover_next,
    .close = cover_close,
};

static bool is_hidden(const struct cover_image *c, uint32_t index)
{
    uint64_t at = (uint64_t)index * c->base.block_size;
    uint64_t end = at + image_block_len(&c->base, index);

    while (at < end) {
        uint64_t now = min_u64(end - at, PIECE_MAX);

        if (!coverage_hides(c->coverage, at / SECTOR_SIZE,
                            (uint32_t)(now / SECTOR_SIZE)))
            return false;
        at += now;
    }
    return true;
}

/* The blocks that are not hidden, in the order of the inner image. */
static int fill_map(struct cover_image *c, struct err *e)
{
    struct image *img = &c->base;
    const struct image *inner = c->inner;
    uint32_t cursor = 0;

    if (inner->order)
        TRY(mem_alloc_array(&img->order, inner->nmapped, sizeof(uint32_t),
                            "the block order", e));
    for (uint32_t i = 0; i < inner->nmapped; i++) {
        uint32_t index = image_step(inner, &cursor);

        if (is_hidden(c, index))
            continue;
        bit_set(img->map, index);
        if (img->order)
            img->order[img->nmapped] = index;
        img->nmapped++;
    }
    return 0;
}

static int init_cover(struct cover_image *c, struct image *inner,
                      struct coverage *coverage, bool solid, struct err *e)
{
    TRY(image_init(&c->base, &cover_ops, inner->name, inner->format,
                   inner->size, inner->block_size, e));
    c->base.vhd = inner->vhd;
    c->coverage = coverage;
    c->solid = solid;
    c->inner = inner;
    return fill_map(c, e);
}

int image_cover(struct image **img, struct coverage *coverage, bool solid,
                struct err *e)
{
    struct cover_image *c = NULL;
    int result;

    TRY(mem_alloc(&c, sizeof(*c), "an image", e));
    result = init_cover(c, *img, coverage, solid, e);
    if (result < 0) {
        c->inner = NULL;
        cover_close(&c->base);
        return result;
    }
    *img = &c->base;
    return 0;
}
