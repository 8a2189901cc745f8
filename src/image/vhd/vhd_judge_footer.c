/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/zero.h"
#include "image/vhd/vhd_creator.h"
#include "image/vhd/vhd_judge.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { RESERVED = 86, DAY = 86400 };

static int judge_features(struct vhd_judge *j, const struct vhd_head *h,
                          struct err *e)
{
    const struct vhd_footer *f = &h->footer;
    uint64_t at = h->footer_at + 8;

    if (f->features & ~UINT32_C(3) || !(f->features & 2))
        TRY(vhd_find(j, FOUND_FEATURES, at, e,
                     "features 0x%08" PRIx32
                     ", expected 2 (reserved, always set), or 3",
                     f->features));
    if (f->features & 1)
        TRY(vhd_find(j, FOUND_FEATURES_TEMPORARY, at, e,
                     "features 0x%08" PRIx32
                     ": marked temporary, may be deleted at shutdown",
                     f->features));
    return 0;
}

static int judge_version(struct vhd_judge *j, uint32_t version, uint64_t at,
                         struct err *e)
{
    if (version == VHD_VERSION)
        return 0;
    return vhd_find(
        j,
        version >> 16 == 1 ? FOUND_FOOTER_VERSION_MINOR : FOUND_FOOTER_VERSION,
        at + 12, e, "format version %" PRIu32 ".%" PRIu32 ", expected 1.0",
        version >> 16, version & 0xffff);
}

static bool is_tap_01(const struct vhd_footer *f)
{
    return !memcmp(f->creator, "tap", 4) && f->creator_version == 1 &&
           f->type != VHD_FIXED;
}

static int find_tap_01(struct vhd_judge *j, uint64_t at, struct err *e)
{
    return vhd_find(j, FOUND_BITMAPS_TAP_01, at + 32, e,
                    "creator tap 0.1, whose sector bitmaps are in another bit "
                    "order; libvhd does not read them either");
}

static int judge_creator(struct vhd_judge *j, const struct vhd_head *h,
                         struct err *e)
{
    const struct vhd_footer *f = &h->footer;
    char name[5] = {0};

    for (int i = 0; i < 4; i++)
        name[i] = isprint((unsigned char)f->creator[i]) ? f->creator[i] : '.';
    if (!vhd_creator_program(f->creator))
        TRY(vhd_find(j, FOUND_CREATOR_UNKNOWN, h->footer_at + 28, e,
                     "creator \"%s\": no known program signs like this", name));
    return is_tap_01(f) ? find_tap_01(j, h->footer_at, e) : 0;
}

static int judge_time(struct vhd_judge *j, const struct vhd_head *h,
                      struct err *e)
{
    time_t made = (time_t)h->footer.timestamp + VHD_EPOCH, now = time(NULL);

    if (made <= now + DAY)
        return 0;
    return vhd_find(j, FOUND_TIMESTAMP_FUTURE, h->footer_at + 24, e,
                    "made %" PRId64
                    " days from now; perhaps its seconds count from 1970, not "
                    "from 2000",
                    (int64_t)(made - now) / DAY);
}

static int judge_size(struct vhd_judge *j, const struct vhd_head *h,
                      struct err *e)
{
    uint64_t size = h->footer.current_size, at = h->footer_at + 48;

    if (!size)
        TRY(vhd_find(j, FOUND_SIZE_ZERO, at, e, "virtual size 0"));
    if (size % 512)
        TRY(vhd_find(j, FOUND_SIZE_UNALIGNED, at, e,
                     "virtual size %" PRIu64 ", expected a multiple of 512",
                     size));
    if (size > VHD_SIZE_MAX)
        TRY(vhd_find(j,
                     h->footer.type == VHD_FIXED ? FOUND_SIZE_LIMIT_FIXED
                                                 : FOUND_SIZE_LIMIT,
                     at, e,
                     "virtual size %" PRIu64
                     ", above the format's limit of 2040 GiB (%" PRIu64 ")",
                     size, VHD_SIZE_MAX));
    if (size != h->footer.original_size)
        TRY(vhd_find(j, FOUND_RESIZED, h->footer_at + 40, e,
                     "original size %" PRIu64 ", now %" PRIu64 ": resized",
                     h->footer.original_size, size));
    return 0;
}

static int judge_geometry(struct vhd_judge *j, const struct vhd_head *h,
                          struct err *e)
{
    const struct vhd_footer *f = &h->footer;
    uint64_t at = h->footer_at + 56;
    struct vhd_footer right = {0};
    bool differs, zero, largest;
    uint64_t size =
        (uint64_t)f->cylinders * f->heads * f->sectors_per_track * 512;

    vhd_geometry(f->current_size, &right);
    differs = f->cylinders != right.cylinders || f->heads != right.heads ||
              f->sectors_per_track != right.sectors_per_track;
    zero = !f->cylinders || !f->heads || !f->sectors_per_track;
    largest =
        f->cylinders == 65535 && f->heads == 16 && f->sectors_per_track == 255;
    if (differs)
        TRY(vhd_find(j, FOUND_GEOMETRY, at, e,
                     "geometry %u/%u/%u, the specification computes %u/%u/%u",
                     f->cylinders, f->heads, f->sectors_per_track,
                     right.cylinders, right.heads, right.sectors_per_track));
    if (differs && zero)
        TRY(vhd_find(j, FOUND_GEOMETRY_ZERO, at, e,
                     "geometry %u/%u/%u with a 0 in it, expected %u/%u/%u",
                     f->cylinders, f->heads, f->sectors_per_track,
                     right.cylinders, right.heads, right.sectors_per_track));
    if (size > f->current_size && !largest)
        TRY(vhd_find(j, FOUND_GEOMETRY_LARGE, at, e,
                     "geometry %u/%u/%u is %" PRIu64
                     " bytes, more than the disk's %" PRIu64,
                     f->cylinders, f->heads, f->sectors_per_track, size,
                     f->current_size));
    if (size != f->current_size && !largest &&
        !vhd_creator_is_exact_in_qemu(f->creator))
        TRY(vhd_find(j, FOUND_GEOMETRY_CUTS, at, e,
                     "geometry %u/%u/%u: qemu before 2024-12 takes this disk "
                     "for %" PRIu64 " bytes instead of %" PRIu64,
                     f->cylinders, f->heads, f->sectors_per_track, size,
                     f->current_size));
    return 0;
}

static int judge_state(struct vhd_judge *j, const struct vhd_head *h,
                       struct err *e)
{
    const struct vhd_footer *f = &h->footer;
    const struct vhd_end *end = h->footer_size ? &h->tail : &h->copy;

    if (uuid_is_null(&f->uuid))
        TRY(vhd_find(j, FOUND_UUID_NULL, h->footer_at + 68, e,
                     "the disk's uuid is null: blktap makes no snapshot of "
                     "it"));
    if (f->saved_state)
        TRY(vhd_find(j, FOUND_SAVED_STATE, h->footer_at + 84, e,
                     "saved state %u, expected 0", f->saved_state));
    if (f->hidden)
        TRY(vhd_find(j, FOUND_HIDDEN, h->footer_at + 85, e,
                     "hidden %u: an inner node of a chain (XenServer)",
                     f->hidden));
    if (!zero_is(end->raw + RESERVED, VHD_FOOTER_SIZE - RESERVED))
        TRY(vhd_find(j, FOUND_FOOTER_RESERVED, h->footer_at + RESERVED, e,
                     "the footer's reserved bytes are not all 0"));
    return 0;
}

static int judge_fixed(struct vhd_judge *j, const struct vhd_head *h,
                       struct err *e)
{
    uint64_t size = h->size;

    if (j->stream)
        return vhd_find(j, FOUND_PIPE_FIXED, 0, e,
                        "a fixed VHD: where its data ends is not known from "
                        "its beginning");
    if (h->footer.data_offset != UINT64_MAX)
        TRY(vhd_find(j, FOUND_FIXED_DATA_OFFSET, h->footer_at + 16, e,
                     "data offset 0x%016" PRIx64
                     " of a fixed disk, expected all ones",
                     h->footer.data_offset));
    if (size > h->limit)
        TRY(vhd_find(j, FOUND_FIXED_CUT, h->footer_at + 48, e,
                     "virtual size %" PRIu64 ", but only %" PRIu64
                     " bytes before the footer",
                     size, h->limit));
    if (size < h->limit)
        TRY(vhd_find(j, FOUND_FIXED_SLACK, size, e,
                     "%" PRIu64 " bytes between the disk's end and the footer",
                     h->limit - size));
    return 1;
}

int vhd_judge_footer(struct vhd_judge *j, const struct vhd_head *h,
                     struct err *e)
{
    uint32_t type = h->footer.type;

    TRY(judge_features(j, h, e));
    TRY(judge_version(j, h->footer.version, h->footer_at, e));
    TRY(judge_time(j, h, e));
    TRY(judge_creator(j, h, e));
    TRY(judge_size(j, h, e));
    TRY(judge_geometry(j, h, e));
    TRY(judge_state(j, h, e));
    if (type == VHD_FIXED)
        return judge_fixed(j, h, e);
    if (type != VHD_DYNAMIC && type != VHD_DIFFERENCING)
        return vhd_find(j, FOUND_DISK_TYPE, h->footer_at + 60, e,
                        "disk type %" PRIu32
                        ", expected 2 (fixed), 3 (dynamic) or 4 "
                        "(differencing)",
                        type);
    return 1;
}

int vhd_judge_last_footer(struct vhd_judge *j, const struct vhd_end *first,
                          const struct vhd_end *last, struct err *e)
{
    if (last->f.version != first->f.version)
        TRY(judge_version(j, last->f.version, last->at, e));
    if (is_tap_01(&last->f) && !is_tap_01(&first->f))
        TRY(find_tap_01(j, last->at, e));
    return 0;
}
