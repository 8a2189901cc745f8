/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_head.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "image/image.h"
#include "image/vhd_ends.h"
#include "image/vhd_table.h"

#include <inttypes.h>
#include <stdlib.h>

/* What 32-bit sector numbers reach. */
#define TABLE_REACH (UINT64_C(1) << 41)

static const char locator_text[] = "the text of a parent locator";

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

void vhd_head_add_part(struct vhd_head *h, uint64_t start, uint64_t end,
                       const char *what)
{
    h->parts[h->nparts++] = (struct vhd_part){start, end, what};
}

static int check_block_size(const struct vhd_header *d, const char *name,
                            uint64_t at, struct err *e)
{
    if (!is_power_of_two(d->block_size) || d->block_size < SECTOR_SIZE)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header's block size (byte %" PRIu64
                       ") is %" PRIu32
                       ", expected a power of two of at least 512",
                       name, at + 32, d->block_size);
    if (d->block_size < BLOCK_SIZE_MIN || d->block_size > BLOCK_SIZE_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the dynamic header's block size (byte %" PRIu64
                       ") is %" PRIu32
                       "; only sizes from 4 KiB to 256 MiB are read alike by "
                       "VHD programs, and taken",
                       name, at + 32, d->block_size);
    return 0;
}

static int check_entry_count(const struct vhd_head *h, const char *name,
                             uint64_t at, struct err *e)
{
    const struct vhd_header *d = &h->header;
    uint64_t needed = div_up(h->size, d->block_size);

    if (d->max_entries < needed)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header's number of table entries (byte "
                       "%" PRIu64 ") is %" PRIu32 ", but the disk of %" PRIu64
                       " bytes has %" PRIu64 " blocks",
                       name, at + 28, d->max_entries, h->size, needed);
    if (d->max_entries > max_u64(needed, TABLE_REACH / d->block_size))
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header's number of table entries (byte "
                       "%" PRIu64 ") is %" PRIu32
                       ", more than 2 TiB in blocks of %" PRIu32,
                       name, at + 28, d->max_entries, d->block_size);
    if (needed > BLOCKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: %" PRIu64 " blocks of %" PRIu32
                       " bytes; at most %d blocks are taken",
                       name, needed, d->block_size, BLOCKS_MAX);
    return 0;
}

static int check_header(const struct vhd_head *h, const char *name, uint64_t at,
                        struct err *e)
{
    if (h->header.version >> 16 != VHD_VERSION >> 16)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the dynamic header's version (byte %" PRIu64
                       ") is 0x%08" PRIx32 ", expected 0x00010000",
                       name, at + 24, h->header.version);
    TRY(check_block_size(&h->header, name, at, e));
    return check_entry_count(h, name, at, e);
}

static int check_header_place(const struct vhd_head *h, const char *name,
                              struct err *e)
{
    uint64_t at = h->footer.data_offset;

    if (at < VHD_FOOTER_SIZE || at >= h->limit)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer's data offset (byte %" PRIu64
                       ") places the dynamic header at byte %" PRIu64
                       ", expected a place from byte 512 to %" PRIu64,
                       name, h->footer_at + 16, at, h->limit);
    if (at + VHD_HEADER_SIZE > h->limit)
        return err_set(e, ERR_CORRUPT,
                       "%s: the dynamic header at byte %" PRIu64
                       " (by the footer, byte %" PRIu64
                       ") is cut off at byte %" PRIu64,
                       name, at, h->footer_at + 16, h->limit);
    return 0;
}

static int broken_header(enum vhd_state state, const uint8_t *raw,
                         const char *name, uint64_t at, struct err *e)
{
    if (state == VHD_ALIEN)
        return err_set(e, ERR_CORRUPT,
                       "%s: no dynamic header (\"cxsparse\") at byte %" PRIu64,
                       name, at);
    return err_set(e, ERR_CORRUPT,
                   "%s: the checksum of the dynamic header (byte %" PRIu64
                   ") is 0x%08" PRIx32 ", its bytes add up to 0x%08" PRIx32,
                   name, at + VHD_HEADER_SUM, get_be32(raw + VHD_HEADER_SUM),
                   vhd_checksum(raw, VHD_HEADER_SIZE, VHD_HEADER_SUM));
}

static int read_header(struct source *src, const struct vhd_origin *origin,
                       struct vhd_head *h, struct err *e)
{
    uint8_t raw[VHD_HEADER_SIZE];
    uint64_t at = h->footer.data_offset;
    enum vhd_state state;

    TRY(check_header_place(h, src->name, e));
    TRY(vhd_read_at(src, raw, sizeof(raw), at, "the dynamic header", e));
    state = vhd_header_decode(raw, &h->header);
    if (state != VHD_INTACT)
        return broken_header(state, raw, src->name, at, e);
    if (h->header.data_offset != UINT64_MAX)
        notice_say(origin->notice,
                   "%s: the unused field of the dynamic header (byte %" PRIu64
                   ") holds 0x%016" PRIx64 " instead of all ones",
                   src->name, at + 8, h->header.data_offset);
    vhd_head_add_part(h, 0, VHD_FOOTER_SIZE, "the footer at byte 0");
    vhd_head_add_part(h, at, at + VHD_HEADER_SIZE, "the dynamic header");
    return check_header(h, src->name, at, e);
}

/* Bytes that belong to the text of locator l; 0 where it has none. */
static uint64_t locator_room(const struct vhd_locator *l)
{
    if (!l->code || !l->length)
        return 0;
    if (l->space >= 512 && !vhd_locator_space(l))
        return l->length;
    return l->length > vhd_locator_space(l)
               ? min_u64(l->length, vhd_locator_space(l))
               : vhd_locator_space(l);
}

static int check_locator(struct vhd_head *h, unsigned i, const char *name,
                         struct err *e)
{
    const struct vhd_locator *l = &h->header.locators[i];
    uint64_t field =
        h->footer.data_offset + VHD_LOCATORS_AT + VHD_LOCATOR_SIZE * i + 16;
    uint64_t room = locator_room(l);

    if (!room)
        return 0;
    if (l->offset > h->limit || room > h->limit - l->offset)
        return err_set(e, ERR_CORRUPT,
                       "%s: parent locator %u (byte %" PRIu64
                       ") points to byte %" PRIu64 ", and its %" PRIu64
                       " bytes reach past the end of the data (%" PRIu64 ")",
                       name, i, field, l->offset, room, h->limit);
    for (unsigned p = 0; p < h->nparts; p++)
        if (l->offset < h->parts[p].end &&
            h->parts[p].start < l->offset + room &&
            h->parts[p].what != locator_text)
            return err_set(e, ERR_CORRUPT,
                           "%s: parent locator %u (byte %" PRIu64
                           ") points to byte %" PRIu64 ", over %s",
                           name, i, field, l->offset, h->parts[p].what);
    vhd_head_add_part(h, l->offset, l->offset + room, locator_text);
    return 0;
}

/* All of a disk that is no fixed one. */
static int read_tables(struct source *src, const struct vhd_origin *origin,
                       struct vhd_head *h, struct err *e)
{
    TRY(read_header(src, origin, h, e));
    TRY(vhd_table_place(src, h, e));
    for (unsigned i = 0; h->footer.type == VHD_DIFFERENCING && i < VHD_LOCATORS;
         i++)
        TRY(check_locator(h, i, src->name, e));
    return vhd_table_read(src, h, e);
}

static int check_fixed(const struct vhd_head *h, const struct source *src,
                       const struct notice *notice, struct err *e)
{
    if (h->size > h->limit)
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer's virtual size (byte %" PRIu64
                       ") is %" PRIu64 ", but only %" PRIu64
                       " bytes stand before it",
                       src->name, h->footer_at + 48, h->size, h->limit);
    if (h->size < h->limit)
        notice_say(notice,
                   "%s: %" PRIu64 " bytes between the disk's end and the "
                   "footer are passed over",
                   src->name, h->limit - h->size);
    return 0;
}

/* The virtual size in force. */
static int choose_size(struct vhd_head *h, const struct vhd_origin *origin,
                       const char *name, struct err *e)
{
    const struct vhd_footer *f = &h->footer;

    h->size = origin->size_from_chs ? vhd_geometry_size(f) : f->current_size;
    if (!h->size || (f->type != VHD_FIXED && h->size > VHD_SIZE_MAX))
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer's geometry (byte %" PRIu64
                       ") is %u/%u/%u, which is no size of a disk",
                       name, h->footer_at + 56, f->cylinders, f->heads,
                       f->sectors_per_track);
    return 0;
}

int vhd_head_read(struct source *src, const struct vhd_origin *origin,
                  struct vhd_head *out, struct err *e)
{
    struct vhd_head h = {0};
    int result;

    TRY(vhd_footer_find(src, origin, &h, e));
    TRY(vhd_footer_check(&h.footer, src->name, h.footer_at, e));
    TRY(choose_size(&h, origin, src->name, e));
    if (h.footer.type == VHD_FIXED) {
        TRY(check_fixed(&h, src, origin->notice, e));
        *out = h;
        return 0;
    }
    result = read_tables(src, origin, &h, e);
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
