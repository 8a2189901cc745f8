/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_decode.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_blocks.h"
#include "image/vhd/vhd_gather.h"
#include "image/vhd/vhd_table.h"
#include "image/vhd/vhd_trailer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vhd_image {
    struct image base;
    struct source *src;
    struct vhd_head head; /* without the table */
    struct vhd_blocks blocks;
    bool exact;
    struct image_cursor cursor;
    uint8_t *bitmap;      /* of the block that next stands in */
    uint8_t *read_bitmap; /* of block read_index, for read */
    uint32_t read_index;  /* UINT32_MAX: none */
};

static uint64_t block_place(const struct vhd_image *v, uint32_t index)
{
    return vhd_blocks_place(&v->blocks, index);
}

static int read_bitmap(struct vhd_image *v, uint32_t index, uint8_t *bitmap,
                       struct err *e)
{
    char what[48];

    (void)snprintf(what, sizeof(what), "the sector bitmap of block %" PRIu32,
                   index);
    return vhd_read_at(v->src, bitmap, v->head.bitmap_size,
                       block_place(v, index), what, e);
}

/* Whatever lies under a clear bit is not content. */
static void zero_absent(struct block *b)
{
    uint32_t sectors = b->len / SECTOR_SIZE;

    for (uint32_t at = 0; at < sectors;) {
        uint32_t run = (uint32_t)bits_run(b->present, at, sectors);

        if (!bit_get(b->present, at))
            memset(b->data + (size_t)at * SECTOR_SIZE, 0,
                   (size_t)run * SECTOR_SIZE);
        at += run;
    }
}

static int read_piece(struct vhd_image *v, struct block *b, struct err *e)
{
    uint32_t sectors = b->len / SECTOR_SIZE;
    char what[48];

    if (!b->offset)
        TRY(read_bitmap(v, b->index, v->bitmap, e));
    (void)snprintf(what, sizeof(what), "the data of block %" PRIu32, b->index);
    TRY(vhd_read_at(v->src, b->data, b->len,
                    block_place(v, b->index) + v->head.bitmap_size + b->offset,
                    what, e));
    memcpy(b->present, v->bitmap + b->offset / SECTOR_SIZE / 8,
           bits_size(sectors));
    b->whole = bits_all_set(b->present, sectors);
    if (!b->whole)
        zero_absent(b);
    return 1;
}

static int vhd_next(struct image *img, struct block *b, struct err *e)
{
    struct vhd_image *v = (struct vhd_image *)img;

    if (image_step_piece(img, &v->cursor, b))
        return read_piece(v, b, e);
    if (source_is_seekable(v->src))
        return 0;
    return vhd_trailer_check(v->src, &v->head, v->exact, e);
}

/* Has the bitmap of a block at hand, for reads in any order. */
static int keep_bitmap(struct vhd_image *v, uint32_t index, struct err *e)
{
    if (v->read_index == index)
        return 0;
    v->read_index = UINT32_MAX;
    if (!v->read_bitmap)
        TRY(mem_alloc(&v->read_bitmap, v->head.bitmap_size, "a sector bitmap",
                      e));
    TRY(read_bitmap(v, index, v->read_bitmap, e));
    v->read_index = index;
    return 0;
}

/* Content of one block, [offset, offset + len) in it. */
static int read_in_block(struct vhd_image *v, uint32_t index, uint8_t *buf,
                         uint32_t len, uint32_t offset, struct err *e)
{
    uint64_t data = block_place(v, index) + v->head.bitmap_size;

    TRY(keep_bitmap(v, index, e));
    while (len) {
        uint32_t sector = offset / SECTOR_SIZE;
        uint32_t last = (offset + len - 1) / SECTOR_SIZE + 1;
        uint64_t run = bits_run(v->read_bitmap, sector, last);
        uint32_t now =
            (uint32_t)min_u64(len, (sector + run) * SECTOR_SIZE - offset);

        if (bit_get(v->read_bitmap, sector))
            TRY(source_pread_full(v->src, buf, now, data + offset, "a block",
                                  e));
        else
            memset(buf, 0, now);
        buf += now;
        len -= now;
        offset += now;
    }
    return 0;
}

static int vhd_read(struct image *img, void *buf, size_t len, uint64_t offset,
                    struct err *e)
{
    struct vhd_image *v = (struct vhd_image *)img;
    uint8_t *p = buf;

    while (len) {
        uint32_t index = (uint32_t)(offset / img->block_size);
        uint32_t at = (uint32_t)(offset % img->block_size);
        uint32_t now = (uint32_t)min_u64(len, img->block_size - at);

        if (bit_get(img->map, index))
            TRY(read_in_block(v, index, p, now, at, e));
        else
            memset(p, 0, now);
        p += now;
        len -= now;
        offset += now;
    }
    return 0;
}

/* The sectors [from, end) of a block that are missing and here; bit 0 of
 * `missing` is sector `from`. */
static int overlay_present(struct vhd_image *v, struct vhd_gather *g,
                           uint32_t from, uint32_t end, uint8_t *missing,
                           uint64_t skip, struct err *e)
{
    for (uint32_t at = from; at < end;) {
        uint64_t bit = skip + at - from;
        uint32_t stop = at + (uint32_t)bits_run(missing, bit, bit + end - at);
        bool wanted = bit_get(missing, bit);

        while (at < stop) {
            uint32_t run = (uint32_t)bits_run(v->read_bitmap, at, stop);

            if (wanted && bit_get(v->read_bitmap, at)) {
                TRY(vhd_gather_add(g, at, at + run, e));
                bits_clear_run(missing, skip + at - from, run);
            }
            at += run;
        }
    }
    return vhd_gather_flush(g, e);
}

/* One block's part of an overlay: `count` sectors from `sector` of the disk,
 * whose bits in `missing` begin at `skip`; buf is where the first goes. */
static int overlay_block(struct vhd_image *v, uint8_t *buf, uint64_t sector,
                         uint32_t count, uint8_t *missing, uint64_t skip,
                         struct err *e)
{
    uint32_t per = v->base.block_size / SECTOR_SIZE;
    uint32_t index = (uint32_t)(sector / per), in = (uint32_t)(sector % per);
    struct vhd_gather g = {.src = v->src};

    if (!bit_get(v->base.map, index))
        return 0;
    TRY(keep_bitmap(v, index, e));
    /* Sector 0 of the gathering is the first one that is asked for. */
    g.at = block_place(v, index) + v->head.bitmap_size;
    g.buf = buf;
    g.skip = in;
    return overlay_present(v, &g, in, in + count, missing, skip, e);
}

/* A disk without a parent has zeros where it has nothing. */
static void settle(uint8_t *buf, uint32_t from, uint32_t count,
                   uint8_t *missing)
{
    for (uint32_t at = from; at < count;) {
        uint32_t run = (uint32_t)bits_run(missing, at, count);

        if (bit_get(missing, at)) {
            memset(buf + (size_t)at * SECTOR_SIZE, 0,
                   (size_t)run * SECTOR_SIZE);
            bits_clear_run(missing, at, run);
        }
        at += run;
    }
}

static int vhd_overlay(struct image *img, uint8_t *buf, uint64_t sector,
                       uint32_t count, uint8_t *missing, struct err *e)
{
    struct vhd_image *v = (struct vhd_image *)img;
    uint64_t per = img->block_size / SECTOR_SIZE;
    uint64_t sectors = img->size / SECTOR_SIZE;
    uint32_t inside =
        sector < sectors ? (uint32_t)min_u64(count, sectors - sector) : 0;

    for (uint32_t at = 0; at < inside;) {
        uint32_t now =
            (uint32_t)min_u64(inside - at, per - (sector + at) % per);

        TRY(overlay_block(v, buf + (size_t)at * SECTOR_SIZE, sector + at, now,
                          missing, at, e));
        at += now;
    }
    settle(buf, img->has_parent ? inside : 0, count, missing);
    return 0;
}

/* By the sector bitmaps. */
static int vhd_extent(struct image *img, uint64_t at, enum extent_kind *kind,
                      uint64_t *end, struct err *e)
{
    struct vhd_image *v = (struct vhd_image *)img;
    uint32_t index = (uint32_t)(at / img->block_size);
    uint32_t sector = (uint32_t)(at % img->block_size / SECTOR_SIZE);
    uint64_t run, start = (uint64_t)index * img->block_size;

    *kind = img->has_parent ? EXTENT_PARENT : EXTENT_HOLE;
    if (!bit_get(img->map, index)) {
        run = bits_run(img->map, index, img->nblocks);
        *end = min_u64((index + run) * img->block_size, img->size);
        return 0;
    }
    TRY(keep_bitmap(v, index, e));
    run = bits_run(v->read_bitmap, sector,
                   image_block_len(img, index) / SECTOR_SIZE);
    if (bit_get(v->read_bitmap, sector))
        *kind = EXTENT_DATA;
    *end = start + (sector + run) * SECTOR_SIZE;
    return 0;
}

static void vhd_close(struct image *img)
{
    struct vhd_image *v = (struct vhd_image *)img;

    source_close(v->src);
    vhd_head_free(&v->head);
    vhd_blocks_free(&v->blocks);
    image_free_base(img);
    free(v->bitmap);
    free(v->read_bitmap);
    free(v);
}

static const struct image_ops stream_ops = {
    .next = vhd_next,
    .close = vhd_close,
};

static const struct image_ops seekable_ops = {
    .next = vhd_next,
    .read = vhd_read,
    .overlay = vhd_overlay,
    .extent = vhd_extent,
    .close = vhd_close,
};

struct source *vhd_decode_source(struct image *img)
{
    return img->ops == &seekable_ops ? ((struct vhd_image *)img)->src : NULL;
}

uint64_t vhd_decode_place(const struct image *img, uint32_t index)
{
    return block_place((const struct vhd_image *)img, index);
}

bool vhd_decode_has_places(const struct image *img)
{
    return img->ops == &seekable_ops || img->ops == &stream_ops;
}

/* Map, places and order from the table, which is then done with. */
static int adopt_table(struct vhd_image *v, struct err *e)
{
    struct vhd_head *h = &v->head;

    for (uint32_t i = 0; i < h->nblocks; i++)
        if (vhd_entry_used(h->bat[i]))
            bit_set(v->base.map, i);
    v->base.nmapped = h->nused;
    TRY(vhd_blocks_init(&v->blocks, h->bat, h->nblocks, v->base.map, e));
    if (!h->ascending) {
        v->base.order = h->order;
        h->order = NULL;
    }
    vhd_head_free(h);
    return 0;
}

static int fill(struct vhd_image *v, struct source *src, struct err *e)
{
    const struct vhd_head *h = &v->head;

    TRY(image_init(&v->base,
                   source_is_seekable(src) ? &seekable_ops : &stream_ops,
                   src->name, "vhd", h->size, h->header.block_size, e));
    TRY(mem_alloc(&v->bitmap, h->bitmap_size, "a sector bitmap", e));
    v->read_index = UINT32_MAX;
    v->base.has_parent = h->footer.type == VHD_DIFFERENCING;
    v->base.vhd = &v->head;
    return adopt_table(v, e);
}

int vhd_is_fixed_stream(struct source **src, uint64_t len, struct err *e)
{
    uint8_t raw[VHD_FOOTER_SIZE];
    struct vhd_footer f;
    size_t got;

    if (source_is_seekable(*src) || len < 2 * VHD_FOOTER_SIZE - 1)
        return 0;
    TRY(source_head(src, raw, sizeof(raw), &got, e));
    if (got < sizeof(raw))
        return 0;
    switch (vhd_footer_decode(raw, &f)) {
    case VHD_ALIEN:
        return 1;
    case VHD_INTACT:
        return f.type == VHD_FIXED;
    default:
        return 0;
    }
}

static int decode_dynamic(struct source **src, const struct vhd_origin *origin,
                          struct vhd_head *head, struct image **out,
                          struct err *e)
{
    struct vhd_image *v = NULL;
    int result = mem_alloc(&v, sizeof(*v), "an image", e);

    if (result < 0) {
        vhd_head_free(head);
        return result;
    }
    v->head = *head;
    v->exact = origin->exact;
    result = fill(v, *src, e);
    if (result < 0) {
        vhd_close(&v->base);
        return result;
    }
    v->src = *src;
    *src = NULL;
    *out = &v->base;
    return 0;
}

int vhd_decode(struct source **src, const struct vhd_origin *origin,
               struct image **out, struct err *e)
{
    uint64_t len = (*src)->size < 0 ? origin->len : (uint64_t)(*src)->size;
    struct vhd_head head;
    int fixed = vhd_is_fixed_stream(src, len, e);

    TRY(fixed);
    if (fixed)
        return raw_decode_fixed_stream(src, len, out, e);
    TRY(vhd_head_read(*src, origin, &head, e));
    if (head.footer.type == VHD_FIXED)
        return raw_decode_fixed(src, &head, out, e);
    return decode_dynamic(src, origin, &head, out, e);
}
