/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/chunked_gaps.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/encoder.h"

#include <stdlib.h>

/* As in chunked_encode.c. */
enum { RECORD_HEAD = 12 };

static int write_head(struct sink *s, uint64_t offset, uint32_t len,
                      struct err *e)
{
    uint8_t raw[RECORD_HEAD];

    put_le64(raw, offset);
    put_le32(raw + 8, len);
    return sink_write(s, raw, sizeof(raw), e);
}

/* --- the sectors of an image ----------------------------------------------*/

struct runs_encoder {
    struct encoder base;
    uint64_t zeros_at, zeros_end; /* written before them */
};

static int runs_begin(struct encoder *enc, struct sink *s, struct err *e)
{
    const struct runs_encoder *r = (struct runs_encoder *)enc;
    uint64_t len;

    for (uint64_t at = r->zeros_at; at < r->zeros_end; at += len) {
        len = min_u64(r->zeros_end - at, PIECE_MAX);
        TRY(write_head(s, at, (uint32_t)len, e));
        TRY(sink_zeros(s, len, e));
    }
    return 0;
}

static int runs_block(struct encoder *enc, struct sink *s,
                      const struct block *b, struct err *e)
{
    uint64_t start = (uint64_t)b->index * enc->img->block_size + b->offset;
    uint32_t count = b->len / SECTOR_SIZE, run;

    for (uint32_t at = 0; at < count; at += run) {
        uint32_t from = at * SECTOR_SIZE;

        run = (uint32_t)bits_run(b->present, at, count);
        if (!bit_get(b->present, at))
            continue;
        TRY(write_head(s, start + from, run * SECTOR_SIZE, e));
        TRY(sink_write(s, b->data + from, (size_t)run * SECTOR_SIZE, e));
    }
    return 0;
}

static int runs_end(struct encoder *enc, struct sink *s, struct err *e)
{
    (void)enc;
    return write_head(s, 0, 0, e);
}

static void runs_close(struct encoder *enc)
{
    free(enc);
}

static const struct encoder_ops runs_ops = {
    .begin = runs_begin,
    .block = runs_block,
    .end = runs_end,
    .close = runs_close,
};

int chunked_runs_encoder(struct encoder **out, const struct image *img,
                         uint64_t zeros_at, uint64_t zeros_end, struct err *e)
{
    struct runs_encoder *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "an encoder", e));
    r->base.ops = &runs_ops;
    r->base.img = img;
    r->base.size = ENCODER_SIZE_OPEN;
    r->zeros_at = zeros_at;
    r->zeros_end = zeros_end;
    *out = &r->base;
    return 0;
}

/* --- what nobody has ------------------------------------------------------*/

/* The next record: 1 and [*at, *stop) in sectors, or 0. */
static int next_gap(const struct coverage *c, uint64_t *at, uint64_t end,
                    uint64_t *stop)
{
    if (!coverage_gap(c, *at, end, at, stop))
        return 0;
    *stop = min_u64(*stop, *at + PIECE_SECTORS);
    return 1;
}

uint64_t chunked_gaps_size(const struct coverage *c, uint64_t size)
{
    uint64_t total = 0, stop;

    for (uint64_t at = 0; next_gap(c, &at, size / SECTOR_SIZE, &stop);
         at = stop)
        total += RECORD_HEAD + (stop - at) * SECTOR_SIZE;
    return total ? total + RECORD_HEAD : 0;
}

int chunked_gaps_write(struct sink *s, const struct coverage *c, uint64_t size,
                       const struct wait *wait, struct err *e)
{
    uint64_t stop;

    for (uint64_t at = 0; next_gap(c, &at, size / SECTOR_SIZE, &stop);
         at = stop) {
        uint64_t len = (stop - at) * SECTOR_SIZE;

        TRY(wait_check(wait, e));
        TRY(write_head(s, at * SECTOR_SIZE, (uint32_t)len, e));
        TRY(sink_zeros(s, len, e));
    }
    return write_head(s, 0, 0, e);
}
