/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_ends.h"

#include "base/notice.h"
#include "image/vhd_table.h"

#include <inttypes.h>
#include <string.h>

enum vhd_state vhd_footer_at_end(const uint8_t *raw, size_t len, uint64_t total,
                                 struct vhd_footer *f, uint32_t *footer_size)
{
    uint8_t padded[VHD_FOOTER_SIZE] = {0};
    enum vhd_state state = VHD_ALIEN;

    *footer_size = VHD_FOOTER_SIZE;
    if (len >= VHD_FOOTER_SIZE)
        state = vhd_footer_decode(raw + len - VHD_FOOTER_SIZE, f);
    if (state != VHD_ALIEN || len < VHD_FOOTER_SIZE - 1 || total % 512 != 511)
        return state;
    memcpy(padded, raw + len - (VHD_FOOTER_SIZE - 1), VHD_FOOTER_SIZE - 1);
    state = vhd_footer_decode(padded, f);
    if (state != VHD_ALIEN)
        *footer_size = VHD_FOOTER_SIZE - 1;
    return state;
}

int vhd_footer_bad_sum(const uint8_t raw[VHD_FOOTER_SIZE], const char *name,
                       uint64_t at, struct err *e)
{
    struct vhd_footer f = {0};

    (void)vhd_footer_decode(raw, &f);
    return err_set(e, ERR_CORRUPT,
                   "%s: the checksum of the footer at byte %" PRIu64
                   " (byte %" PRIu64 ") is 0x%08" PRIx32
                   ", its bytes add up to 0x%08" PRIx32,
                   name, at, at + VHD_FOOTER_SUM, f.checksum,
                   vhd_checksum(raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM));
}

static int poisoned(const char *name, uint64_t at, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: the footer at byte %" PRIu64
                   " is marked \"v_poison\": a resize was interrupted; "
                   "`vhd-util revert` with its journal mends it",
                   name, at);
}

static int bad_type(const struct vhd_footer *f, const char *name, uint64_t at,
                    struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: the footer's disk type (byte %" PRIu64 ") is %" PRIu32
                   ", expected 2 (fixed), 3 (dynamic) or 4 (differencing)",
                   name, at + 60, f->type);
}

static int check_size(const struct vhd_footer *f, const char *name, uint64_t at,
                      struct err *e)
{
    if (!f->current_size || f->current_size % 512)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer's virtual size (byte %" PRIu64
                       ") is %" PRIu64 ", expected a multiple of 512 above 0",
                       name, at + 48, f->current_size);
    if (f->type != VHD_FIXED && f->current_size > VHD_SIZE_MAX)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer's virtual size (byte %" PRIu64
                       ") is %" PRIu64 ", above the format's limit of 2040 GiB",
                       name, at + 48, f->current_size);
    return 0;
}

int vhd_footer_check(const struct vhd_footer *f, const char *name, uint64_t at,
                     struct err *e)
{
    if (f->poisoned)
        return poisoned(name, at, e);
    if (f->version >> 16 != VHD_VERSION >> 16)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the footer's format version (byte %" PRIu64
                       ") is 0x%08" PRIx32 ", expected 0x00010000",
                       name, at + 12, f->version);
    if (f->type != VHD_FIXED && f->type != VHD_DYNAMIC &&
        f->type != VHD_DIFFERENCING)
        return bad_type(f, name, at, e);
    if (f->type != VHD_FIXED && !memcmp(f->creator, "tap", 4) &&
        f->creator_version == 1)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: made by blktap 0.1 (byte %" PRIu64
                       "), whose sector bitmaps have another bit order",
                       name, at + 32);
    return check_size(f, name, at, e);
}

int vhd_ends_read(struct source *src, struct vhd_ends *out, struct err *e)
{
    uint8_t tail[VHD_FOOTER_SIZE];
    uint64_t size = (uint64_t)src->size;

    if (size < VHD_FOOTER_SIZE)
        return err_set(e, ERR_CORRUPT,
                       "%s: not a VHD: %" PRIu64
                       " bytes are less than one footer",
                       src->name, size);
    *out = (struct vhd_ends){0};
    TRY(source_pread_full(src, out->copy_raw, VHD_FOOTER_SIZE, 0,
                          "the footer at byte 0", e));
    TRY(source_pread_full(src, tail, sizeof(tail), size - sizeof(tail),
                          "the trailing footer", e));
    out->copy_state = vhd_footer_decode(out->copy_raw, &out->copy);
    out->tail_state = vhd_footer_at_end(tail, sizeof(tail), size, &out->tail,
                                        &out->tail_size);
    out->tail_at = size - out->tail_size;
    memcpy(out->tail_raw, tail + sizeof(tail) - out->tail_size, out->tail_size);
    return 0;
}

static int no_footer(const struct vhd_ends *ends, const char *name,
                     struct err *e)
{
    if (ends->tail_state == VHD_BAD_SUM)
        return vhd_footer_bad_sum(ends->tail_raw, name, ends->tail_at, e);
    if (ends->copy_state == VHD_BAD_SUM)
        return vhd_footer_bad_sum(ends->copy_raw, name, 0, e);
    return err_set(e, ERR_CORRUPT,
                   "%s: not a VHD: no footer (\"conectix\") at byte 0, and "
                   "none at its end (byte %" PRIu64 ")",
                   name, ends->tail_at);
}

/* 1: the trailing footer counts; 0: the copy does. */
static int tail_counts(struct source *src, const struct vhd_ends *ends,
                       struct err *e)
{
    bool copy = ends->copy_state == VHD_INTACT;
    int covered;

    if (ends->tail_state != VHD_INTACT) {
        if (copy && ends->copy.type != VHD_FIXED)
            return 0;
        return no_footer(ends, src->name, e);
    }
    if (!copy || uuid_equal(&ends->copy.uuid, &ends->tail.uuid) ||
        (ends->tail.type == VHD_FIXED &&
         ends->tail.current_size == ends->tail_at))
        return 1;
    covered = vhd_table_covers(src, &ends->copy, (uint64_t)src->size - 1, e);
    return covered < 0 ? covered : !covered;
}

/* Says what is odd about the two ends. */
static void tell(const struct vhd_ends *ends, bool tail, const char *name,
                 const struct notice *notice)
{
    uint8_t copy[VHD_FOOTER_SIZE], other[VHD_FOOTER_SIZE];

    if (!tail) {
        notice_say(notice,
                   "%s: the trailing footer is lost or broken; the copy at "
                   "byte 0 is used",
                   name);
        return;
    }
    if (ends->tail.type == VHD_FIXED)
        return;
    if (ends->copy_state != VHD_INTACT) {
        notice_say(notice,
                   "%s: the footer copy at byte 0 is lost or broken; the "
                   "trailing one is used",
                   name);
        return;
    }
    /* Features, time, sum and states may differ. */
    memcpy(copy, ends->copy_raw, sizeof(copy));
    memcpy(other, ends->tail_raw, sizeof(other));
    memcpy(copy + 8, other + 8, 4);
    memcpy(copy + 24, other + 24, 4);
    memcpy(copy + VHD_FOOTER_SUM, other + VHD_FOOTER_SUM, 4);
    memcpy(copy + 84, other + 84, 2);
    if (memcmp(copy, other, sizeof(copy)))
        notice_say(notice,
                   "%s: the two footers say different things; the trailing one "
                   "(byte %" PRIu64 ") is used",
                   name, ends->tail_at);
}

static int find_in_file(struct source *src, const struct vhd_origin *origin,
                        struct vhd_head *h, struct err *e)
{
    struct vhd_ends ends;
    int tail;

    TRY(vhd_ends_read(src, &ends, e));
    if (ends.tail_state != VHD_ALIEN && ends.tail.poisoned)
        return poisoned(src->name, ends.tail_at, e);
    if (ends.copy_state != VHD_ALIEN && ends.copy.poisoned)
        return poisoned(src->name, 0, e);
    tail = tail_counts(src, &ends, e);
    TRY(tail);
    tell(&ends, tail, src->name, origin->notice);
    h->footer = tail ? ends.tail : ends.copy;
    h->footer_at = tail ? ends.tail_at : 0;
    h->footer_size = tail ? ends.tail_size : 0;
    h->limit = tail || ends.tail_state == VHD_BAD_SUM ? ends.tail_at
                                                      : (uint64_t)src->size;
    return 0;
}

static int find_in_stream(struct source *src, const struct vhd_origin *origin,
                          struct vhd_head *h, struct err *e)
{
    uint8_t raw[VHD_FOOTER_SIZE];
    uint64_t len = src->size < 0 ? origin->len : (uint64_t)src->size;
    enum vhd_state state;

    TRY(source_read_full(src, raw, sizeof(raw), "the footer at byte 0", e));
    state = vhd_footer_decode(raw, &h->footer);
    if (state == VHD_BAD_SUM && !h->footer.poisoned)
        return vhd_footer_bad_sum(raw, src->name, 0, e);
    if (state == VHD_ALIEN)
        return err_set(e, ERR_CORRUPT,
                       "%s: no VHD that can be read from a stream: no footer "
                       "(\"conectix\") at byte 0, and a fixed VHD needs its "
                       "length in bytes (--size)",
                       src->name);
    if (h->footer.type == VHD_FIXED)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer at byte 0 is that of a fixed VHD, where "
                       "its data should begin",
                       src->name);
    h->limit =
        len < VHD_FOOTER_SIZE ? VHD_OFFSET_MAX : len - (VHD_FOOTER_SIZE - 1);
    return 0;
}

int vhd_footer_find(struct source *src, const struct vhd_origin *origin,
                    struct vhd_head *h, struct err *e)
{
    if (source_is_seekable(src))
        return find_in_file(src, origin, h, e);
    return find_in_stream(src, origin, h, e);
}
