/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_table.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/image.h"
#include "image/vhd/vhd_judge.h"

#include <inttypes.h>

enum {
    TABLE_CHUNK = 64 * 1024,
    ENOUGH = 1000, /* errors: a table of wrong entries is told of by these */
};

uint64_t vhd_entry_at(const struct vhd_head *h, uint32_t index)
{
    return h->header.table_offset + 4 * (uint64_t)index;
}

uint64_t vhd_table_end(const struct vhd_header *d)
{
    return d->table_offset + round_up((uint64_t)d->max_entries * 4, 512);
}

uint64_t vhd_block_span(const struct vhd_head *h)
{
    return (uint64_t)h->bitmap_size + h->header.block_size;
}

bool vhd_table_has(const struct vhd_head *h, uint32_t index)
{
    return vhd_entry_used(h->bat[index]) &&
           (h->bat[index] || index < h->nblocks);
}

static uint64_t place(const struct vhd_head *h, uint32_t index)
{
    return (uint64_t)h->bat[index] * 512;
}

bool vhd_table_covers(const struct vhd_head *h, uint64_t pos)
{
    for (uint32_t i = 0; h->bat && i < h->nentries; i++)
        if (vhd_table_has(h, i) && pos >= place(h, i) &&
            pos - place(h, i) < vhd_block_span(h))
            return true;
    return false;
}

/* --- a look before anything is known --------------------------------------*/

/* The header that f leads to: 1, or 0 where there is none to go by. */
static int look_at_header(struct vhd_tape *t, const struct vhd_footer *f,
                          struct vhd_header *d, struct err *e)
{
    uint8_t raw[VHD_HEADER_SIZE];
    int64_t got;

    if (f->type != VHD_DYNAMIC && f->type != VHD_DIFFERENCING)
        return 0;
    got = vhd_tape_read(t, raw, sizeof(raw), f->data_offset, e);
    TRY(got);
    return got == VHD_HEADER_SIZE && vhd_header_decode(raw, d) == VHD_INTACT &&
           d->block_size && d->table_offset <= t->size &&
           (uint64_t)d->max_entries * 4 <= t->size - d->table_offset;
}

int vhd_table_covers_by(struct vhd_tape *t, const struct vhd_footer *f,
                        uint64_t pos, struct err *e)
{
    FREE uint8_t *raw = NULL;
    struct vhd_header d = {0};
    uint64_t span, len;
    int there = look_at_header(t, f, &d, e);

    if (there <= 0)
        return there;
    span = (uint64_t)vhd_bitmap_size(d.block_size) + d.block_size;
    len = (uint64_t)d.max_entries * 4;
    TRY(mem_alloc(&raw, TABLE_CHUNK, "a buffer", e));
    for (uint64_t at = 0; at < len; at += TABLE_CHUNK) {
        size_t now = (size_t)min_u64(TABLE_CHUNK, len - at);

        TRY(vhd_tape_read(t, raw, now, d.table_offset + at, e));
        for (size_t i = 0; i < now; i += 4) {
            uint64_t start = (uint64_t)get_be32(raw + i) * 512;

            if (vhd_entry_used(get_be32(raw + i)) && pos >= start &&
                pos - start < span)
                return 1;
        }
    }
    return 0;
}

/* --- reading --------------------------------------------------------------*/

/* The whole table; 0 where it is cut off. */
static int read_entries(struct vhd_tape *t, struct vhd_head *h, struct err *e)
{
    FREE uint8_t *raw = NULL;
    FREE uint32_t *bat = NULL;

    TRY(mem_alloc_array(&bat, h->nentries, sizeof(*bat),
                        "the block allocation table", e));
    TRY(mem_alloc(&raw, TABLE_CHUNK, "a buffer", e));
    for (uint32_t index = 0; index < h->nentries;) {
        uint32_t now = (uint32_t)min_u64(h->nentries - index, TABLE_CHUNK / 4);
        int64_t got = vhd_tape_read(t, raw, now * 4, vhd_entry_at(h, index), e);

        TRY(got);
        if (got < now * 4)
            return 0;
        for (uint32_t i = 0; i < now; i++)
            bat[index + i] = get_be32(raw + 4 * (size_t)i);
        index += now;
    }
    h->bat = bat;
    bat = NULL;
    return 1;
}

/* --- each entry by itself -------------------------------------------------*/

static int find_entry(struct vhd_judge *j, enum vhd_finding_id id,
                      const struct vhd_head *h, uint32_t index, const char *why,
                      uint64_t number, struct err *e)
{
    return vhd_find(j, id, vhd_entry_at(h, index), e,
                    "BAT entry %" PRIu32 " points to byte %" PRIu64
                    ", %s %" PRIu64,
                    index, place(h, index), why, number);
}

/* Against the end of the data: 1 where the block begins before that. */
static int judge_limit(struct vhd_judge *j, const struct vhd_head *h,
                       uint32_t index, struct err *e)
{
    uint64_t end = place(h, index) + vhd_block_span(h);

    if (place(h, index) >= h->limit)
        return find_entry(j, FOUND_BAT_ENTRY_PAST_END, h, index,
                          "the data ends at", h->limit, e);
    if (end > h->limit)
        TRY(find_entry(
            j, h->footer_size ? FOUND_BLOCK_OVER_FOOTER : FOUND_BLOCK_CUT, h,
            index,
            h->footer_size ? "its block runs into the trailing footer at"
                           : "the file ends inside its block, at",
            h->limit, e));
    return 1;
}

static int judge_overlap(struct vhd_judge *j, const struct vhd_head *h,
                         uint32_t index, const struct vhd_part *p,
                         struct err *e)
{
    static const enum vhd_finding_id ids[] = {
        [VHD_PART_COPY] = FOUND_BLOCK_OVER_COPY,
        [VHD_PART_HEADER] = FOUND_BLOCK_OVER_HEADER,
        [VHD_PART_TABLE] = FOUND_BLOCK_OVER_BAT,
        [VHD_PART_LOCATOR] = FOUND_BLOCK_OVER_LOCATOR,
    };
    static const char *const whats[] = {
        [VHD_PART_COPY] = "its block lies over the footer at",
        [VHD_PART_HEADER] = "its block lies over the dynamic header at",
        [VHD_PART_TABLE] = "its block lies over the table at",
        [VHD_PART_LOCATOR] = "its block lies over a parent locator's text at",
    };

    return find_entry(j, ids[p->kind], h, index, whats[p->kind], p->start, e);
}

/* 1 where the block is to be compared with the others. */
static int judge_entry(struct vhd_judge *j, const struct vhd_head *h,
                       uint32_t index, struct err *e)
{
    uint64_t start = place(h, index), end = start + vhd_block_span(h);
    uint64_t table = h->header.table_offset;
    int inside;

    if (index >= h->nblocks)
        TRY(find_entry(j, FOUND_SURPLUS_BLOCK, h, index,
                       "a block past the disk's end, at", h->size, e));
    inside = judge_limit(j, h, index, e);
    if (inside <= 0)
        return inside;
    for (int i = 0; i < h->nparts; i++)
        if (vhd_overlap(start, end, h->parts[i].start, h->parts[i].end))
            TRY(judge_overlap(j, h, index, &h->parts[i], e));
    if (start < table + 4 * (uint64_t)h->nentries)
        TRY(vhd_find(j, FOUND_PIPE_ORDER, vhd_entry_at(h, index), e,
                     "BAT entry %" PRIu32 " points to byte %" PRIu64
                     ", which a stream has passed; copy the VHD to a file and "
                     "start from that",
                     index, start));
    return 1;
}

/* The entry is 0, past the disk's end: some pad so. */
static int find_zero(struct vhd_judge *j, const struct vhd_head *h,
                     uint32_t index, struct err *e)
{
    if (j->counts[FOUND_SURPLUS_ZERO])
        return 0;
    return vhd_find(j, FOUND_SURPLUS_ZERO, vhd_entry_at(h, index), e,
                    "BAT entry %" PRIu32
                    ", past the disk's end, is 0; taken as unallocated",
                    index);
}

/* Judges all entries and lists those to be compared in h->order. */
static int judge_entries(struct vhd_judge *j, struct vhd_head *h, struct err *e)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < h->nentries; i++)
        used += vhd_table_has(h, i);
    TRY(mem_alloc_array(&h->order, used, sizeof(*h->order), "the block order",
                        e));
    for (uint32_t i = 0; i < h->nentries && j->errors <= ENOUGH; i++) {
        int listed;

        if (!vhd_entry_used(h->bat[i]))
            continue;
        listed = vhd_table_has(h, i) ? judge_entry(j, h, i, e)
                                     : find_zero(j, h, i, e);
        TRY(listed);
        if (listed)
            h->order[h->nused++] = i;
    }
    return 0;
}

/* --- the blocks against each other ----------------------------------------*/

/* Place and number of a listed block, so that they sort by place. */
static uint64_t key_of(const struct vhd_head *h, uint32_t index)
{
    return (uint64_t)h->bat[index] << 32 | index;
}

/* Sorts list[0 .. n) by the keys' bits below and at `bit`, in place: no more
 * memory than the list, no more steps than n times the bits. */
static void sort_by_bits(const struct vhd_head *h, uint32_t *list, uint32_t n,
                         int bit)
{
    while (n > 1 && bit >= 0) {
        uint32_t low = 0, high = n;

        while (low < high) {
            if (key_of(h, list[low]) >> bit & 1) {
                uint32_t other = list[--high];

                list[high] = list[low];
                list[low] = other;
            } else {
                low++;
            }
        }
        bit--;
        sort_by_bits(h, list, low, bit);
        list += low;
        n -= low;
    }
}

static void sort_blocks(struct vhd_head *h)
{
    uint64_t differ = 0;
    bool sorted = true;

    for (uint32_t i = 1; i < h->nused; i++) {
        uint64_t last = key_of(h, h->order[i - 1]),
                 key = key_of(h, h->order[i]);

        sorted &= last < key;
        differ |= last ^ key;
    }
    if (!sorted)
        sort_by_bits(h, h->order, h->nused, 63 - __builtin_clzll(differ));
}

static int judge_pair(struct vhd_judge *j, const struct vhd_head *h,
                      uint32_t low, uint32_t high, struct err *e)
{
    if (place(h, low) == place(h, high))
        return vhd_find(j, FOUND_BAT_ENTRIES_EQUAL,
                        vhd_entry_at(h, low > high ? low : high), e,
                        "BAT entries %" PRIu32 " and %" PRIu32
                        " both point to byte %" PRIu64,
                        low, high, place(h, low));
    if (place(h, low) + vhd_block_span(h) > place(h, high))
        return find_entry(j, FOUND_BLOCKS_OVERLAP, h, high,
                          "which lies in the block of entry", low, e);
    return 0;
}

/* The disk's own blocks stay listed. */
static void drop_surplus(struct vhd_head *h)
{
    uint32_t kept = 0;

    h->ascending = true;
    for (uint32_t i = 0; i < h->nused; i++) {
        uint32_t index = h->order[i];

        if (index >= h->nblocks)
            continue;
        h->ascending &= !kept || index > h->order[kept - 1];
        h->order[kept++] = index;
    }
    h->nused = kept;
}

static uint64_t parts_end(const struct vhd_head *h)
{
    uint64_t end = 0;

    for (int i = 0; i < h->nparts; i++)
        end = max_u64(end, h->parts[i].end);
    return end;
}

int vhd_table_judge(struct vhd_tape *t, struct vhd_judge *j, struct vhd_head *h,
                    struct err *e)
{
    int whole = read_entries(t, h, e);

    if (whole <= 0)
        return whole;
    TRY(judge_entries(j, h, e));
    sort_blocks(h);
    for (uint32_t i = 1; i < h->nused; i++)
        TRY(judge_pair(j, h, h->order[i - 1], h->order[i], e));
    if (h->nused)
        h->blocks_end = place(h, h->order[h->nused - 1]) + vhd_block_span(h);
    h->end = max_u64(parts_end(h), h->blocks_end);
    drop_surplus(h);
    return 1;
}

int vhd_table_judge_end(struct vhd_judge *j, const struct vhd_head *h,
                        uint64_t judged, struct err *e)
{
    for (uint32_t i = 0; i < h->nentries && j->errors <= ENOUGH; i++)
        if (vhd_table_has(h, i) && place(h, i) + vhd_block_span(h) <= judged)
            TRY(judge_limit(j, h, i, e));
    return 0;
}
