/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_batmap.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "image/image.h"
#include "image/vhd/vhd_judge.h"
#include "image/vhd/vhd_table.h"

#include <inttypes.h>
#include <string.h>

/* Creator versions of blktap. */
enum { TAP_1_1 = 0x00010001, TAP_1_2 = 0x00010002 };

/* Bytes of map that the table needs. */
static uint64_t bytes_needed(const struct vhd_head *h)
{
    return bits_size(h->header.max_entries);
}

static uint64_t map_len(const struct vhd_batmap *b)
{
    return (uint64_t)b->sectors * SECTOR_SIZE;
}

static bool size_is_sane(const struct vhd_head *h, const struct vhd_batmap *b)
{
    return b->sectors && map_len(b) >= bytes_needed(h) &&
           map_len(b) <= bytes_needed(h) + VHD_BATMAP_SLACK;
}

static void decode(struct vhd_batmap *b)
{
    b->present = !memcmp(b->raw, "tdbatmap", 8);
    b->offset = get_be64(b->raw + 8);
    b->sectors = get_be32(b->raw + 16);
    b->version = get_be32(b->raw + 20);
    b->checksum = get_be32(b->raw + 24);
}

int vhd_batmap_read(struct vhd_tape *t, const struct vhd_head *h,
                    struct vhd_batmap *out, struct err *e)
{
    const struct vhd_footer *f = &h->footer;
    uint64_t first = h->nused ? (uint64_t)h->bat[h->order[0]] * SECTOR_SIZE
                              : VHD_SIZE_UNKNOWN;
    int64_t got;

    *out = (struct vhd_batmap){.at = vhd_table_end(&h->header)};
    out->wanted =
        !memcmp(f->creator, "tap", 4) && f->creator_version >= TAP_1_1;
    /* A stream must not pass a block to look behind it. */
    if (!out->wanted || (t->stream && first < out->at + VHD_BATMAP_HEADER))
        return 0;
    got = vhd_tape_read(t, out->raw, VHD_BATMAP_HEADER, out->at, e);
    TRY(got);
    if (got < VHD_BATMAP_HEADER)
        return 0;
    decode(out);
    if (!out->present || !size_is_sane(h, out) ||
        out->offset > VHD_OFFSET_MAX || !vhd_tape_reaches(t, out->offset))
        return 0;
    return vhd_tape_keep(t, out->offset, (uint32_t)map_len(out), &out->map, e);
}

bool vhd_head_is_free(const struct vhd_head *h, uint64_t start, uint64_t end)
{
    if (end > h->limit)
        return false;
    for (int i = 0; i < h->nparts; i++)
        if (vhd_overlap(start, end, h->parts[i].start, h->parts[i].end))
            return false;
    for (uint32_t i = 0; i < h->nentries; i++) {
        uint64_t at = (uint64_t)h->bat[i] * SECTOR_SIZE;

        if (vhd_table_has(h, i) &&
            vhd_overlap(start, end, at, at + vhd_block_span(h)))
            return false;
    }
    return true;
}

bool vhd_batmap_fits(const struct vhd_head *h, const struct vhd_batmap *b,
                     uint64_t start, uint64_t len)
{
    return start <= VHD_OFFSET_MAX &&
           !vhd_overlap(start, start + len, b->at, b->at + VHD_BATMAP_HEADER) &&
           vhd_head_is_free(h, start, start + len);
}

uint32_t vhd_batmap_sum(const uint8_t *map, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += map[i];
    return ~sum;
}

/* Version 1.1 of blktap added its bytes up as signed ones. */
static uint32_t signed_sum(const uint8_t *map, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += (uint32_t)map[i] - (map[i] > 127 ? 256 : 0);
    return ~sum;
}

/* The sum covers the bits of the table's entries, or of the disk's 2 MiB
 * blocks, to a whole sector. */
static bool sum_fits(const struct vhd_head *h, const struct vhd_batmap *b)
{
    const uint64_t counts[] = {h->header.max_entries, h->size >> 21};

    for (int i = 0; i < 2; i++) {
        uint64_t covered =
            max_u64(SECTOR_SIZE, round_up(bits_size(counts[i]), SECTOR_SIZE));
        size_t len = (size_t)min_u64(covered, b->map->len);

        if (vhd_batmap_sum(b->map->buf, len) == b->checksum ||
            (h->footer.creator_version == TAP_1_1 &&
             signed_sum(b->map->buf, len) == b->checksum))
            return true;
    }
    return false;
}

static int judge_lies(struct vhd_judge *j, const struct vhd_head *h,
                      const struct vhd_survey *s, const struct vhd_batmap *b,
                      struct err *e)
{
    for (uint32_t i = 0; i < h->nentries; i++) {
        if (!bit_get(b->map->buf, i) || (i < h->nblocks && bit_get(s->full, i)))
            continue;
        return vhd_find(j, FOUND_BATMAP_LIES, b->offset + i / 8, e,
                        "the batmap calls block %" PRIu32 " full, but %s", i,
                        i >= h->nblocks             ? "the disk ends before it"
                        : vhd_entry_used(h->bat[i]) ? "its bitmap does not"
                                                    : "it is not there");
    }
    return 0;
}

static int find_missing(struct vhd_judge *j, const struct vhd_head *h,
                        const struct vhd_batmap *b, struct err *e)
{
    if (h->footer.creator_version < TAP_1_2)
        return 0;
    return vhd_find(j, FOUND_BATMAP_MISSING, b->at, e,
                    "no batmap (\"tdbatmap\") at byte %" PRIu64
                    ", where blktap from version 1.2 on has one",
                    b->at);
}

static int judge_size(struct vhd_judge *j, const struct vhd_head *h,
                      const struct vhd_batmap *b, struct err *e)
{
    return vhd_find(j, FOUND_BATMAP_SIZE, b->at + 16, e,
                    "a batmap of %" PRIu32 " sectors, the table needs %" PRIu64,
                    b->sectors, div_up(bytes_needed(h), SECTOR_SIZE));
}

int vhd_batmap_judge(struct vhd_judge *j, const struct vhd_head *h,
                     const struct vhd_survey *s, const struct vhd_batmap *b,
                     uint64_t *end, struct err *e)
{
    if (!b->wanted)
        return 0;
    if (!b->present)
        return find_missing(j, h, b, e);
    *end = max_u64(*end, b->at + VHD_BATMAP_HEADER);
    if (b->version != VHD_BATMAP_VERSION)
        return vhd_find(j, FOUND_BATMAP_VERSION, b->at + 20, e,
                        "batmap version 0x%08" PRIx32 ", expected 0x%08x",
                        b->version, VHD_BATMAP_VERSION);
    if (!size_is_sane(h, b))
        return judge_size(j, h, b, e);
    if (!vhd_batmap_fits(h, b, b->offset, map_len(b)))
        return vhd_find(j, FOUND_BATMAP_PLACE, b->at + 8, e,
                        "the batmap's map of %" PRIu64 " bytes at byte %" PRIu64
                        " lies past the data or over another part",
                        map_len(b), b->offset);
    *end = max_u64(*end, b->offset + map_len(b));
    if (!b->map || b->map->got < b->map->len)
        return 0; /* a stream had passed it */
    if (!sum_fits(h, b))
        return vhd_find(j, FOUND_BATMAP_CHECKSUM, b->at + 24, e,
                        "the batmap has the checksum 0x%08" PRIx32
                        ", its bytes sum up to 0x%08" PRIx32,
                        b->checksum,
                        vhd_batmap_sum(b->map->buf,
                                       (size_t)min_u64(b->map->len,
                                                       round_up(bytes_needed(h),
                                                                SECTOR_SIZE))));
    return judge_lies(j, h, s, b, e);
}
