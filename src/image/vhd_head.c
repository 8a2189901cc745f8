/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_head.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/image.h"
#include "image/vhd_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int vhd_read_at(struct source *src, void *buf, size_t len, uint64_t offset,
                const char *what, struct err *e)
{
    if (source_is_seekable(src))
        return source_pread_full(src, buf, len, offset, what, e);
    if (offset < src->pos)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: %s is at byte %" PRIu64
                       ", which the stream has passed (%" PRIu64
                       "); copy the VHD to a file and start from that",
                       src->name, what, offset, src->pos);
    TRY(source_skip(src, offset - src->pos, what, e));
    return source_read_full(src, buf, len, what, e);
}

bool vhd_footer_at_end(const uint8_t *raw, size_t len, struct vhd_footer *f,
                       uint32_t *footer_size)
{
    uint8_t padded[VHD_FOOTER_SIZE] = {0};

    if (len >= VHD_FOOTER_SIZE &&
        vhd_footer_decode(raw + len - VHD_FOOTER_SIZE, f) == VHD_INTACT) {
        *footer_size = VHD_FOOTER_SIZE;
        return true;
    }
    /* Before Virtual PC 2004 the last, always zero, byte was not written. */
    if (len < VHD_FOOTER_SIZE - 1 || (len - (VHD_FOOTER_SIZE - 1)) % 512)
        return false;
    memcpy(padded, raw + len - (VHD_FOOTER_SIZE - 1), VHD_FOOTER_SIZE - 1);
    if (vhd_footer_decode(padded, f) != VHD_INTACT)
        return false;
    *footer_size = VHD_FOOTER_SIZE - 1;
    return true;
}

int vhd_footer_check(const struct vhd_footer *f, const char *name, uint64_t at,
                     struct err *e)
{
    if (f->poisoned)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the footer at byte %" PRIu64
                       " is marked \"v_poison\": a resize was interrupted; "
                       "`vhd-util revert` with its journal mends it",
                       name, at);
    if (f->version != VHD_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the footer at byte %" PRIu64
                       " has format version 0x%08" PRIx32
                       ", expected 0x00010000",
                       name, at, f->version);
    if (f->type != VHD_FIXED && f->type != VHD_DYNAMIC &&
        f->type != VHD_DIFFERENCING)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer at byte %" PRIu64
                       " has disk type %" PRIu32
                       ", expected 2 (fixed), 3 (dynamic) or 4 (differencing)",
                       name, at, f->type);
    if (!f->current_size || f->current_size % 512)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer at byte %" PRIu64
                       " has the virtual size %" PRIu64
                       ", expected a multiple of 512 above 0",
                       name, at, f->current_size);
    if (f->type != VHD_FIXED && f->current_size > VHD_SIZE_MAX)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer at byte %" PRIu64
                       " has the virtual size %" PRIu64
                       ", above the format's limit of 2040 GiB",
                       name, at, f->current_size);
    return 0;
}

static int no_footer(const char *name, enum vhd_state copy, struct err *e)
{
    if (copy == VHD_BAD_SUM)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer at byte 0 does not fit its checksum",
                       name);
    return err_set(e, ERR_CORRUPT,
                   "%s: not a VHD: no footer (\"conectix\") at byte 0", name);
}

/* Trailing footer first, the copy at 0 where that is lost. */
static int find_footer(struct source *src, const struct vhd_origin *origin,
                       struct vhd_head *h, struct err *e)
{
    uint64_t size = (uint64_t)src->size;
    size_t tail_len = size % 512 == 511 ? 511 : 512;
    uint8_t raw[VHD_FOOTER_SIZE], tail[VHD_FOOTER_SIZE];
    struct vhd_footer copy;
    enum vhd_state state;
    bool trailing;

    if (size < tail_len)
        return err_set(e, ERR_CORRUPT,
                       "%s: not a VHD: %" PRIu64
                       " bytes are less than one footer",
                       src->name, size);
    TRY(source_pread_full(src, tail, tail_len, size - tail_len,
                          "the trailing footer", e));
    trailing = vhd_footer_at_end(tail, tail_len, &h->footer, &h->footer_size);
    if (trailing && h->footer.type == VHD_FIXED)
        return 0;
    state = VHD_ALIEN;
    if (size >= VHD_FOOTER_SIZE) {
        TRY(source_pread_full(src, raw, sizeof(raw), 0, "the footer", e));
        state = vhd_footer_decode(raw, &copy);
    }
    if (trailing) {
        if (state != VHD_INTACT)
            notice_say(origin->notice,
                       "%s: the footer copy at byte 0 is lost or broken; the "
                       "trailing one is used",
                       src->name);
        return 0;
    }
    if (state != VHD_INTACT || copy.type == VHD_FIXED)
        return no_footer(src->name, state, e);
    notice_say(origin->notice,
               "%s: the trailing footer is lost or broken; the copy at byte 0 "
               "is used",
               src->name);
    h->footer = copy;
    return 0;
}

static int stream_footer(struct source *src, struct vhd_head *h, struct err *e)
{
    uint8_t raw[VHD_FOOTER_SIZE];
    enum vhd_state state;

    TRY(source_read_full(src, raw, sizeof(raw), "the footer", e));
    state = vhd_footer_decode(raw, &h->footer);
    if (state != VHD_INTACT)
        return no_footer(src->name, state, e);
    if (h->footer.type == VHD_FIXED)
        return err_set(e, ERR_CORRUPT,
                       "%s: a fixed VHD with a footer at byte 0, where its "
                       "data should begin",
                       src->name);
    return 0;
}

static int check_header(const struct vhd_head *h, const char *name, uint64_t at,
                        struct err *e)
{
    const struct vhd_header *d = &h->header;

    if (d->version != VHD_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the dynamic header at byte %" PRIu64
                       " has version 0x%08" PRIx32 ", expected 0x00010000",
                       name, at, d->version);
    if (!is_power_of_two(d->block_size) || d->block_size < SECTOR_SIZE)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header at byte %" PRIu64
                       " has the block size %" PRIu32
                       ", expected a power of two of at least 512",
                       name, at, d->block_size);
    if (d->block_size < BLOCK_SIZE_MIN || d->block_size > BLOCK_SIZE_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: blocks of %" PRIu32
                       " bytes; only sizes from 4 KiB to 256 MiB are read "
                       "alike by VHD programs, and taken",
                       name, d->block_size);
    if (d->max_entries < div_up(h->footer.current_size, d->block_size))
        return err_set(
            e, ERR_CORRUPT,
            "%s: the dynamic header at byte %" PRIu64 " has a table of %" PRIu32
            " blocks, but the disk of %" PRIu64 " bytes has %" PRIu64,
            name, at, d->max_entries, h->footer.current_size,
            div_up(h->footer.current_size, d->block_size));
    return 0;
}

static int read_header(struct source *src, const struct vhd_origin *origin,
                       struct vhd_head *h, struct err *e)
{
    uint8_t raw[VHD_HEADER_SIZE];
    uint64_t at = h->footer.data_offset;
    enum vhd_state state;

    if (at < VHD_FOOTER_SIZE || at > VHD_OFFSET_MAX)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer places the dynamic header at byte "
                       "%" PRIu64 ", expected a place after the first footer",
                       src->name, at);
    TRY(vhd_read_at(src, raw, sizeof(raw), at, "the dynamic header", e));
    state = vhd_header_decode(raw, &h->header);
    if (state == VHD_ALIEN)
        return err_set(e, ERR_CORRUPT,
                       "%s: no dynamic header (\"cxsparse\") at byte %" PRIu64,
                       src->name, at);
    if (state == VHD_BAD_SUM)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header at byte %" PRIu64
                       " does not fit its checksum",
                       src->name, at);
    if (h->header.data_offset != UINT64_MAX)
        notice_say(origin->notice,
                   "%s: the unused field of the dynamic header holds "
                   "0x%016" PRIx64 " instead of all ones",
                   src->name, h->header.data_offset);
    return check_header(h, src->name, at, e);
}

int vhd_head_read(struct source *src, const struct vhd_origin *origin,
                  struct vhd_head *out, struct err *e)
{
    struct vhd_head h = {0};
    bool seekable = source_is_seekable(src);
    int result;

    TRY(seekable ? find_footer(src, origin, &h, e) : stream_footer(src, &h, e));
    TRY(vhd_footer_check(
        &h.footer, src->name,
        h.footer_size ? (uint64_t)src->size - h.footer_size : 0, e));
    if (h.footer.type == VHD_FIXED) {
        *out = h;
        return 0;
    }
    TRY(read_header(src, origin, &h, e));
    result = vhd_table_read(src, &h, e);
    if (result < 0) {
        vhd_head_free(&h);
        return result;
    }
    *out = h;
    return 0;
}

void vhd_head_free(struct vhd_head *h)
{
    free(h->bat);
    free(h->order);
    h->bat = NULL;
    h->order = NULL;
}
