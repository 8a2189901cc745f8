/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/*
 * Lays a dynamic VHD out from the map: footer, header at 512, table at 1536,
 * then each block's bitmap and data in the order of the image, back to back,
 * and the footer again. Everything that readers compute the size from agrees:
 *
 *     1536 + align512(4 * entries) + blocks * (512 + 2 MiB) + 512
 */

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/encoder.h"
#include "image/vhd_decode.h"
#include "image/vhd_layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    HEADER_AT = VHD_FOOTER_SIZE,
    TABLE_AT = VHD_FOOTER_SIZE + VHD_HEADER_SIZE,
    BITMAP_SIZE = 512,
    BLOCK_SPAN = BITMAP_SIZE + BLOCK_SIZE_DEFAULT,
    TABLE_CHUNK = 64 * 1024,
};

struct vhd_encoder {
    struct encoder base;
    uint8_t footer[VHD_FOOTER_SIZE];
    bool clear_zeros;
    struct image_cursor expected; /* the block that must come next */
};

static uint64_t table_size(const struct image *img)
{
    return round_up((uint64_t)img->nblocks * 4, 512);
}

static int write_header(const struct vhd_encoder *v, struct sink *s,
                        struct err *e)
{
    struct vhd_header h = {
        .data_offset = UINT64_MAX,
        .table_offset = TABLE_AT,
        .version = VHD_VERSION,
        .max_entries = v->base.img->nblocks,
        .block_size = BLOCK_SIZE_DEFAULT,
    };
    uint8_t raw[VHD_HEADER_SIZE];

    vhd_header_encode(&h, raw);
    return sink_write(s, raw, sizeof(raw), e);
}

/* The place of each block is its turn in the image's order. */
static int fill_table(const struct image *img, uint8_t *table, struct err *e)
{
    uint64_t at = (TABLE_AT + table_size(img)) / 512;
    uint32_t cursor = 0;

    memset(table, 0xff, table_size(img));
    for (uint32_t i = 0; i < img->nmapped; i++) {
        uint32_t index = image_step(img, &cursor);

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
    TRY(fill_table(enc->img, table, e));
    TRY(sink_write(s, v->footer, sizeof(v->footer), e));
    TRY(write_header(v, s, e));
    return sink_write(s, table, table_size(enc->img), e);
}

static void clear_zero_sectors(struct block *b, uint8_t *bitmap)
{
    uint32_t sectors = b->len / SECTOR_SIZE;

    for (uint32_t i = 0; i < sectors; i++)
        if (zero_is(b->data + (size_t)i * SECTOR_SIZE, SECTOR_SIZE))
            bit_clear(bitmap, i);
}

static int vhd_block(struct encoder *enc, struct sink *s, struct block *b,
                     struct err *e)
{
    struct vhd_encoder *v = (struct vhd_encoder *)enc;
    uint8_t bitmap[BITMAP_SIZE] = {0};
    struct block expected;

    if (!image_step_piece(enc->img, &v->expected, &expected) ||
        expected.index != b->index || expected.len != b->len)
        return err_set(e, ERR_FAILED,
                       "%s: block %" PRIu32 " came out of its turn",
                       enc->img->name, b->index);
    memcpy(bitmap, b->present, bits_size(b->len / SECTOR_SIZE));
    if (v->clear_zeros)
        clear_zero_sectors(b, bitmap);
    TRY(sink_write(s, bitmap, sizeof(bitmap), e));
    TRY(sink_write(s, b->data, b->len, e));
    return sink_zeros(s, BLOCK_SIZE_DEFAULT - b->len, e);
}

static int vhd_end(struct encoder *enc, struct sink *s, struct err *e)
{
    struct vhd_encoder *v = (struct vhd_encoder *)enc;

    return sink_write(s, v->footer, sizeof(v->footer), e);
}

static void vhd_close(struct encoder *enc)
{
    free(enc);
}

static const struct encoder_ops vhd_ops = {
    .begin = vhd_begin,
    .block = vhd_block,
    .end = vhd_end,
    .close = vhd_close,
};

static uint32_t vhd_time(void)
{
    time_t now = time(NULL);

    return now > VHD_EPOCH ? (uint32_t)(now - VHD_EPOCH) : 0;
}

/* A disk that was a VHD keeps its uuid and its time: a child finds its parent
 * by them, and the content is the same. */
static int make_footer(struct vhd_encoder *v, const struct vhd_options *opt,
                       struct err *e)
{
    const struct vhd_head *from = v->base.img->vhd;
    struct vhd_footer f = {
        .features = 2,
        .version = VHD_VERSION,
        .data_offset = HEADER_AT,
        /* qemu reads this creator by current_size. */
        .creator = {'q', 'e', 'm', '2'},
        .creator_version = 0x00050003,
        .creator_os = 0x5769326B,
        .original_size = v->base.img->size,
        .current_size = v->base.img->size,
        .type = VHD_DYNAMIC,
        .timestamp = from ? from->footer.timestamp : vhd_time(),
    };

    vhd_geometry(f.current_size, &f);
    if (opt->uuid)
        f.uuid = *opt->uuid;
    else if (from && !uuid_is_null(&from->footer.uuid))
        f.uuid = from->footer.uuid;
    else
        TRY(uuid_make(&f.uuid, e));
    vhd_footer_encode(&f, v->footer);
    return 0;
}

static int check_image(const struct image *img, struct err *e)
{
    if (img->block_size != BLOCK_SIZE_DEFAULT)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: blocks of %" PRIu32 " bytes, expected 2 MiB",
                       img->name, img->block_size);
    if (img->has_parent)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a differencing disk holds only what differs from "
                       "its parent and cannot be written as a whole disk",
                       img->name);
    if (img->size > VHD_SIZE_MAX)
        return err_set(e, ERR_NO_SPACE,
                       "%s: %" PRIu64
                       " bytes; a VHD holds at most 2040 GiB (%" PRIu64 ")",
                       img->name, img->size, VHD_SIZE_MAX);
    return 0;
}

int vhd_encoder(struct encoder **out, const struct image *img,
                const struct vhd_options *opt, struct err *e)
{
    struct vhd_encoder *v = NULL;
    int result;

    TRY(check_image(img, e));
    TRY(mem_alloc(&v, sizeof(*v), "an encoder", e));
    v->base.ops = &vhd_ops;
    v->base.img = img;
    v->base.size = TABLE_AT + table_size(img) +
                   (uint64_t)img->nmapped * BLOCK_SPAN + VHD_FOOTER_SIZE;
    v->clear_zeros = opt->clear_zeros;
    result = make_footer(v, opt, e);
    if (result < 0) {
        free(v);
        return result;
    }
    *out = &v->base;
    return 0;
}
