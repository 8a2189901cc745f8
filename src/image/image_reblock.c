/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

struct reblocked_image {
    struct image base;
    struct image *inner;
    struct image_cursor cursor; /* of the new blocks */
    struct block part;          /* of the inner image, read ahead by one */
    bool have_part;
    bool ended;
};

/* The new block that a piece of the old ones belongs to. A piece never reaches
 * into a second one: both sizes are powers of two, and a piece is at most 2 MiB
 * long. */
static uint32_t new_index(const struct image *inner, const struct block *part)
{
    uint64_t at = (uint64_t)part->index * inner->block_size + part->offset;

    return (uint32_t)(at / BLOCK_SIZE_DEFAULT);
}

static int read_ahead(struct reblocked_image *r, struct err *e)
{
    int more;

    if (r->have_part || r->ended)
        return 0;
    more = image_next(r->inner, &r->part, e);
    TRY(more);
    r->have_part = more;
    r->ended = !more;
    return 0;
}

static void put_part(const struct reblocked_image *r, struct block *b)
{
    const struct block *part = &r->part;
    uint64_t at = (uint64_t)part->index * r->inner->block_size + part->offset;
    uint32_t offset = (uint32_t)(at % BLOCK_SIZE_DEFAULT);

    memcpy(b->data + offset, part->data, part->len);
    /* 4096 bytes at least, or the disk's end: whole bytes of bits. */
    memcpy(b->present + offset / SECTOR_SIZE / 8, part->present,
           bits_size(part->len / SECTOR_SIZE));
}

static int reblock_next(struct image *img, struct block *b, struct err *e)
{
    struct reblocked_image *r = (struct reblocked_image *)img;

    TRY(read_ahead(r, e));
    if (!image_step_piece(img, &r->cursor, b))
        return 0;
    memset(b->present, 0, bits_size(b->len / SECTOR_SIZE));
    memset(b->data, 0, b->len);
    while (r->have_part && new_index(r->inner, &r->part) == b->index) {
        put_part(r, b);
        r->have_part = false;
        TRY(read_ahead(r, e));
    }
    b->whole = bits_all_set(b->present, b->len / SECTOR_SIZE);
    return 1;
}

static int reblock_read(struct image *img, void *buf, size_t len,
                        uint64_t offset, struct err *e)
{
    return image_read(((struct reblocked_image *)img)->inner, buf, len, offset,
                      e);
}

static int reblock_overlay(struct image *img, uint8_t *buf, uint64_t sector,
                           uint32_t count, uint8_t *missing, struct err *e)
{
    return image_overlay(((struct reblocked_image *)img)->inner, buf, sector,
                         count, missing, e);
}

static void reblock_close(struct image *img)
{
    struct reblocked_image *r = (struct reblocked_image *)img;

    image_close(r->inner);
    block_close(&r->part);
    image_free_base(img);
    free(r);
}

static const struct image_ops stream_ops = {
    .next = reblock_next,
    .close = reblock_close,
};

static const struct image_ops seekable_ops = {
    .next = reblock_next,
    .read = reblock_read,
    .overlay = reblock_overlay,
    .close = reblock_close,
};

/* Whether the parts of each new block come one after the other. Fills `seen`
 * (a bit a new block, all clear) and, where it is not NULL, `order`. */
static bool parts_come_together(const struct image *img, uint8_t *seen,
                                uint32_t *order)
{
    struct image_cursor cursor = {0};
    struct block part = {0};
    uint32_t last = UINT32_MAX, n = 0;

    while (image_step_piece(img, &cursor, &part)) {
        uint32_t index = new_index(img, &part);

        if (index == last)
            continue;
        if (bit_get(seen, index))
            return false;
        bit_set(seen, index);
        last = index;
        if (order)
            order[n++] = index;
    }
    return true;
}

bool image_can_reblock(const struct image *img)
{
    FREE uint8_t *seen = NULL;

    if (img->block_size >= BLOCK_SIZE_DEFAULT ||
        (image_is_seekable(img) && (!img->has_parent || img->ops->overlay)))
        return true;
    if (mem_alloc(&seen, bits_size(div_up(img->size, BLOCK_SIZE_DEFAULT)),
                  "a block map", NULL) < 0)
        return false;
    return parts_come_together(img, seen, NULL);
}

static int init_reblocked(struct reblocked_image *r, struct image *inner,
                          struct err *e)
{
    FREE uint8_t *seen = NULL;

    TRY(image_init(
        &r->base, image_is_seekable(inner) ? &seekable_ops : &stream_ops,
        inner->name, inner->format, inner->size, BLOCK_SIZE_DEFAULT, e));
    image_map_from(&r->base, inner);
    TRY(mem_alloc(&seen, bits_size(r->base.nblocks), "a block map", e));
    TRY(mem_alloc_array(&r->base.order, r->base.nmapped, sizeof(uint32_t),
                        "the block order", e));
    if (!parts_come_together(inner, seen, r->base.order))
        return 0;
    TRY(block_open(&r->part, e));
    r->base.has_parent = inner->has_parent;
    r->base.vhd = inner->vhd;
    return 1;
}

int image_reblock(struct image **img, struct err *e)
{
    struct reblocked_image *r = NULL;
    int together;

    if ((*img)->block_size == BLOCK_SIZE_DEFAULT)
        return 0;
    TRY(mem_alloc(&r, sizeof(*r), "an image", e));
    together = init_reblocked(r, *img, e);
    if (together <= 0) {
        reblock_close(&r->base);
        TRY(together);
        return image_ascend(img, e);
    }
    r->inner = *img;
    *img = &r->base;
    return 0;
}
