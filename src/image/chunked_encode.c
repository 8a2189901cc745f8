/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/*
 * XAPI's chunked framing of a raw disk (vhd-tool, which sparse_dd feeds the
 * same way): records of offset (8 bytes, little-endian), length (4) and that
 * many bytes, in any order; a record of offset 0 and length 0 ends it.
 * What no record covers keeps its old content, so holes are sent, as zeros.
 */

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/encoder.h"

#include <stdlib.h>

enum { RECORD_HEAD = 12 };

struct chunked_encoder {
    struct encoder base;
    uint64_t size;              /* of the disk that is filled */
    struct encoder_rest from;   /* what came before is there already */
    struct image_cursor cursor; /* the pieces that have come */
};

static int write_head(struct sink *s, uint64_t offset, uint32_t len,
                      struct err *e)
{
    uint8_t raw[RECORD_HEAD];

    put_le64(raw, offset);
    put_le32(raw + 8, len);
    return sink_write(s, raw, sizeof(raw), e);
}

/* The next run of up to PIECE_MAX bytes, from *at on, that no block covers: 1
 * and [*at, *end), or 0. */
static int next_hole(const struct chunked_encoder *c, uint64_t *at,
                     uint64_t *end)
{
    const struct image *img = c->base.img;

    while (*at < c->size) {
        uint64_t index = *at / img->block_size;

        *end = c->size;
        if (*at < img->size && bit_get(img->map, index)) {
            *at = min_u64((index + 1) * img->block_size, img->size);
            continue;
        }
        if (*at < img->size) {
            index += bits_run(img->map, index, img->nblocks);
            if (index < img->nblocks)
                *end = index * img->block_size;
        }
        *end = min_u64(*end, *at + PIECE_MAX);
        return 1;
    }
    return 0;
}

/* How much of the output covers holes. */
static uint64_t size_of_holes(const struct chunked_encoder *c)
{
    uint64_t total = 0, end;

    for (uint64_t at = c->from.holes; next_hole(c, &at, &end); at = end)
        total += RECORD_HEAD + (end - at);
    return total;
}

static int chunked_begin(struct encoder *enc, struct sink *s, struct err *e)
{
    (void)enc, (void)s, (void)e;
    return 0;
}

static int chunked_block(struct encoder *enc, struct sink *s,
                         const struct block *b, struct err *e)
{
    struct chunked_encoder *c = (struct chunked_encoder *)enc;
    uint64_t at = (uint64_t)b->index * enc->img->block_size + b->offset;
    struct block expected;

    (void)image_step_piece(enc->img, &c->cursor, &expected);
    if (c->cursor.steps <= c->from.blocks)
        return 0;
    TRY(write_head(s, at, b->len, e));
    return sink_write(s, b->data, b->len, e);
}

static int chunked_end(struct encoder *enc, struct sink *s, struct err *e)
{
    struct chunked_encoder *c = (struct chunked_encoder *)enc;
    uint64_t end;

    for (uint64_t at = c->from.holes; next_hole(c, &at, &end); at = end) {
        TRY(write_head(s, at, (uint32_t)(end - at), e));
        TRY(sink_zeros(s, end - at, e));
    }
    return write_head(s, 0, 0, e);
}

/* Blocks first, then holes, as they are written. */
static void chunked_reached(const struct encoder *enc, uint64_t len,
                            struct encoder_rest *rest)
{
    const struct chunked_encoder *c = (const struct chunked_encoder *)enc;
    struct image_cursor cursor = {0};
    struct block piece;
    uint64_t end;

    *rest = c->from;
    while (image_step_piece(enc->img, &cursor, &piece)) {
        if (cursor.steps <= c->from.blocks)
            continue;
        if (len < RECORD_HEAD + (uint64_t)piece.len)
            return;
        len -= RECORD_HEAD + (uint64_t)piece.len;
        if (!cursor.left_in_block)
            rest->blocks = cursor.steps;
    }
    for (uint64_t at = rest->holes; next_hole(c, &at, &end); at = end) {
        if (len < RECORD_HEAD + (end - at))
            return;
        len -= RECORD_HEAD + (end - at);
        rest->holes = end;
    }
}

static void chunked_close(struct encoder *enc)
{
    free(enc);
}

static const struct encoder_ops chunked_ops = {
    .begin = chunked_begin,
    .block = chunked_block,
    .end = chunked_end,
    .reached = chunked_reached,
    .close = chunked_close,
};

static uint64_t size_of_blocks(const struct chunked_encoder *c)
{
    struct image_cursor cursor = {0};
    struct block piece = {0};
    uint64_t total = 0;

    while (image_step_piece(c->base.img, &cursor, &piece))
        if (cursor.steps > c->from.blocks)
            total += RECORD_HEAD + piece.len;
    return total;
}

int chunked_encoder(struct encoder **out, const struct image *img,
                    uint64_t size, const struct encoder_rest *rest,
                    struct err *e)
{
    struct chunked_encoder *c = NULL;

    TRY(encoder_check_plain(img, size, e));
    TRY(mem_alloc(&c, sizeof(*c), "an encoder", e));
    c->base.ops = &chunked_ops;
    c->base.img = img;
    c->size = size;
    if (rest)
        c->from = *rest;
    c->base.size = size_of_blocks(c) + size_of_holes(c) + RECORD_HEAD;
    *out = &c->base;
    return 0;
}
