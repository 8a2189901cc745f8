/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_table.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_CHUNK = 64 * 1024, SURPLUS_FIRST = 1024 };

/* A block's place and number, so that they sort by place. */
static uint64_t make_key(uint32_t entry, uint32_t index)
{
    return (uint64_t)entry << 32 | index;
}

struct table_reader {
    struct source *src;
    struct vhd_head *h;
    uint64_t *surplus; /* keys of the blocks past the disk's end */
    uint32_t nsurplus, room;
};

/* --- its place ------------------------------------------------------------ */

static uint64_t table_end(const struct vhd_header *d)
{
    return d->table_offset + round_up((uint64_t)d->max_entries * 4, 512);
}

int vhd_table_place(const struct source *src, struct vhd_head *h, struct err *e)
{
    const struct vhd_header *d = &h->header;
    uint64_t head = h->footer.data_offset, at = d->table_offset;
    uint64_t len = (uint64_t)d->max_entries * 4;

    if (at < VHD_FOOTER_SIZE || at >= h->limit)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header (byte %" PRIu64
                       ") places the block allocation table at byte %" PRIu64
                       ", expected a place from byte 512 to %" PRIu64,
                       src->name, head + 16, at, h->limit);
    if (len > h->limit - at)
        return err_set(e, ERR_CORRUPT,
                       "%s: the block allocation table of %" PRIu32
                       " entries at byte %" PRIu64
                       " (by the dynamic header, byte %" PRIu64
                       ") is cut off at byte %" PRIu64,
                       src->name, d->max_entries, at, head + 16, h->limit);
    if (at < head + VHD_HEADER_SIZE && at + len > head)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header (byte %" PRIu64
                       ") places the block allocation table at byte %" PRIu64
                       ", over itself",
                       src->name, head + 16, at);
    vhd_head_add_part(h, at, table_end(d), "the block allocation table");
    return 0;
}

/* --- its entries ---------------------------------------------------------- */

static int bad_entry(const struct source *src, const struct vhd_head *h,
                     uint64_t key, const char *why, struct err *e)
{
    uint32_t index = (uint32_t)key;

    return err_set(e, ERR_CORRUPT,
                   "%s: BAT entry %" PRIu32 " (byte %" PRIu64
                   ") points to byte %" PRIu64 ", %s",
                   src->name, index,
                   h->header.table_offset + 4 * (uint64_t)index,
                   (key >> 32) * 512, why);
}

static int past_end(const struct table_reader *t, uint64_t key, uint64_t end,
                    struct err *e)
{
    char why[96];

    (void)snprintf(why, sizeof(why),
                   "and its block ends at byte %" PRIu64
                   ", past the end of the data (%" PRIu64 ")",
                   end, t->h->limit);
    return bad_entry(t->src, t->h, key, why, e);
}

/* A stream cannot go back to what stands before the table's end. */
static int passed(const struct table_reader *t, uint64_t key, struct err *e)
{
    uint32_t index = (uint32_t)key;

    return err_set(
        e, ERR_UNSUPPORTED,
        "%s: BAT entry %" PRIu32 " (byte %" PRIu64 ") points to byte %" PRIu64
        ", which the stream has passed; copy the VHD to a file and "
        "start from that",
        t->src->name, index, t->h->header.table_offset + 4 * (uint64_t)index,
        (key >> 32) * 512);
}

/* A block against everything that is not a block. */
static int check_entry(const struct table_reader *t, uint64_t key,
                       struct err *e)
{
    const struct vhd_head *h = t->h;
    uint64_t at = (key >> 32) * 512;
    uint64_t end = at + h->bitmap_size + h->header.block_size;

    if (end > h->limit)
        return past_end(t, key, end, e);
    for (unsigned p = 0; p < h->nparts; p++) {
        char why[64];

        if (at >= h->parts[p].end || h->parts[p].start >= end)
            continue;
        (void)snprintf(why, sizeof(why), "over %s", h->parts[p].what);
        return bad_entry(t->src, h, key, why, e);
    }
    if (!source_is_seekable(t->src) &&
        at < h->header.table_offset + (uint64_t)h->header.max_entries * 4)
        return passed(t, key, e);
    return 0;
}

static int add_surplus(struct table_reader *t, uint64_t key, struct err *e)
{
    if (t->nsurplus == t->room) {
        uint32_t room = t->room ? t->room * 2 : SURPLUS_FIRST;
        uint64_t *bigger = NULL;

        if (room > BLOCKS_MAX)
            return err_set(e, ERR_UNSUPPORTED,
                           "%s: more than %d blocks past the end of the disk",
                           t->src->name, BLOCKS_MAX);
        TRY(mem_alloc_array(&bigger, room, sizeof(*bigger),
                            "the blocks past the disk's end", e));
        if (t->nsurplus)
            memcpy(bigger, t->surplus, t->nsurplus * sizeof(*bigger));
        free(t->surplus);
        t->surplus = bigger;
        t->room = room;
    }
    t->surplus[t->nsurplus++] = key;
    return 0;
}

static int take_entry(struct table_reader *t, uint32_t index, uint32_t entry,
                      struct err *e)
{
    struct vhd_head *h = t->h;

    if (index < h->nblocks)
        h->bat[index] = entry;
    else if (!entry)
        return 0;
    if (!vhd_entry_used(entry))
        return 0;
    TRY(check_entry(t, make_key(entry, index), e));
    if (index >= h->nblocks)
        return add_surplus(t, make_key(entry, index), e);
    h->nused++;
    return 0;
}

/* The whole table, in pieces; the entries of the disk's blocks are kept. */
static int read_entries(struct table_reader *t, struct err *e)
{
    FREE uint8_t *raw = NULL;
    uint64_t at = t->h->header.table_offset;
    uint32_t left = t->h->header.max_entries, index = 0;

    TRY(mem_alloc(&raw, TABLE_CHUNK, "a buffer", e));
    while (left) {
        uint32_t now = (uint32_t)min_u64(left, TABLE_CHUNK / 4);

        TRY(vhd_read_at(t->src, raw, now * 4, at, "the block allocation table",
                        e));
        for (uint32_t i = 0; i < now; i++)
            TRY(take_entry(t, index + i, get_be32(raw + 4 * (size_t)i), e));
        index += now;
        at += now * 4;
        left -= now;
    }
    return 0;
}

/* --- the blocks against each other ---------------------------------------- */

static int check_pair(const struct table_reader *t, uint64_t low, uint64_t high,
                      struct err *e)
{
    uint64_t span =
        ((uint64_t)t->h->bitmap_size + t->h->header.block_size) / 512;
    char why[64];

    if ((high >> 32) >= (low >> 32) + span)
        return 0;
    (void)snprintf(why, sizeof(why), "into the block of entry %" PRIu32,
                   (uint32_t)low);
    return bad_entry(t->src, t->h, high, why, e);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The disk's blocks as they are numbered; true where they lie that way. */
static bool list_blocks(struct vhd_head *h)
{
    bool ascending = true;
    uint32_t n = 0, last = 0;

    for (uint32_t i = 0; i < h->nblocks; i++) {
        if (!vhd_entry_used(h->bat[i]))
            continue;
        ascending &= h->bat[i] >= last;
        last = h->bat[i];
        h->order[n++] = i;
    }
    return ascending;
}

static int check_ascending(const struct table_reader *t, struct err *e)
{
    const struct vhd_head *h = t->h;

    for (uint32_t i = 1; i < h->nused; i++) {
        uint32_t a = h->order[i - 1], b = h->order[i];

        TRY(check_pair(t, make_key(h->bat[a], a), make_key(h->bat[b], b), e));
    }
    return 0;
}

static int sort_all(struct table_reader *t, struct err *e)
{
    struct vhd_head *h = t->h;
    uint32_t total = h->nused + t->nsurplus, n = 0;
    FREE uint64_t *keys = NULL;

    TRY(mem_alloc_array(&keys, total, sizeof(*keys), "the block order", e));
    for (uint32_t i = 0; i < h->nused; i++)
        keys[i] = make_key(h->bat[h->order[i]], h->order[i]);
    if (t->nsurplus)
        memcpy(keys + h->nused, t->surplus, t->nsurplus * sizeof(*keys));
    qsort(keys, total, sizeof(*keys), compare_keys);
    for (uint32_t i = 0; i < total; i++) {
        if (i)
            TRY(check_pair(t, keys[i - 1], keys[i], e));
        if ((uint32_t)keys[i] < h->nblocks)
            h->order[n++] = (uint32_t)keys[i];
    }
    return 0;
}

/* Blocks by their place in the file; two that share bytes are refused. */
static int sort_blocks(struct table_reader *t, struct err *e)
{
    struct vhd_head *h = t->h;

    TRY(mem_alloc_array(&h->order, h->nused, sizeof(*h->order),
                        "the block order", e));
    h->ascending = list_blocks(h);
    if (h->ascending && !t->nsurplus)
        return check_ascending(t, e);
    return sort_all(t, e);
}

/* Where everything but the trailing footer ends, as far as the head tells. */
static uint64_t data_end(const struct table_reader *t)
{
    const struct vhd_head *h = t->h;
    uint64_t last = 0, end = 0;

    for (unsigned p = 0; p < h->nparts; p++)
        end = max_u64(end, h->parts[p].end);
    if (h->nused)
        last = h->bat[h->order[h->nused - 1]];
    for (uint32_t i = 0; i < t->nsurplus; i++)
        last = max_u64(last, t->surplus[i] >> 32);
    if (last)
        end = max_u64(end, last * 512 + h->bitmap_size + h->header.block_size);
    return end;
}

static int read_table(struct table_reader *t, struct err *e)
{
    struct vhd_head *h = t->h;

    h->nblocks = (uint32_t)div_up(h->size, h->header.block_size);
    h->bitmap_size = vhd_bitmap_size(h->header.block_size);
    TRY(mem_alloc_array(&h->bat, h->nblocks, sizeof(*h->bat),
                        "the block allocation table", e));
    TRY(read_entries(t, e));
    TRY(sort_blocks(t, e));
    h->end = data_end(t);
    return 0;
}

int vhd_table_read(struct source *src, struct vhd_head *h, struct err *e)
{
    struct table_reader t = {.src = src, .h = h};
    int result = read_table(&t, e);

    free(t.surplus);
    return result;
}

/* --- a look without keeping it -------------------------------------------- */

/* The header that f leads to: 1, or 0 where there is none to go by. */
static int look_at_header(struct source *src, const struct vhd_footer *f,
                          struct vhd_header *d, struct err *e)
{
    uint8_t raw[VHD_HEADER_SIZE];
    uint64_t size = (uint64_t)src->size;

    if (f->type == VHD_FIXED || size < VHD_HEADER_SIZE ||
        f->data_offset > size - VHD_HEADER_SIZE)
        return 0;
    TRY(source_pread_full(src, raw, sizeof(raw), f->data_offset,
                          "the dynamic header", e));
    return vhd_header_decode(raw, d) == VHD_INTACT && d->block_size &&
           d->table_offset <= size &&
           (uint64_t)d->max_entries * 4 <= size - d->table_offset;
}

int vhd_table_covers(struct source *src, const struct vhd_footer *f,
                     uint64_t pos, struct err *e)
{
    FREE uint8_t *raw = NULL;
    struct vhd_header d = {0};
    uint64_t span;
    int there = look_at_header(src, f, &d, e);

    if (there <= 0)
        return there;
    span = (uint64_t)vhd_bitmap_size(d.block_size) + d.block_size;
    TRY(mem_alloc(&raw, TABLE_CHUNK, "a buffer", e));
    for (uint64_t at = 0; at < (uint64_t)d.max_entries * 4; at += TABLE_CHUNK) {
        size_t now =
            (size_t)min_u64(TABLE_CHUNK, (uint64_t)d.max_entries * 4 - at);

        TRY(source_pread_full(src, raw, now, d.table_offset + at,
                              "the block allocation table", e));
        for (size_t i = 0; i < now; i += 4) {
            uint64_t start = (uint64_t)get_be32(raw + i) * 512;

            if (vhd_entry_used(get_be32(raw + i)) && pos >= start &&
                pos - start < span)
                return 1;
        }
    }
    return 0;
}
