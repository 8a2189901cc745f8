/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/chunked_gaps.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/encoder.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECORD_HEAD = 12, /* as in chunked_encode.c */
    ROOM = 512 * 1024,
    SMALL = 64 * 1024,
    /* Marks cover at least the last MARKS * MARK_STEP bytes of the output:
     * twice what can be on the way. */
    MARK_STEP = 64 * 1024,
    MARKS = 1024,
};

/* How many blocks were through when the output had that length. */
struct mark {
    uint64_t pos;
    uint32_t blocks;
};

/* A guest's writes are small: each record in a call of its own would be two
 * packets. So heads and small runs are gathered, large ones go past. */
struct runs_encoder {
    struct encoder base;
    uint64_t zeros_at, zeros_end; /* written before the sectors */
    struct encoder_rest from;     /* what came before is there already */
    struct image_cursor cursor;   /* the pieces that have come */
    uint8_t *room;                /* ROOM bytes */
    size_t len;
    uint64_t pos;       /* of the output, what is in the room included */
    struct mark *marks; /* the last MARKS of nmarks, in turns */
    uint64_t nmarks;
};

static void fill_head(uint8_t *raw, uint64_t offset, uint32_t len)
{
    put_le64(raw, offset);
    put_le32(raw + 8, len);
}

/* --- the sectors of an image ----------------------------------------------*/

static int write_room(struct runs_encoder *r, struct sink *s, struct err *e)
{
    size_t len = r->len;

    r->len = 0;
    return sink_write(s, r->room, len, e);
}

static int gather(struct runs_encoder *r, struct sink *s, const void *data,
                  size_t len, struct err *e)
{
    r->pos += len;
    if (len > SMALL || len > ROOM - r->len)
        TRY(write_room(r, s, e));
    if (len > SMALL)
        return sink_write(s, data, len, e);
    memcpy(r->room + r->len, data, len);
    r->len += len;
    return 0;
}

static int put_record(struct runs_encoder *r, struct sink *s, uint64_t offset,
                      const uint8_t *data, uint32_t len, struct err *e)
{
    uint8_t head[RECORD_HEAD];

    fill_head(head, offset, len);
    TRY(gather(r, s, head, sizeof(head), e));
    return gather(r, s, data, len, e);
}

static int runs_begin(struct encoder *enc, struct sink *s, struct err *e)
{
    struct runs_encoder *r = (struct runs_encoder *)enc;
    uint8_t head[RECORD_HEAD];
    uint64_t len;

    for (uint64_t at = r->zeros_at; at < r->zeros_end; at += len) {
        len = min_u64(r->zeros_end - at, PIECE_MAX);
        fill_head(head, at, (uint32_t)len);
        TRY(sink_write(s, head, sizeof(head), e));
        TRY(sink_zeros(s, len, e));
        r->pos += sizeof(head) + len;
    }
    return 0;
}

static uint64_t last_mark(const struct runs_encoder *r)
{
    return r->nmarks ? r->marks[(r->nmarks - 1) % MARKS].pos : 0;
}

/* The bits tell only now how much of the output a block is. */
static void mark_block(struct runs_encoder *r)
{
    if (r->pos - last_mark(r) < MARK_STEP)
        return;
    r->marks[r->nmarks++ % MARKS] = (struct mark){r->pos, r->cursor.steps};
}

static int runs_block(struct encoder *enc, struct sink *s,
                      const struct block *b, struct err *e)
{
    struct runs_encoder *r = (struct runs_encoder *)enc;
    uint64_t start = (uint64_t)b->index * enc->img->block_size + b->offset;
    uint32_t count = b->len / SECTOR_SIZE, run;
    struct block expected;

    (void)image_step_piece(enc->img, &r->cursor, &expected);
    if (r->cursor.steps <= r->from.blocks)
        return 0;
    for (uint32_t at = 0; at < count; at += run) {
        uint32_t from = at * SECTOR_SIZE;

        run = (uint32_t)bits_run(b->present, at, count);
        if (bit_get(b->present, at))
            TRY(put_record(r, s, start + from, b->data + from,
                           run * SECTOR_SIZE, e));
    }
    if (!r->cursor.left_in_block)
        mark_block(r);
    return 0;
}

/* A record of no length is the last. */
static int runs_end(struct encoder *enc, struct sink *s, struct err *e)
{
    struct runs_encoder *r = (struct runs_encoder *)enc;

    TRY(put_record(r, s, 0, r->room, 0, e));
    return write_room(r, s, e);
}

/* Zeros come first, so where blocks are done they are, too. */
static void runs_reached(const struct encoder *enc, uint64_t len,
                         struct encoder_rest *rest)
{
    const struct runs_encoder *r = (const struct runs_encoder *)enc;
    uint64_t first = r->nmarks > MARKS ? r->nmarks - MARKS : 0;
    uint64_t left = len, now;

    *rest = r->from;
    for (uint64_t at = r->zeros_at; at < r->zeros_end; at += now) {
        now = min_u64(r->zeros_end - at, PIECE_MAX);
        if (left < RECORD_HEAD + now)
            return;
        left -= RECORD_HEAD + now;
        rest->holes = at + now;
    }
    for (uint64_t i = first; i < r->nmarks; i++)
        if (r->marks[i % MARKS].pos <= len)
            rest->blocks = r->marks[i % MARKS].blocks;
}

static void runs_close(struct encoder *enc)
{
    struct runs_encoder *r = (struct runs_encoder *)enc;

    free(r->room);
    free(r->marks);
    free(r);
}

static const struct encoder_ops runs_ops = {
    .begin = runs_begin,
    .block = runs_block,
    .end = runs_end,
    .reached = runs_reached,
    .close = runs_close,
};

static int make_room(struct runs_encoder *r, struct err *e)
{
    TRY(mem_alloc_array(&r->marks, MARKS, sizeof(*r->marks), "an encoder", e));
    return mem_alloc_buffer(&r->room, ROOM, e);
}

int chunked_runs_rest(struct encoder **out, const struct image *img,
                      uint64_t zeros_at, uint64_t zeros_end,
                      const struct encoder_rest *rest, struct err *e)
{
    struct runs_encoder *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "an encoder", e));
    r->base = (struct encoder){
        .ops = &runs_ops, .img = img, .size = ENCODER_SIZE_OPEN};
    r->from = *rest;
    r->zeros_at = rest->blocks ? zeros_end : max_u64(zeros_at, rest->holes);
    r->zeros_end = zeros_end;
    if (make_room(r, e) < 0) {
        runs_close(&r->base);
        return e->code;
    }
    *out = &r->base;
    return 0;
}

int chunked_runs_encoder(struct encoder **out, const struct image *img,
                         uint64_t zeros_at, uint64_t zeros_end, struct err *e)
{
    const struct encoder_rest all = {0};

    return chunked_runs_rest(out, img, zeros_at, zeros_end, &all, e);
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
    FREE uint8_t *record = NULL; /* a head, and zeros for the longest */
    uint64_t stop;

    TRY(mem_alloc(&record, RECORD_HEAD + PIECE_MAX, "a buffer of zeros", e));
    for (uint64_t at = 0; next_gap(c, &at, size / SECTOR_SIZE, &stop);
         at = stop) {
        uint32_t len = (uint32_t)(stop - at) * SECTOR_SIZE;

        TRY(wait_check(wait, e));
        fill_head(record, at * SECTOR_SIZE, len);
        TRY(sink_write(s, record, RECORD_HEAD + (size_t)len, e));
    }
    fill_head(record, 0, 0);
    return sink_write(s, record, RECORD_HEAD, e);
}
