/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/mem.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

struct picked_image {
    struct image base;
    struct image *inner;
    struct image_cursor cursor;
    bool ended; /* the inner image: what is left are its holes */
};

/* What is left out of a whole block is zeros, and they count. */
static int give_whole(struct block *b)
{
    memset(b->present, 0, bits_size(b->len / SECTOR_SIZE));
    bits_set_run(b->present, 0, b->len / SECTOR_SIZE);
    b->whole = true;
    return 1;
}

static int next_inner(struct picked_image *p, struct block *b, struct err *e)
{
    struct block same;
    int more;

    while ((more = image_next(p->inner, b, e)) > 0) {
        if (!bit_get(p->base.map, b->index))
            continue;
        (void)image_step_piece(&p->base, &p->cursor, &same);
        return give_whole(b);
    }
    return more;
}

static int pick_next(struct image *img, struct block *b, struct err *e)
{
    struct picked_image *p = (struct picked_image *)img;
    int more;

    if (!p->ended) {
        more = next_inner(p, b, e);
        if (more)
            return more;
        p->ended = true;
    }
    if (!image_step_piece(img, &p->cursor, b))
        return 0;
    memset(b->data, 0, b->len);
    return give_whole(b);
}

static void pick_close(struct image *img)
{
    image_close(((struct picked_image *)img)->inner);
    image_free_base(img);
    free(img);
}

static const struct image_ops pick_ops = {
    .next = pick_next,
    .close = pick_close,
};

/* First those that come, as they come, then the holes. */
static void fill_order(struct picked_image *p, const struct image *inner,
                       const uint8_t *picked)
{
    uint32_t cursor = 0, n = 0;

    for (uint32_t i = 0; i < inner->nmapped; i++) {
        uint32_t index = image_step(inner, &cursor);

        if (bit_get(picked, index))
            p->base.order[n++] = index;
    }
    for (uint32_t i = 0; i < inner->nblocks; i++)
        if (bit_get(picked, i) && !bit_get(inner->map, i))
            p->base.order[n++] = i;
}

static int init_picked(struct picked_image *p, const struct image *inner,
                       const uint8_t *picked, struct err *e)
{
    TRY(image_init(&p->base, &pick_ops, inner->name, inner->format, inner->size,
                   inner->block_size, e));
    for (uint32_t i = 0; i < inner->nblocks; i++) {
        if (!bit_get(picked, i))
            continue;
        bit_set(p->base.map, i);
        p->base.nmapped++;
    }
    TRY(mem_alloc_array(&p->base.order, p->base.nmapped, sizeof(uint32_t),
                        "the block order", e));
    fill_order(p, inner, picked);
    p->base.has_parent = true;
    p->base.vhd = inner->vhd;
    return 0;
}

int image_pick(struct image **img, const uint8_t *picked, struct err *e)
{
    struct picked_image *p = NULL;
    int code;

    if ((*img)->has_parent || (*img)->block_size > PIECE_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: only a whole disk of blocks of 2 MiB can be picked "
                       "from",
                       (*img)->name);
    TRY(mem_alloc(&p, sizeof(*p), "an image", e));
    code = init_picked(p, *img, picked, e);
    if (code < 0) {
        pick_close(&p->base);
        return code;
    }
    p->inner = *img;
    *img = &p->base;
    return 0;
}
