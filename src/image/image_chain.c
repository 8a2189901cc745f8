/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

/* All disks of the chain stand side by side, so that neither the stack nor the
 * work for a block nobody has grows with each wrapper. */
struct chain_image {
    struct image base;
    struct image **layers; /* [0]: the disk itself, then its parents */
    unsigned nlayers;
    struct image_cursor cursor;
    bool top_ended; /* layers[0] has handed out all of its blocks */
    uint8_t missing[PIECE_SECTORS / 8];
};

/* --- sectors -------------------------------------------------------------- */

static void fill_missing(uint8_t *missing, uint32_t count)
{
    memset(missing, 0, bits_size(count));
    bits_set_run(missing, 0, count);
}

static void zero_missing(uint8_t *buf, uint32_t count, const uint8_t *missing)
{
    for (uint32_t at = 0; at < count;) {
        uint32_t run = (uint32_t)bits_run(missing, at, count);

        if (bit_get(missing, at))
            memset(buf + (size_t)at * SECTOR_SIZE, 0,
                   (size_t)run * SECTOR_SIZE);
        at += run;
    }
}

/* image_overlay by read, for an image that has all of its sectors. */
static int overlay_whole(struct image *img, uint8_t *buf, uint64_t sector,
                         uint32_t count, uint8_t *missing, struct err *e)
{
    for (uint32_t at = 0; at < count;) {
        uint32_t run = (uint32_t)bits_run(missing, at, count);
        uint64_t start = (sector + at) * SECTOR_SIZE;
        size_t len = (size_t)run * SECTOR_SIZE, have = 0;
        uint8_t *to = buf + (size_t)at * SECTOR_SIZE;

        if (bit_get(missing, at)) {
            if (start < img->size)
                have = (size_t)min_u64(len, img->size - start);
            if (have)
                TRY(image_read(img, to, have, start, e));
            memset(to + have, 0, len - have);
            bits_clear_run(missing, at, run);
        }
        at += run;
    }
    return 0;
}

int image_overlay(struct image *img, uint8_t *buf, uint64_t sector,
                  uint32_t count, uint8_t *missing, struct err *e)
{
    if (img->ops->overlay)
        return img->ops->overlay(img, buf, sector, count, missing, e);
    return overlay_whole(img, buf, sector, count, missing, e);
}

static int chain_overlay(struct image *img, uint8_t *buf, uint64_t sector,
                         uint32_t count, uint8_t *missing, struct err *e)
{
    struct chain_image *c = (struct chain_image *)img;

    for (unsigned i = 0; i < c->nlayers && !bits_all_clear(missing, count); i++)
        TRY(image_overlay(c->layers[i], buf, sector, count, missing, e));
    return 0;
}

/* --- blocks in order ------------------------------------------------------ */

/* Lets the parents fill what is missing of a piece, and sets its bits. */
static int complete(struct chain_image *c, struct block *b, struct err *e)
{
    uint32_t count = b->len / SECTOR_SIZE;
    uint64_t at = (uint64_t)b->index * c->base.block_size + b->offset;

    for (unsigned i = 1; i < c->nlayers && !bits_all_clear(c->missing, count);
         i++)
        TRY(image_overlay(c->layers[i], b->data, at / SECTOR_SIZE, count,
                          c->missing, e));
    zero_missing(b->data, count, c->missing);
    fill_missing(b->present, count);
    for (size_t i = 0; i < bits_size(count); i++)
        b->present[i] &= (uint8_t)~c->missing[i];
    b->whole = bits_all_set(b->present, count);
    return 1;
}

static int next_of_top(struct chain_image *c, struct block *b, struct err *e)
{
    int more = image_next(c->layers[0], b, e);
    uint32_t count = b->len / SECTOR_SIZE;
    struct block same;

    if (more <= 0)
        return more;
    (void)image_step_piece(&c->base, &c->cursor, &same);
    if (b->whole)
        return 1;
    fill_missing(c->missing, count);
    for (size_t i = 0; i < bits_size(count); i++)
        c->missing[i] &= (uint8_t)~b->present[i];
    return complete(c, b, e);
}

static int chain_next(struct image *img, struct block *b, struct err *e)
{
    struct chain_image *c = (struct chain_image *)img;
    int more;

    if (!c->top_ended) {
        more = next_of_top(c, b, e);
        if (more)
            return more;
        c->top_ended = true;
    }
    if (!image_step_piece(img, &c->cursor, b))
        return 0;
    fill_missing(c->missing, b->len / SECTOR_SIZE);
    return complete(c, b, e);
}

/* --- in any order --------------------------------------------------------- */

static int read_sectors(struct image *img, uint8_t *buf, uint64_t sector,
                        uint32_t count, struct err *e)
{
    uint8_t missing[PIECE_SECTORS / 8];

    fill_missing(missing, count);
    TRY(chain_overlay(img, buf, sector, count, missing, e));
    zero_missing(buf, count, missing);
    return 0;
}

static int chain_read(struct image *img, void *buf, size_t len, uint64_t offset,
                      struct err *e)
{
    uint8_t one[SECTOR_SIZE], *to = buf;

    while (len) {
        uint32_t in = (uint32_t)(offset % SECTOR_SIZE);
        size_t now;

        if (in || len < SECTOR_SIZE) {
            now = (size_t)min_u64(len, SECTOR_SIZE - in);
            TRY(read_sectors(img, one, offset / SECTOR_SIZE, 1, e));
            memcpy(to, one + in, now);
        } else {
            now = (size_t)min_u64(len / SECTOR_SIZE, PIECE_SECTORS);
            TRY(read_sectors(img, to, offset / SECTOR_SIZE, (uint32_t)now, e));
            now *= SECTOR_SIZE;
        }
        to += now;
        len -= now;
        offset += now;
    }
    return 0;
}

/* The nearest disk that has something there. */
static int chain_extent(struct image *img, uint64_t at, enum extent_kind *kind,
                        uint64_t *end, struct err *e)
{
    struct chain_image *c = (struct chain_image *)img;
    uint64_t layer_end;
    unsigned i;

    *end = img->size;
    for (i = 0; i < c->nlayers && at < c->layers[i]->size; i++) {
        TRY(image_extent(c->layers[i], at, kind, &layer_end, e));
        *end = min_u64(*end, layer_end);
        if (*kind != EXTENT_PARENT)
            return 0;
    }
    /* Past the end of one of them there are zeros, whatever lies below. */
    *kind = i == c->nlayers ? EXTENT_PARENT : EXTENT_HOLE;
    return 0;
}

static void chain_close(struct image *img)
{
    struct chain_image *c = (struct chain_image *)img;

    for (unsigned i = 0; i < c->nlayers; i++)
        image_close(c->layers[i]);
    free(c->layers);
    image_free_base(img);
    free(c);
}

static const struct image_ops stream_ops = {
    .next = chain_next,
    .close = chain_close,
};

static const struct image_ops seekable_ops = {
    .next = chain_next,
    .read = chain_read,
    .overlay = chain_overlay,
    .extent = chain_extent,
    .close = chain_close,
};

/* --- the map of all ------------------------------------------------------- */

/* Blocks of the chain that block `index` of a layer touches, below `visible`
 * bytes: [*first, *end). */
static void touched(const struct image *img, const struct image *layer,
                    uint32_t index, uint64_t visible, uint32_t *first,
                    uint32_t *end)
{
    uint64_t from = (uint64_t)index * layer->block_size;
    uint64_t to = min_u64(from + layer->block_size, visible);

    *first = (uint32_t)(from / img->block_size);
    *end = from < to ? (uint32_t)div_up(to, img->block_size) : *first;
}

/* Adds a layer's blocks to the map and, where it is not NULL, the order. */
static void add_layer(struct image *img, const struct image *layer,
                      uint64_t visible, uint32_t *order)
{
    uint32_t cursor = 0, first, end;

    for (uint32_t i = 0; i < layer->nmapped; i++) {
        touched(img, layer, image_step(layer, &cursor), visible, &first, &end);
        for (; first < end; first++) {
            if (bit_get(img->map, first))
                continue;
            bit_set(img->map, first);
            if (order)
                order[img->nmapped] = first;
            img->nmapped++;
        }
    }
}

/* What lies past the end of one disk is hidden in all below it. */
static void add_layers(struct chain_image *c, uint32_t *order)
{
    uint64_t visible = c->base.size;

    memset(c->base.map, 0, bits_size(c->base.nblocks));
    c->base.nmapped = 0;
    for (unsigned i = 0; i < c->nlayers; i++) {
        visible = min_u64(visible, c->layers[i]->size);
        add_layer(&c->base, c->layers[i], visible, order);
    }
}

static int make_map(struct chain_image *c, struct err *e)
{
    add_layers(c, NULL);
    TRY(mem_alloc_array(&c->base.order, c->base.nmapped, sizeof(uint32_t),
                        "the block order", e));
    add_layers(c, c->base.order);
    if (image_is_ascending(&c->base)) {
        free(c->base.order);
        c->base.order = NULL;
    }
    return 0;
}

static int init_chain(struct chain_image *c, struct image *top,
                      struct image **layers, unsigned count, struct err *e)
{
    bool seekable = image_is_seekable(top) && top->ops->overlay;

    TRY(image_init(&c->base, seekable ? &seekable_ops : &stream_ops, top->name,
                   top->format, top->size, top->block_size, e));
    TRY(mem_alloc_array(&c->layers, count + 1, sizeof(struct image *),
                        "a chain", e));
    c->layers[0] = top;
    memcpy(c->layers + 1, layers, count * sizeof(struct image *));
    c->nlayers = count + 1;
    TRY(make_map(c, e));
    c->base.has_parent = c->layers[count]->has_parent;
    c->base.vhd = top->vhd;
    return 0;
}

/* The order of a parent has done its duty. */
static void drop_orders(struct image **layers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(layers[i]->order);
        layers[i]->order = NULL;
    }
}

static int check_layers(struct image **layers, unsigned count, struct err *e)
{
    for (unsigned i = 0; i < count; i++)
        if (!image_is_seekable(layers[i]) ||
            (layers[i]->has_parent && !layers[i]->ops->overlay))
            return err_set(e, ERR_UNSUPPORTED,
                           "%s: a parent must be a file that can be read in "
                           "any order",
                           layers[i]->name);
    return 0;
}

int image_chain(struct image **img, struct image **layers, unsigned count,
                struct err *e)
{
    struct chain_image *c = NULL;
    int result;

    TRY(check_layers(layers, count, e));
    TRY(mem_alloc(&c, sizeof(*c), "an image", e));
    result = init_chain(c, *img, layers, count, e);
    if (result < 0) {
        c->nlayers = 0;
        chain_close(&c->base);
        return result;
    }
    drop_orders(layers, count);
    memset(layers, 0, count * sizeof(struct image *));
    *img = &c->base;
    return 0;
}
