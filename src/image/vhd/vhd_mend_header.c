/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd/vhd_repair.h"

enum { UNUSED_OFFSET = 8 };

static int read_raw(struct vhd_mender *m, uint8_t raw[VHD_HEADER_SIZE],
                    struct err *e)
{
    int64_t got =
        vhd_tape_read(m->t, raw, VHD_HEADER_SIZE, m->h->footer.data_offset, e);

    TRY(got);
    return got == VHD_HEADER_SIZE;
}

static int put(struct vhd_mender *m, uint8_t raw[VHD_HEADER_SIZE],
               struct err *e)
{
    put_be32(raw + VHD_HEADER_SUM,
             vhd_checksum(raw, VHD_HEADER_SIZE, VHD_HEADER_SUM));
    return vhd_patches_put(&m->r->patches, m->h->footer.data_offset, raw,
                           VHD_HEADER_SIZE, e);
}

/* Findings after which a field of the header is in doubt. */
static bool casts_doubt(enum vhd_finding_id id)
{
    switch (id) {
    case FOUND_HEADER_DATA_OFFSET:
    case FOUND_HEADER_RESERVED:
    case FOUND_HEADER_UNALIGNED:
    case FOUND_HEADER_VERSION_MINOR:
    case FOUND_BAT_UNALIGNED:
    case FOUND_PARENT_FIELDS_UNUSED:
    case FOUND_TRAILING_PADDING:
        return true;
    default:
        return false;
    }
}

/* Whether the file with this header, its sum set right, confirms every field of
 * it: as many entries as the disk needs, in a table that stands where nothing
 * is left over, with sound blocks up to the trailing footer. */
static int is_confirmed(struct vhd_mender *m, const struct vhd_header *d,
                        struct err *e)
{
    CLEANUP(vhd_report) struct vhd_report r = {0};
    uint64_t size = m->h->footer.current_size;

    if (!m->h->footer_size || !d->block_size ||
        d->max_entries != div_up(size, d->block_size))
        return 0;
    TRY(vhd_check(&m->t->src, 0, &r, e));
    for (uint32_t i = 0; i < r.count; i++)
        if (casts_doubt(r.findings[i].id))
            return 0;
    return !r.severities[VHD_ERROR];
}

static int mend_sum(struct vhd_mender *m, struct err *e)
{
    uint64_t at = m->h->footer.data_offset + VHD_HEADER_SUM;
    uint8_t raw[VHD_HEADER_SIZE];
    struct vhd_header d = {0};
    int confirmed = 0;

    if (m->h->footer.type != VHD_DYNAMIC) {
        vhd_mender_left(m->r, FOUND_HEADER_CHECKSUM, at,
                        "nothing in the file confirms which parent it names");
        return 0;
    }
    if (!read_raw(m, raw, e))
        return 0;
    TRY(put(m, raw, e));
    if (vhd_header_decode(raw, &d) == VHD_INTACT)
        confirmed = is_confirmed(m, &d, e);
    if (confirmed <= 0) {
        vhd_patches_drop_last(&m->r->patches);
        if (!confirmed)
            vhd_mender_left(m->r, FOUND_HEADER_CHECKSUM, at,
                            "the rest of the file does not confirm what the "
                            "dynamic header says");
        return confirmed;
    }
    vhd_mender_did(m, FOUND_HEADER_CHECKSUM, at,
                   "the dynamic header: the checksum; table and blocks confirm "
                   "what it says");
    return 1;
}

int vhd_mend_header(struct vhd_mender *m, struct err *e)
{
    uint8_t raw[VHD_HEADER_SIZE];
    int there;

    if (vhd_mender_has(m, FOUND_HEADER_CHECKSUM))
        return mend_sum(m, e);
    if (!vhd_mender_has(m, FOUND_HEADER_DATA_OFFSET) || !m->h->has_header)
        return 0;
    there = read_raw(m, raw, e);
    if (there <= 0)
        return there;
    put_be64(raw + UNUSED_OFFSET, UINT64_MAX);
    TRY(put(m, raw, e));
    vhd_mender_did(m, FOUND_HEADER_DATA_OFFSET,
                   m->h->footer.data_offset + UNUSED_OFFSET,
                   "the unused offset of the dynamic header: all ones");
    return 1;
}
