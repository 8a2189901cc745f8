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

enum { TABLE_CHUNK = 64 * 1024 };

static uint64_t table_end(const struct vhd_header *d)
{
    return d->table_offset + round_up((uint64_t)d->max_entries * 4, 512);
}

static bool overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
    return a < b_end && b < a_end;
}

static int check_place(const struct source *src, const struct vhd_head *h,
                       struct err *e)
{
    uint64_t at = h->header.table_offset, head = h->footer.data_offset;

    if (at < VHD_FOOTER_SIZE || at > VHD_OFFSET_MAX ||
        overlap(at, table_end(&h->header), head, head + VHD_HEADER_SIZE))
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header at byte %" PRIu64
                       " places the block allocation table at byte %" PRIu64
                       ", over other parts",
                       src->name, head, at);
    if (source_is_seekable(src) &&
        at + (uint64_t)h->header.max_entries * 4 > (uint64_t)src->size)
        return err_set(e, ERR_CORRUPT,
                       "%s: the block allocation table of %" PRIu32
                       " entries at byte %" PRIu64
                       " reaches past the end of the file (%" PRId64 ")",
                       src->name, h->header.max_entries, at, src->size);
    return 0;
}

/* The whole table, in pieces; the entries of the disk's blocks are kept. */
static int read_entries(struct source *src, struct vhd_head *h, struct err *e)
{
    FREE uint8_t *raw = NULL;
    uint64_t at = h->header.table_offset;
    uint64_t left = h->header.max_entries, index = 0;

    TRY(mem_alloc(&raw, TABLE_CHUNK, "a buffer", e));
    while (left) {
        uint32_t now = (uint32_t)min_u64(left, TABLE_CHUNK / 4);

        TRY(vhd_read_at(src, raw, now * 4, at, "the block allocation table",
                        e));
        for (uint32_t i = 0; i < now && index + i < h->nblocks; i++) {
            h->bat[index + i] = get_be32(raw + 4 * i);
            h->nused += vhd_entry_used(h->bat[index + i]);
        }
        index += now;
        at += now * 4;
        left -= now;
    }
    return 0;
}

static int bad_entry(const struct source *src, const struct vhd_head *h,
                     uint32_t index, const char *why, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: BAT entry %" PRIu32 " (at byte %" PRIu64
                   ") points to byte %" PRIu64 ", %s",
                   src->name, index,
                   h->header.table_offset + 4 * (uint64_t)index,
                   (uint64_t)h->bat[index] * 512, why);
}

/* A block against everything that is not a block. */
static int check_entry(const struct source *src, const struct vhd_head *h,
                       uint32_t index, struct err *e)
{
    uint64_t at = (uint64_t)h->bat[index] * 512;
    uint64_t end = at + h->bitmap_size + h->header.block_size;
    uint64_t head = h->footer.data_offset;
    char why[96];

    if (at < VHD_FOOTER_SIZE)
        return bad_entry(src, h, index, "over the footer at byte 0", e);
    if (overlap(at, end, head, head + VHD_HEADER_SIZE))
        return bad_entry(src, h, index, "over the dynamic header", e);
    if (overlap(at, end, h->header.table_offset, table_end(&h->header)))
        return bad_entry(src, h, index, "over the block allocation table", e);
    if (source_is_seekable(src) && end > (uint64_t)src->size - h->footer_size) {
        (void)snprintf(why, sizeof(why),
                       "so its block ends at byte %" PRIu64
                       ", past the end of the data (%" PRIu64 ")",
                       end, (uint64_t)src->size - h->footer_size);
        return bad_entry(src, h, index, why, e);
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Blocks by their place in the file; two that share bytes are refused. */
static int sort_blocks(const struct source *src, struct vhd_head *h,
                       struct err *e)
{
    FREE uint64_t *keys = NULL;
    uint64_t span = (h->bitmap_size + (uint64_t)h->header.block_size) / 512;
    uint32_t n = 0;

    TRY(mem_alloc_array(&keys, h->nused, sizeof(*keys), "the block order", e));
    TRY(mem_alloc_array(&h->order, h->nused, sizeof(*h->order),
                        "the block order", e));
    h->ascending = true;
    for (uint32_t i = 0; i < h->nblocks; i++) {
        if (!vhd_entry_used(h->bat[i]))
            continue;
        keys[n] = (uint64_t)h->bat[i] << 32 | i;
        h->ascending &= !n || keys[n] > keys[n - 1];
        n++;
    }
    if (!h->ascending)
        qsort(keys, n, sizeof(*keys), compare_keys);
    for (uint32_t i = 0; i < n; i++) {
        h->order[i] = (uint32_t)keys[i];
        if (i && (keys[i] >> 32) < (keys[i - 1] >> 32) + span) {
            char why[64];

            (void)snprintf(why, sizeof(why), "into the block of entry %" PRIu32,
                           h->order[i - 1]);
            return bad_entry(src, h, h->order[i], why, e);
        }
    }
    return 0;
}

/* Where everything but the trailing footer ends, as far as the head tells. */
static uint64_t data_end(const struct vhd_head *h)
{
    uint64_t end =
        max_u64(h->footer.data_offset + VHD_HEADER_SIZE, table_end(&h->header));

    if (h->nused)
        end = max_u64(end, (uint64_t)h->bat[h->order[h->nused - 1]] * 512 +
                               h->bitmap_size + h->header.block_size);
    return end;
}

static int check_stream_length(const struct source *src,
                               const struct vhd_head *h, struct err *e)
{
    if (source_is_seekable(src) || src->size < 0 ||
        h->end + VHD_FOOTER_SIZE - 1 <= (uint64_t)src->size)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: cut: its %" PRIu32 " blocks and the trailing footer "
                   "need %" PRIu64 " bytes, it has %" PRId64,
                   src->name, h->nused, h->end + VHD_FOOTER_SIZE, src->size);
}

int vhd_table_read(struct source *src, struct vhd_head *h, struct err *e)
{
    uint64_t nblocks = div_up(h->footer.current_size, h->header.block_size);

    TRY(check_place(src, h, e));
    if (nblocks > BLOCKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: %" PRIu64 " blocks of %" PRIu32
                       " bytes; at most %d blocks are taken",
                       src->name, nblocks, h->header.block_size, BLOCKS_MAX);
    h->nblocks = (uint32_t)nblocks;
    h->bitmap_size = vhd_bitmap_size(h->header.block_size);
    TRY(mem_alloc_array(&h->bat, h->nblocks, sizeof(*h->bat),
                        "the block allocation table", e));
    TRY(read_entries(src, h, e));
    for (uint32_t i = 0; i < h->nblocks; i++)
        if (vhd_entry_used(h->bat[i]))
            TRY(check_entry(src, h, i, e));
    TRY(sort_blocks(src, h, e));
    h->end = data_end(h);
    return check_stream_length(src, h, e);
}
