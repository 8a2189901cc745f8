/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "base/checked.h"
#include "base/zero.h"
#include "image/image.h"
#include "image/vhd/vhd_judge.h"
#include "image/vhd/vhd_table.h"

#include <inttypes.h>

enum { RESERVED_1 = 60, RESERVED_2 = 768 };

/* "byte N", as far as the length is known. */
static const char *what_limits(const struct vhd_head *h)
{
    return h->footer_size ? "the trailing footer" : "the end";
}

int vhd_judge_header_place(struct vhd_judge *j, const struct vhd_head *h,
                           struct err *e)
{
    uint64_t at = h->footer.data_offset, field = h->footer_at + 16;

    if (at < VHD_FOOTER_SIZE || at >= min_u64(h->limit, VHD_OFFSET_MAX))
        return vhd_find(j, FOUND_DATA_OFFSET, field, e,
                        "the footer places the dynamic header at byte %" PRIu64
                        ", expected a place between the footer at 0 and %s",
                        at, what_limits(h));
    if (at + VHD_HEADER_SIZE > h->limit)
        return vhd_find(j, FOUND_HEADER_PAST_END, field, e,
                        "the dynamic header at byte %" PRIu64
                        " needs 1024 bytes, %s is at %" PRIu64,
                        at, what_limits(h), h->limit);
    return 1;
}

static int judge_sum(struct vhd_judge *j, const struct vhd_head *h,
                     const uint8_t *raw, enum vhd_state state, struct err *e)
{
    uint64_t at = h->footer.data_offset;

    if (state == VHD_ALIEN)
        return vhd_find(j, FOUND_HEADER_COOKIE, at, e,
                        "no dynamic header (\"cxsparse\") at byte %" PRIu64
                        ", where the footer points",
                        at);
    if (state == VHD_BAD_SUM)
        return vhd_find(j, FOUND_HEADER_CHECKSUM, at + VHD_HEADER_SUM, e,
                        "the dynamic header has the checksum 0x%08" PRIx32
                        ", its bytes sum up to 0x%08" PRIx32,
                        h->header.checksum,
                        vhd_checksum(raw, VHD_HEADER_SIZE, VHD_HEADER_SUM));
    return 1;
}

static int judge_version(struct vhd_judge *j, const struct vhd_head *h,
                         struct err *e)
{
    uint32_t version = h->header.version;

    if (version == VHD_VERSION)
        return 0;
    return vhd_find(
        j,
        version >> 16 == 1 ? FOUND_HEADER_VERSION_MINOR : FOUND_HEADER_VERSION,
        h->footer.data_offset + 24, e,
        "version %" PRIu32 ".%" PRIu32 " of the dynamic header, expected 1.0",
        version >> 16, version & 0xffff);
}

static bool names_parent(const struct vhd_header *d)
{
    bool named = !uuid_is_null(&d->parent_uuid);

    for (int i = 0; i < VHD_LOCATORS; i++)
        named |= d->locators[i].code != 0;
    return named;
}

static int judge_unused(struct vhd_judge *j, const struct vhd_head *h,
                        const uint8_t *raw, struct err *e)
{
    uint64_t at = h->footer.data_offset;
    bool first = get_be32(raw + RESERVED_1) != 0;

    if (h->header.data_offset != UINT64_MAX)
        TRY(vhd_find(j, FOUND_HEADER_DATA_OFFSET, at + 8, e,
                     "the unused offset is 0x%016" PRIx64
                     ", expected all ones; blktap and XAPI refuse that",
                     h->header.data_offset));
    if (first ||
        !zero_is(raw + RESERVED_2, VHD_HEADER_SIZE - (size_t)RESERVED_2))
        TRY(vhd_find(j, FOUND_HEADER_RESERVED,
                     at + (first ? RESERVED_1 : RESERVED_2), e,
                     "the dynamic header's reserved bytes are not all 0"));
    if (h->footer.type != VHD_DIFFERENCING && names_parent(&h->header))
        TRY(vhd_find(j, FOUND_PARENT_FIELDS_UNUSED, at + 40, e,
                     "names a parent, though its type %" PRIu32 " has none",
                     h->footer.type));
    return 0;
}

static int judge_block_size(struct vhd_judge *j, const struct vhd_head *h,
                            struct err *e)
{
    uint32_t size = h->header.block_size;
    uint64_t at = h->footer.data_offset + 32;

    if (!is_power_of_two(size) || size < SECTOR_SIZE)
        return vhd_find(j, FOUND_BLOCK_SIZE, at, e,
                        "block size %" PRIu32
                        ", expected a power of two of at least 512",
                        size);
    if (size < BLOCK_SIZE_MIN)
        TRY(vhd_find(j, FOUND_BLOCK_SIZE_SMALL, at, e,
                     "block size %" PRIu32
                     ": below 4096 no two VHD programs agree where the data "
                     "begins",
                     size));
    if (size > BLOCK_SIZE_MAX)
        TRY(vhd_find(j, FOUND_BLOCK_SIZE_LARGE, at, e,
                     "block size %" PRIu32 ", above the %d that are taken",
                     size, BLOCK_SIZE_MAX));
    if (size != BLOCK_SIZE_DEFAULT)
        TRY(vhd_find(j, FOUND_BLOCK_SIZE_UNCOMMON, at, e,
                     "block size %" PRIu32
                     "; blktap and XAPI read only 2097152 rightly",
                     size));
    return 1;
}

/* 1: the table can be held in memory. */
static int judge_entries(struct vhd_judge *j, const struct vhd_head *h,
                         struct err *e)
{
    uint32_t size = h->header.block_size, count = h->header.max_entries;
    uint64_t needed = div_up(h->size, size);
    uint64_t at = h->footer.data_offset + 28;

    if (count < needed)
        TRY(vhd_find(j, FOUND_ENTRIES_FEW, at, e,
                     "a table of %" PRIu32 " entries, but the disk of %" PRIu64
                     " bytes has %" PRIu64 " blocks",
                     count, h->size, needed));
    else if (count > max_u64(needed, VHD_SPAN_MAX / size))
        return vhd_find(j, FOUND_ENTRIES_ABSURD, at, e,
                        "a table of %" PRIu32 " entries of %" PRIu32
                        " bytes, beyond 2 TiB",
                        count, size);
    else if (count > needed && count <= BLOCKS_MAX)
        TRY(vhd_find(j, FOUND_ENTRIES_MORE, at, e,
                     "a table of %" PRIu32 " entries, the disk of %" PRIu64
                     " bytes needs %" PRIu64,
                     count, h->size, needed));
    if (count > BLOCKS_MAX)
        return vhd_find(j, FOUND_ENTRIES_MANY, at, e,
                        "a table of %" PRIu32 " entries; %d are taken, which "
                        "is as many as there is memory for",
                        count, BLOCKS_MAX);
    return 1;
}

int vhd_judge_table_place(struct vhd_judge *j, const struct vhd_head *h,
                          struct err *e)
{
    uint64_t at = h->header.table_offset, field = h->footer.data_offset + 16;
    uint64_t len = (uint64_t)h->header.max_entries * 4;

    if (at < VHD_FOOTER_SIZE || at >= min_u64(h->limit, VHD_OFFSET_MAX))
        return vhd_find(j, FOUND_TABLE_OFFSET, field, e,
                        "the block allocation table's place is byte %" PRIu64
                        ", expected one between the footer at 0 and %s",
                        at, what_limits(h));
    if (at + len > h->limit)
        return vhd_find(j, FOUND_BAT_PAST_END, field, e,
                        "the block allocation table at byte %" PRIu64
                        " needs %" PRIu64 " bytes, %s is at %" PRIu64,
                        at, len, what_limits(h), h->limit);
    return 1;
}

/* 0 where a stream cannot go back to it. */
static int judge_table_order(struct vhd_judge *j, const struct vhd_head *h,
                             struct err *e)
{
    uint64_t at = h->header.table_offset, head = h->footer.data_offset;
    uint64_t len = (uint64_t)h->header.max_entries * 4;

    if (vhd_overlap(at, at + len, head, head + VHD_HEADER_SIZE))
        TRY(vhd_find(j, FOUND_BAT_OVER_HEADER, head + 16, e,
                     "the block allocation table at byte %" PRIu64
                     " lies over the dynamic header at %" PRIu64,
                     at, head));
    if (at % 512)
        TRY(vhd_find(j, FOUND_BAT_UNALIGNED, head + 16, e,
                     "the block allocation table's place is byte %" PRIu64
                     ", expected a multiple of 512",
                     at));
    if (at < head)
        TRY(vhd_find(j, FOUND_PIPE_ORDER, head + 16, e,
                     "the block allocation table at byte %" PRIu64
                     " is before the dynamic header at %" PRIu64
                     ": not to be read from a stream, but from a file",
                     at, head));
    return !j->stream || at >= head + VHD_HEADER_SIZE;
}

static void add_part(struct vhd_head *h, enum vhd_part_kind kind,
                     uint64_t start, uint64_t end)
{
    h->parts[h->nparts++] = (struct vhd_part){kind, -1, start, end};
}

/* Reads it; 0 where it is cut, or is none. */
static int read_header(struct vhd_tape *t, struct vhd_judge *j,
                       struct vhd_head *h, uint8_t *raw, struct err *e)
{
    uint64_t at = h->footer.data_offset;
    int64_t got;
    int go = vhd_judge_header_place(j, h, e);

    if (go <= 0)
        return go;
    if (at % 512)
        TRY(vhd_find(j, FOUND_HEADER_UNALIGNED, h->footer_at + 16, e,
                     "the dynamic header's place is byte %" PRIu64
                     ", expected a multiple of 512",
                     at));
    got = vhd_tape_read(t, raw, VHD_HEADER_SIZE, at, e);
    TRY(got);
    if (got < VHD_HEADER_SIZE)
        return 0; /* said when the end of the stream is judged */
    return judge_sum(j, h, raw, vhd_header_decode(raw, &h->header), e);
}

int vhd_judge_header(struct vhd_tape *t, struct vhd_judge *j,
                     struct vhd_head *h, struct err *e)
{
    uint64_t at = h->footer.data_offset;
    uint8_t raw[VHD_HEADER_SIZE];
    int go = read_header(t, j, h, raw, e), fits = 1, sized;

    if (go <= 0)
        return go;
    add_part(h, VHD_PART_COPY, 0, VHD_FOOTER_SIZE);
    add_part(h, VHD_PART_HEADER, at, at + VHD_HEADER_SIZE);
    h->has_header = true;
    TRY(judge_version(j, h, e));
    TRY(judge_unused(j, h, raw, e));
    sized = judge_block_size(j, h, e);
    TRY(sized);
    if (sized)
        fits = judge_entries(j, h, e);
    TRY(fits);
    go = vhd_judge_table_place(j, h, e);
    if (go <= 0)
        return go;
    go = judge_table_order(j, h, e);
    if (go <= 0 || !sized || !fits || h->size > VHD_SIZE_MAX)
        return go < 0 ? go : 0;
    add_part(h, VHD_PART_TABLE, h->header.table_offset,
             vhd_table_end(&h->header));
    h->nentries = h->header.max_entries;
    h->nblocks =
        (uint32_t)min_u64(h->nentries, div_up(h->size, h->header.block_size));
    h->bitmap_size = vhd_bitmap_size(h->header.block_size);
    return 1;
}
