/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

struct ascending_image {
    struct image base;
    struct image *inner;
    struct image_cursor cursor;
};

/* What a differencing disk has of a piece. */
static int read_present(struct image *img, struct block *b, uint64_t at,
                        struct err *e)
{
    uint32_t count = b->len / SECTOR_SIZE;

    memset(b->data, 0, b->len);
    bits_set_run(b->present, 0, count);
    TRY(image_overlay(img, b->data, at / SECTOR_SIZE, count, b->present, e));
    /* The bits tell what is missing. */
    for (size_t i = 0; i < bits_size(count); i++)
        b->present[i] ^= 0xff;
    bits_clear_run(b->present, count, bits_size(count) * 8 - count);
    b->whole = bits_all_set(b->present, count);
    return 1;
}

static int ascend_next(struct image *img, struct block *b, struct err *e)
{
    struct ascending_image *a = (struct ascending_image *)img;

    if (!image_step_piece(img, &a->cursor, b))
        return 0;
    if (img->has_parent)
        return read_present(
            a->inner, b, (uint64_t)b->index * img->block_size + b->offset, e);
    TRY(image_read(a->inner, b->data, b->len,
                   (uint64_t)b->index * img->block_size + b->offset, e));
    bits_set_run(b->present, 0, b->len / SECTOR_SIZE);
    b->whole = true;
    return 1;
}

static int ascend_read(struct image *img, void *buf, size_t len,
                       uint64_t offset, struct err *e)
{
    return image_read(((struct ascending_image *)img)->inner, buf, len, offset,
                      e);
}

static void ascend_close(struct image *img)
{
    struct ascending_image *a = (struct ascending_image *)img;

    image_close(a->inner);
    image_free_base(img);
    free(a);
}

static int ascend_overlay(struct image *img, uint8_t *buf, uint64_t sector,
                          uint32_t count, uint8_t *missing, struct err *e)
{
    return image_overlay(((struct ascending_image *)img)->inner, buf, sector,
                         count, missing, e);
}

static const struct image_ops ascend_ops = {
    .next = ascend_next,
    .read = ascend_read,
    .overlay = ascend_overlay,
    .close = ascend_close,
};

void image_map_from(struct image *img, const struct image *inner)
{
    uint64_t per = inner->block_size;

    for (uint32_t i = 0; i < inner->nblocks; i++) {
        uint64_t first, last;

        if (!bit_get(inner->map, i))
            continue;
        first = i * per / img->block_size;
        last = (i * per + image_block_len(inner, i) - 1) / img->block_size;
        bits_set_run(img->map, first, last - first + 1);
    }
    img->nmapped = (uint32_t)bits_count(img->map, img->nblocks);
}

int image_ascend(struct image **img, struct err *e)
{
    struct ascending_image *a = NULL;
    int result;

    if ((*img)->block_size == BLOCK_SIZE_DEFAULT && image_is_ascending(*img))
        return 0;
    if (!image_is_seekable(*img) ||
        ((*img)->has_parent && !(*img)->ops->overlay))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: its blocks are needed in another order than they "
                       "are stored in; copy it to a file and start from that",
                       (*img)->name);
    TRY(mem_alloc(&a, sizeof(*a), "an image", e));
    result = image_init(&a->base, &ascend_ops, (*img)->name, (*img)->format,
                        (*img)->size, BLOCK_SIZE_DEFAULT, e);
    if (result < 0) {
        free(a);
        return result;
    }
    image_map_from(&a->base, *img);
    a->base.vhd = (*img)->vhd;
    a->base.has_parent = (*img)->has_parent;
    a->inner = *img;
    *img = &a->base;
    return 0;
}
