/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_survey.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/image.h"
#include "image/vhd/vhd_table.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 256 * 1024 };

struct surveyor {
    struct vhd_tape *t;
    const struct vhd_head *h;
    struct vhd_survey *out;
    uint8_t *bitmap; /* of the block at hand */
    uint8_t *piece;  /* PIECE bytes of data */
    bool ended;      /* the stream did, within a block */
    /* File: between `from` and `end` the first byte that may be data is
     * `start`; blocks come in order, so one answer serves many of them. */
    uint64_t from, start, end;
};

static uint32_t sectors_of(const struct vhd_head *h)
{
    return h->header.block_size / SECTOR_SIZE;
}

/* Sectors of a block that are inside the disk. */
static uint64_t sectors_inside(const struct vhd_head *h, uint32_t index)
{
    uint64_t start = (uint64_t)index * h->header.block_size;

    return min_u64(h->header.block_size, h->size - start) / SECTOR_SIZE;
}

static void look_past_end(struct surveyor *s, uint32_t index)
{
    uint64_t at = (uint64_t)s->h->bat[index] * SECTOR_SIZE;
    uint64_t bit = sectors_inside(s->h, index), end = sectors_of(s->h);

    if (bit < end && !bit_get(s->bitmap, bit))
        bit += bits_run(s->bitmap, bit, end);
    if (bit < end)
        s->out->bit_past_end = at + bit / 8;
}

/* Offset of the first sector that is not zero; `len` where there is none. */
static size_t first_sector(const uint8_t *data, size_t len)
{
    size_t at = 0;

    if (zero_is(data, len))
        return len;
    while (zero_is(data + at, SECTOR_SIZE))
        at += SECTOR_SIZE;
    return at;
}

/* The first sector with data in [at, end). */
static int find_data(struct surveyor *s, uint64_t at, uint64_t end,
                     uint64_t *found, struct err *e)
{
    while (at < end) {
        size_t len = (size_t)min_u64(end - at, PIECE);
        int64_t got = vhd_tape_read(s->t, s->piece, len, at, e);

        TRY(got);
        if ((size_t)got < len) {
            s->ended = true;
            return 0;
        }
        if (first_sector(s->piece, len) < len) {
            *found = at + first_sector(s->piece, len);
            return 0;
        }
        at += len;
    }
    return 0;
}

/* Has from, start and end tell of byte `at`. */
static int look_for_holes(struct surveyor *s, uint64_t at, struct err *e)
{
    int more;

    if (at >= s->from && at < s->end)
        return 0;
    more = source_data(s->t->src, at, &s->start, &s->end, e);
    TRY(more);
    if (!more)
        s->start = s->end = UINT64_MAX;
    s->from = at;
    return 0;
}

/* The same where the file has holes. */
static int find_in_file(struct surveyor *s, uint64_t at, uint64_t end,
                        uint64_t *found, struct err *e)
{
    while (at < end && *found == UINT64_MAX) {
        uint64_t start, stop;

        TRY(look_for_holes(s, at, e));
        if (s->start >= end)
            return 0;
        start = max_u64(at, s->start / SECTOR_SIZE * SECTOR_SIZE);
        stop = end;
        if (s->end < end)
            stop = min_u64(end, round_up(s->end, SECTOR_SIZE));
        TRY(find_data(s, start, stop, found, e));
        at = stop;
    }
    return 0;
}

/* The bitmap of a block: its length, or less where a stream ends. */
static int64_t read_bitmap(struct surveyor *s, uint64_t at, struct err *e)
{
    uint32_t len = s->h->bitmap_size;

    if (!s->t->stream) {
        TRY(look_for_holes(s, at, e));
        if (s->start >= at + len) {
            memset(s->bitmap, 0, len);
            return len;
        }
    }
    return vhd_tape_read(s->t, s->bitmap, len, at, e);
}

/* Data under the clear bits of a block. */
static int look_under_bits(struct surveyor *s, uint32_t index, struct err *e)
{
    uint64_t data =
        (uint64_t)s->h->bat[index] * SECTOR_SIZE + s->h->bitmap_size;
    uint64_t found = UINT64_MAX;
    uint32_t sectors = sectors_of(s->h);

    for (uint32_t at = 0; at < sectors && found == UINT64_MAX && !s->ended;) {
        uint32_t run = (uint32_t)bits_run(s->bitmap, at, sectors);
        uint64_t from = data + (uint64_t)at * SECTOR_SIZE;
        uint64_t to = from + (uint64_t)run * SECTOR_SIZE;

        if (!bit_get(s->bitmap, at))
            TRY(s->t->stream ? find_data(s, from, to, &found, e)
                             : find_in_file(s, from, to, &found, e));
        at += run;
    }
    if (found == UINT64_MAX)
        return 0;
    s->out->hidden_data = found;
    s->out->hidden_block = index;
    return 0;
}

static int look_at_block(struct surveyor *s, uint32_t index, struct err *e)
{
    const struct vhd_head *h = s->h;
    int64_t got = read_bitmap(s, (uint64_t)h->bat[index] * SECTOR_SIZE, e);

    TRY(got);
    if (got < h->bitmap_size) {
        s->ended = true;
        return 0;
    }
    if (bits_all_set(s->bitmap, sectors_of(h)))
        bit_set(s->out->full, index);
    look_past_end(s, index);
    if (h->footer.type == VHD_DIFFERENCING || index >= s->out->hidden_block)
        return 0;
    return look_under_bits(s, index, e);
}

static int look_at_all(struct surveyor *s, struct err *e)
{
    for (uint32_t i = 0; i < s->h->nused && !s->ended; i++)
        TRY(look_at_block(s, s->h->order[i], e));
    return 0;
}

int vhd_survey_make(struct vhd_tape *t, const struct vhd_head *h,
                    struct vhd_survey *out, struct err *e)
{
    FREE uint8_t *bitmap = NULL;
    FREE uint8_t *piece = NULL;
    struct surveyor s = {.t = t, .h = h, .out = out};

    *out = (struct vhd_survey){UINT64_MAX, UINT64_MAX, UINT32_MAX, NULL};
    TRY(mem_alloc(&bitmap, h->bitmap_size, "a sector bitmap", e));
    TRY(mem_alloc(&piece, PIECE, "a buffer", e));
    TRY(mem_alloc(&out->full, bits_size(h->nblocks), "a bit for each block",
                  e));
    s.bitmap = bitmap;
    s.piece = piece;
    return look_at_all(&s, e);
}

void vhd_survey_free(struct vhd_survey *s)
{
    free(s->full);
    s->full = NULL;
}

void vhd_survey_cleanup(struct vhd_survey *s)
{
    vhd_survey_free(s);
}
