/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct cut_image {
    struct image base; /* with the smaller size */
    struct image *inner;
};

static int not_zero(const struct image *img, uint64_t at, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: byte %" PRIu64 " is not zero; past the %" PRIu64
                   " bytes of the disk there should be nothing but zeros",
                   img->name, at, img->size);
}

/* 1: the piece reaches into the disk and was cut; 0: it lies past its end. */
static int cut_piece(const struct image *img, struct block *b, struct err *e)
{
    uint64_t at = (uint64_t)b->index * img->block_size + b->offset;
    uint32_t keep = 0;

    if (at < img->size)
        keep = (uint32_t)min_u64(b->len, img->size - at);
    if (!zero_is(b->data + keep, b->len - keep)) {
        while (!b->data[keep])
            keep++;
        return not_zero(img, at + keep, e);
    }
    b->len = keep;
    return keep != 0;
}

static int cut_next(struct image *img, struct block *b, struct err *e)
{
    struct cut_image *c = (struct cut_image *)img;
    int more;

    while ((more = image_next(c->inner, b, e)) > 0) {
        int inside = cut_piece(img, b, e);

        if (inside)
            return inside;
    }
    return more;
}

static void cut_close(struct image *img)
{
    struct cut_image *c = (struct cut_image *)img;

    image_close(c->inner);
    image_free_base(img);
    free(c);
}

static const struct image_ops cut_ops = {
    .next = cut_next,
    .close = cut_close,
};

/* The map and the order without the blocks that lie past the end. */
static int take_map(struct image *to, const struct image *from, struct err *e)
{
    uint32_t cursor = 0, count = 0;

    TRY(mem_alloc_array(&to->order, from->nmapped + 1, sizeof(*to->order),
                        "the order of blocks", e));
    for (uint32_t i = 0; i < from->nmapped; i++) {
        uint32_t block = image_step(from, &cursor);

        if (block >= to->nblocks)
            continue;
        bit_set(to->map, block);
        to->order[count++] = block;
    }
    to->nmapped = count;
    return 0;
}

int image_cut(struct image **img, uint64_t size, struct err *e)
{
    struct cut_image *c = NULL;
    int result;

    if (size == (*img)->size)
        return 0;
    TRY(mem_alloc(&c, sizeof(*c), "an image", e));
    result = image_init(&c->base, &cut_ops, (*img)->name, (*img)->format, size,
                        (*img)->block_size, e);
    if (result < 0) {
        free(c);
        return result;
    }
    c->base.has_parent = (*img)->has_parent;
    result = take_map(&c->base, *img, e);
    if (result < 0) {
        image_free_base(&c->base);
        free(c);
        return result;
    }
    c->inner = *img;
    *img = &c->base;
    return 0;
}
