/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/image.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int block_open(struct block *b, struct err *e)
{
    *b = (struct block){0};
    TRY(mem_alloc_buffer(&b->data, PIECE_MAX, e));
    if (mem_alloc(&b->present, PIECE_SECTORS / 8, "sector bits", e) < 0) {
        block_close(b);
        return e ? e->code : ERR_NO_SPACE;
    }
    return 0;
}

void block_close(struct block *b)
{
    free(b->data);
    free(b->present);
    *b = (struct block){0};
}

void block_cleanup(struct block *b)
{
    block_close(b);
}

int image_init(struct image *img, const struct image_ops *ops, const char *name,
               const char *format, uint64_t size, uint32_t block_size,
               struct err *e)
{
    uint64_t nblocks = div_up(size, block_size);

    if (nblocks > BLOCKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: %" PRIu64 " bytes in blocks of %" PRIu32
                       " are %" PRIu64 " blocks; at most %d are taken",
                       name, size, block_size, nblocks, BLOCKS_MAX);
    TRY(mem_alloc(&img->map, bits_size(nblocks), "the block map", e));
    img->ops = ops;
    (void)snprintf(img->name, sizeof(img->name), "%s", name);
    img->format = format;
    img->size = size;
    img->block_size = block_size;
    img->nblocks = (uint32_t)nblocks;
    return 0;
}

void image_free_base(struct image *img)
{
    free(img->map);
    free(img->order);
}

int image_next(struct image *img, struct block *b, struct err *e)
{
    struct stage *before = stage_enter_if(img->stage);
    int more = img->ops->next(img, b, e);

    stage_leave(before);
    return more;
}

bool image_is_seekable(const struct image *img)
{
    return img->ops->read != NULL;
}

int image_read(struct image *img, void *buf, size_t len, uint64_t offset,
               struct err *e)
{
    return img->ops->read(img, buf, len, offset, e);
}

/* One that is stored as a whole, or not at all. */
static void extent_of_map(const struct image *img, uint64_t at,
                          enum extent_kind *kind, uint64_t *end)
{
    uint64_t first = at / img->block_size;
    uint64_t run = bits_run(img->map, first, img->nblocks);

    *end = min_u64((first + run) * img->block_size, img->size);
    *kind = bit_get(img->map, first) ? EXTENT_DATA
            : img->has_parent        ? EXTENT_PARENT
                                     : EXTENT_HOLE;
}

int image_extent(struct image *img, uint64_t at, enum extent_kind *kind,
                 uint64_t *end, struct err *e)
{
    if (img->ops->extent)
        return img->ops->extent(img, at, kind, end, e);
    extent_of_map(img, at, kind, end);
    return 0;
}

void image_close(struct image *img)
{
    if (img)
        img->ops->close(img);
}

void image_cleanup(struct image **img)
{
    image_close(*img);
    *img = NULL;
}

bool image_is_ascending(const struct image *img)
{
    for (uint32_t i = 1; img->order && i < img->nmapped; i++)
        if (img->order[i] < img->order[i - 1])
            return false;
    return true;
}

uint32_t image_block_len(const struct image *img, uint32_t index)
{
    uint64_t start = (uint64_t)index * img->block_size;

    return (uint32_t)min_u64(img->block_size, img->size - start);
}

uint32_t image_step(const struct image *img, uint32_t *cursor)
{
    uint32_t at = *cursor;

    if (img->order) {
        *cursor = at + 1;
        return img->order[at];
    }
    while (!bit_get(img->map, at))
        at++;
    *cursor = at + 1;
    return at;
}

int image_step_piece(const struct image *img, struct image_cursor *c,
                     struct block *b)
{
    uint32_t block_len;

    if (!c->left_in_block) {
        if (c->steps == img->nmapped)
            return 0;
        c->index = image_step(img, &c->cursor);
        c->steps++;
        c->offset = 0;
        c->left_in_block = image_block_len(img, c->index);
    }
    block_len = (uint32_t)min_u64(c->left_in_block, PIECE_MAX);
    b->index = c->index;
    b->offset = c->offset;
    b->len = block_len;
    c->offset += block_len;
    c->left_in_block -= block_len;
    return 1;
}
