/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_decode.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/raw_decode.h"
#include "image/vhd_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vhd_image {
    struct image base;
    struct source *src;
    struct vhd_head head;
    bool exact;
    struct image_cursor cursor;
    uint8_t *bitmap;      /* of the block that next stands in */
    uint8_t *read_bitmap; /* of block read_index, for read */
    uint32_t read_index;  /* UINT32_MAX: none */
};

static uint64_t block_place(const struct vhd_image *v, uint32_t index)
{
    return (uint64_t)v->head.bat[index] * 512;
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

/* Reads to the end of a stream and keeps its last bytes. */
static int read_tail(struct source *src, uint8_t *tail, size_t room,
                     size_t *tail_len, uint64_t *total, struct err *e)
{
    FREE uint8_t *buf = NULL;
    int64_t got;

    *tail_len = 0;
    *total = 0;
    TRY(mem_alloc(&buf, 64 * 1024, "a buffer", e));
    while ((got = source_read_most(src, buf, 64 * 1024, e)) > 0) {
        size_t take = (size_t)min_u64((uint64_t)got, room);
        size_t keep = (size_t)min_u64(*tail_len, room - take);

        memmove(tail, tail + *tail_len - keep, keep);
        memcpy(tail + keep, buf + (size_t)got - take, take);
        *tail_len = keep + take;
        *total += (uint64_t)got;
    }
    return (int)got;
}

static int check_trailer(struct vhd_image *v, const struct vhd_footer *f,
                         uint64_t rest, uint32_t footer_size, struct err *e)
{
    if (f->current_size != v->head.footer.current_size ||
        f->type != v->head.footer.type)
        return err_set(e, ERR_CORRUPT,
                       "%s: the trailing footer tells of another disk (type "
                       "%" PRIu32 ", %" PRIu64
                       " bytes) than the first one (type %" PRIu32 ", %" PRIu64
                       " bytes); copy the VHD to a file and start from that",
                       v->base.name, f->type, f->current_size,
                       v->head.footer.type, v->head.footer.current_size);
    if (v->exact && rest != footer_size)
        return err_set(e, ERR_CORRUPT,
                       "%s: %" PRIu64 " bytes between the last block and the "
                       "trailing footer, expected none",
                       v->base.name, rest - footer_size);
    return 0;
}

/* The stream is whole when it ends with a footer. */
static int finish_stream(struct vhd_image *v, struct err *e)
{
    uint8_t tail[VHD_FOOTER_SIZE];
    size_t tail_len = 0, want = VHD_FOOTER_SIZE;
    uint64_t rest = 0;
    struct vhd_footer f;
    uint32_t footer_size;

    if (v->head.end > v->src->pos)
        TRY(source_skip(v->src, v->head.end - v->src->pos,
                        "the parts before the trailing footer", e));
    TRY(read_tail(v->src, tail, sizeof(tail), &tail_len, &rest, e));
    if (rest % 512 == 511)
        want--;
    if (tail_len < want || (rest % 512 && want == VHD_FOOTER_SIZE) ||
        !vhd_footer_at_end(tail + tail_len - want, want, &f, &footer_size))
        return err_set(e, ERR_CORRUPT,
                       "%s: cut: it ends at byte %" PRIu64
                       " without a trailing footer, expected at byte %" PRIu64,
                       v->base.name, v->src->pos, v->head.end);
    return check_trailer(v, &f, rest, footer_size, e);
}

static int vhd_next(struct image *img, struct block *b, struct err *e)
{
    struct vhd_image *v = (struct vhd_image *)img;

    if (image_step_piece(img, &v->cursor, b))
        return read_piece(v, b, e);
    if (source_is_seekable(v->src))
        return 0;
    return finish_stream(v, e);
}

/* Content of one block, [offset, offset + len) in it. */
static int read_in_block(struct vhd_image *v, uint32_t index, uint8_t *buf,
                         uint32_t len, uint32_t offset, struct err *e)
{
    uint64_t data = block_place(v, index) + v->head.bitmap_size;

    if (v->read_index != index) {
        v->read_index = UINT32_MAX;
        TRY(read_bitmap(v, index, v->read_bitmap, e));
        v->read_index = index;
    }
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

static void vhd_close(struct image *img)
{
    struct vhd_image *v = (struct vhd_image *)img;

    source_close(v->src);
    vhd_head_free(&v->head);
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
    .close = vhd_close,
};

/* The map from the table; the order moves over, unless it tells nothing. */
static void adopt_table(struct vhd_image *v)
{
    for (uint32_t i = 0; i < v->head.nblocks; i++)
        if (vhd_entry_used(v->head.bat[i]))
            bit_set(v->base.map, i);
    v->base.nmapped = v->head.nused;
    if (v->head.ascending)
        free(v->head.order);
    else
        v->base.order = v->head.order;
    v->head.order = NULL;
}

static int fill(struct vhd_image *v, struct source *src, struct err *e)
{
    const struct vhd_head *h = &v->head;

    TRY(image_init(
        &v->base, source_is_seekable(src) ? &seekable_ops : &stream_ops,
        src->name, "vhd", h->footer.current_size, h->header.block_size, e));
    TRY(mem_alloc(&v->bitmap, h->bitmap_size, "a sector bitmap", e));
    TRY(mem_alloc(&v->read_bitmap, h->bitmap_size, "a sector bitmap", e));
    v->read_index = UINT32_MAX;
    adopt_table(v);
    v->base.has_parent = h->footer.type == VHD_DIFFERENCING;
    v->base.vhd = &v->head;
    return 0;
}

int vhd_decode(struct source **src, const struct vhd_origin *origin,
               struct image **out, struct err *e)
{
    struct vhd_image *v = NULL;
    int result;

    TRY(mem_alloc(&v, sizeof(*v), "an image", e));
    result = vhd_head_read(*src, origin, &v->head, e);
    if (!result && v->head.footer.type == VHD_FIXED) {
        struct vhd_footer footer = v->head.footer;

        free(v);
        return raw_decode_fixed(src, &footer, out, e);
    }
    v->exact = origin->exact;
    if (!result)
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
