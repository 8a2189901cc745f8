/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/*
 * Lays a VHD out from the map: footer, header at 512, a child's names of its
 * parent at 1536, the table, then each block's bitmap and data in the order of
 * the image, back to back, and the footer again. Everything that readers
 * compute the size from agrees:
 *
 *     table + align512(4 * entries) + blocks * (512 + 2 MiB) + 512
 */

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/encoder.h"
#include "image/vhd/vhd_head.h"
#include "image/vhd/vhd_new.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMING_AT = VHD_FOOTER_SIZE + VHD_HEADER_SIZE,
    BITMAP_SIZE = 512,
    BLOCK_SPAN = BITMAP_SIZE + BLOCK_SIZE_DEFAULT,
    TABLE_CHUNK = 64 * 1024,
    GRAIN = 16 * 1024, /* the shortest hole of a file */
};

struct vhd_encoder {
    struct encoder base;
    uint8_t footer[VHD_FOOTER_SIZE];
    uint8_t header[VHD_HEADER_SIZE];
    struct vhd_naming naming; /* of a child */
    bool clear_zeros;
    uint32_t skip; /* blocks at the beginning that are left out */
    struct image_cursor expected; /* the block that must come next */
};

static uint64_t table_size(const struct image *img)
{
    return round_up((uint64_t)img->nblocks * 4, 512);
}

static uint64_t table_at(const struct vhd_encoder *v)
{
    return NAMING_AT + v->naming.len;
}

/* The place of each block is its turn in the image's order. */
static int fill_table(const struct vhd_encoder *v, uint8_t *table,
                      struct err *e)
{
    const struct image *img = v->base.img;
    uint64_t at = (table_at(v) + table_size(img)) / 512;
    uint32_t cursor = 0;

    memset(table, 0xff, table_size(img));
    for (uint32_t i = 0; i < img->nmapped; i++) {
        uint32_t index = image_step(img, &cursor);

        if (i < v->skip)
            continue;
        if (at >= UINT32_MAX)
            return err_set(e, ERR_NO_SPACE,
                           "%s: block %" PRIu32 " would begin at byte %" PRIu64
                           ", which a VHD cannot address",
                           img->name, index, at * 512);
        put_be32(table + 4 * (size_t)index, (uint32_t)at);
        at += BLOCK_SPAN / 512;
    }
    return 0;
}

static int vhd_begin(struct encoder *enc, struct sink *s, struct err *e)
{
    struct vhd_encoder *v = (struct vhd_encoder *)enc;
    FREE uint8_t *table = NULL;

    TRY(mem_alloc(&table, table_size(enc->img), "the block allocation table",
                  e));
    TRY(fill_table(v, table, e));
    TRY(sink_write(s, v->footer, sizeof(v->footer), e));
    TRY(sink_write(s, v->header, sizeof(v->header), e));
    if (v->naming.len)
        TRY(sink_write(s, v->naming.raw, v->naming.len, e));
    return sink_write(s, table, table_size(enc->img), e);
}

static void clear_zero_sectors(const struct block *b, uint8_t *bitmap)
{
    uint32_t sectors = b->len / SECTOR_SIZE;

    for (uint32_t i = 0; i < sectors; i++)
        if (zero_is(b->data + (size_t)i * SECTOR_SIZE, SECTOR_SIZE))
            bit_clear(bitmap, i);
}

static bool is_zero_grain(const struct block *b, uint32_t at)
{
    return zero_is(b->data + at, min_u64(GRAIN, b->len - at));
}

/* A regular file keeps zeros as holes, if they are long enough to hold whole
 * pages of it: a block is rarely aligned to these. A device would be asked to
 * zero each of them. */
static int write_sparse(struct sink *s, const struct block *b, struct err *e)
{
    uint32_t end;

    for (uint32_t at = 0; at < b->len; at = end) {
        bool zero = is_zero_grain(b, at);

        for (end = at; end < b->len && is_zero_grain(b, end) == zero;)
            end = (uint32_t)min_u64(end + GRAIN, b->len);
        if (zero)
            TRY(sink_zeros(s, end - at, e));
        else
            TRY(sink_write(s, b->data + at, end - at, e));
    }
    return 0;
}

static int vhd_block(struct encoder *enc, struct sink *s, const struct block *b,
                     struct err *e)
{
    struct vhd_encoder *v = (struct vhd_encoder *)enc;
    uint32_t sectors = b->len / SECTOR_SIZE;
    uint8_t bitmap[BITMAP_SIZE] = {0};
    struct block expected;

    if (!image_step_piece(enc->img, &v->expected, &expected) ||
        expected.index != b->index || expected.len != b->len)
        return err_set(e, ERR_FAILED,
                       "%s: block %" PRIu32 " came out of its turn",
                       enc->img->name, b->index);
    if (v->expected.steps <= v->skip)
        return 0;
    memcpy(bitmap, b->present, bits_size(sectors));
    /* XAPI's import fails on bits past the disk's end. */
    bits_clear_run(bitmap, sectors, bits_size(sectors) * 8 - sectors);
    if (v->clear_zeros)
        clear_zero_sectors(b, bitmap);
    TRY(sink_write(s, bitmap, sizeof(bitmap), e));
    if (sink_can_pread(s)) /* a regular file */
        TRY(write_sparse(s, b, e));
    else
        TRY(sink_write(s, b->data, b->len, e));
    return sink_zeros(s, BLOCK_SIZE_DEFAULT - b->len, e);
}

static int vhd_end(struct encoder *enc, struct sink *s, struct err *e)
{
    struct vhd_encoder *v = (struct vhd_encoder *)enc;

    return sink_write(s, v->footer, sizeof(v->footer), e);
}

static uint64_t head_size(const struct vhd_encoder *v)
{
    return table_at(v) + table_size(v->base.img);
}

static void vhd_reached(const struct encoder *enc, uint64_t len,
                        struct encoder_rest *rest)
{
    const struct vhd_encoder *v = (const struct vhd_encoder *)enc;
    uint32_t left = enc->img->nmapped - v->skip;
    uint64_t blocks =
        len > head_size(v) ? (len - head_size(v)) / BLOCK_SPAN : 0;

    *rest = (struct encoder_rest){
        .blocks = v->skip + (uint32_t)min_u64(blocks, left),
    };
}

static void vhd_close(struct encoder *enc)
{
    vhd_naming_free(&((struct vhd_encoder *)enc)->naming);
    free(enc);
}

static const struct encoder_ops vhd_ops = {
    .begin = vhd_begin,
    .block = vhd_block,
    .end = vhd_end,
    .reached = vhd_reached,
    .close = vhd_close,
};

static int check_image(const struct image *img, const struct vhd_options *opt,
                       struct err *e)
{
    if (img->block_size != BLOCK_SIZE_DEFAULT)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: blocks of %" PRIu32 " bytes, expected 2 MiB",
                       img->name, img->block_size);
    if (img->has_parent && !img->vhd && !opt->parent_uuid)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: holds only what differs from its parent, and does "
                       "not tell which that is",
                       img->name);
    return 0;
}

static int make_head(struct vhd_encoder *v, const struct vhd_options *opt,
                     struct err *e)
{
    const struct image *img = v->base.img;
    enum vhd_type type =
        img->has_parent || opt->overlay ? VHD_DIFFERENCING : VHD_DYNAMIC;
    struct vhd_header h = {
        .data_offset = UINT64_MAX,
        .version = VHD_VERSION,
        .max_entries = img->nblocks,
        .block_size = BLOCK_SIZE_DEFAULT,
    };
    struct vhd_footer f;

    TRY(vhd_new_footer(&f, img, type, img->size, opt->uuid, e));
    vhd_footer_encode(&f, v->footer);
    if (img->has_parent)
        TRY(vhd_naming_make(&v->naming, img->vhd, opt->parent, NAMING_AT, &h,
                            e));
    if (img->has_parent && opt->parent_uuid)
        h.parent_uuid = *opt->parent_uuid;
    h.table_offset = table_at(v);
    vhd_header_encode(&h, v->header);
    return 0;
}

int vhd_encoder(struct encoder **out, const struct image *img,
                const struct vhd_options *opt, struct err *e)
{
    struct vhd_encoder *v = NULL;
    int result;

    TRY(check_image(img, opt, e));
    TRY(mem_alloc(&v, sizeof(*v), "an encoder", e));
    v->base.ops = &vhd_ops;
    v->base.img = img;
    /* A set bit over zeros hides what the parent has there. */
    v->clear_zeros = opt->clear_zeros && !img->has_parent;
    v->skip = opt->rest.blocks;
    result = make_head(v, opt, e);
    if (result < 0) {
        vhd_close(&v->base);
        return result;
    }
    v->base.size = head_size(v) +
                   (uint64_t)(img->nmapped - v->skip) * BLOCK_SPAN +
                   VHD_FOOTER_SIZE;
    *out = &v->base;
    return 0;
}
