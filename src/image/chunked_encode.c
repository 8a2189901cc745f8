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
    uint64_t size; /* of the disk that is filled */
};

static int write_head(struct sink *s, uint64_t offset, uint32_t len,
                      struct err *e)
{
    uint8_t raw[RECORD_HEAD];

    put_le64(raw, offset);
    put_le32(raw + 8, len);
    return sink_write(s, raw, sizeof(raw), e);
}

/* Calls for each run of up to PIECE_MAX bytes that no block covers. With s NULL
 * it only adds up what the records take. */
static int cover_holes(const struct chunked_encoder *c, struct sink *s,
                       uint64_t *total, struct err *e)
{
    const struct image *img = c->base.img;
    uint64_t at = 0;

    while (at < c->size) {
        uint64_t index = at / img->block_size;
        uint64_t end = c->size;

        if (at < img->size && bit_get(img->map, index)) {
            at = (index + 1) * img->block_size;
            at = min_u64(at, img->size);
            continue;
        }
        if (at < img->size) {
            index += bits_run(img->map, index, img->nblocks);
            if (index < img->nblocks)
                end = index * img->block_size;
        }
        end = min_u64(end, at + PIECE_MAX);
        *total += RECORD_HEAD + (end - at);
        if (s) {
            TRY(write_head(s, at, (uint32_t)(end - at), e));
            TRY(sink_zeros(s, end - at, e));
        }
        at = end;
    }
    return 0;
}

static int chunked_begin(struct encoder *enc, struct sink *s, struct err *e)
{
    (void)enc, (void)s, (void)e;
    return 0;
}

static int chunked_block(struct encoder *enc, struct sink *s,
                         const struct block *b, struct err *e)
{
    uint64_t at = (uint64_t)b->index * enc->img->block_size + b->offset;

    TRY(write_head(s, at, b->len, e));
    return sink_write(s, b->data, b->len, e);
}

static int chunked_end(struct encoder *enc, struct sink *s, struct err *e)
{
    uint64_t total = 0;

    TRY(cover_holes((struct chunked_encoder *)enc, s, &total, e));
    return write_head(s, 0, 0, e);
}

static void chunked_close(struct encoder *enc)
{
    free(enc);
}

static const struct encoder_ops chunked_ops = {
    .begin = chunked_begin,
    .block = chunked_block,
    .end = chunked_end,
    .close = chunked_close,
};

static uint64_t size_of_blocks(const struct image *img)
{
    struct image_cursor cursor = {0};
    struct block piece = {0};
    uint64_t total = 0;

    while (image_step_piece(img, &cursor, &piece))
        total += RECORD_HEAD + piece.len;
    return total;
}

int chunked_encoder(struct encoder **out, const struct image *img,
                    uint64_t size, struct err *e)
{
    struct chunked_encoder *c = NULL;

    TRY(encoder_check_plain(img, size, e));
    TRY(mem_alloc(&c, sizeof(*c), "an encoder", e));
    c->base.ops = &chunked_ops;
    c->base.img = img;
    c->size = size;
    c->base.size = size_of_blocks(img) + RECORD_HEAD;
    (void)cover_holes(c, NULL, &c->base.size, NULL);
    *out = &c->base;
    return 0;
}
