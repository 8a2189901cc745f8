/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd/vhd_batmap.h"
#include "image/vhd/vhd_repair.h"
#include "image/vhd/vhd_table.h"

#include <string.h>

static const enum vhd_finding_id batmap_findings[] = {
    FOUND_BATMAP_MISSING, FOUND_BATMAP_VERSION,  FOUND_BATMAP_SIZE,
    FOUND_BATMAP_PLACE,   FOUND_BATMAP_CHECKSUM, FOUND_BATMAP_LIES,
};

/* The one that was found, or VHD_NFINDINGS. */
static enum vhd_finding_id what_is_wrong(const struct vhd_mender *m)
{
    size_t n = sizeof(batmap_findings) / sizeof(*batmap_findings);

    for (size_t i = 0; i < n; i++)
        if (vhd_mender_has(m, batmap_findings[i]))
            return batmap_findings[i];
    return VHD_NFINDINGS;
}

static uint32_t map_size(const struct vhd_head *h)
{
    return (uint32_t)round_up(bits_size(h->nentries), 512);
}

/* Where the map goes: where it is, if nothing else is there, else straight
 * behind its header; 0 where there is no room. */
static uint64_t choose_place(const struct vhd_head *h,
                             const struct vhd_batmap *b)
{
    uint64_t behind = b->at + VHD_BATMAP_HEADER;

    if (!vhd_head_is_free(h, b->at, b->at + VHD_BATMAP_HEADER))
        return 0;
    if (b->present && vhd_batmap_fits(h, b, b->offset, map_size(h)))
        return b->offset;
    return vhd_batmap_fits(h, b, behind, map_size(h)) ? behind : 0;
}

/* A header for the map; what is the storage manager's stays. */
static void encode_header(const struct vhd_batmap *b, uint64_t offset,
                          const uint8_t *map, uint32_t len,
                          uint8_t raw[VHD_BATMAP_HEADER])
{
    if (b->present)
        memcpy(raw, b->raw, VHD_BATMAP_HEADER);
    else
        memset(raw, 0, VHD_BATMAP_HEADER);
    memcpy(raw, "tdbatmap", 8);
    put_be64(raw + 8, offset);
    put_be32(raw + 16, len / 512);
    put_be32(raw + 20, VHD_BATMAP_VERSION);
    put_be32(raw + 24, vhd_batmap_sum(map, len));
}

static int write_map(struct vhd_mender *m, const struct vhd_batmap *b,
                     uint64_t offset, const uint8_t *map, struct err *e)
{
    uint8_t raw[VHD_BATMAP_HEADER];
    uint32_t len = map_size(m->h);

    encode_header(b, offset, map, len, raw);
    TRY(vhd_patches_put(&m->r->patches, offset, map, len, e));
    return vhd_patches_put(&m->r->patches, b->at, raw, sizeof(raw), e);
}

/* A map of the blocks whose bitmaps are all set. */
static int make_map(struct vhd_mender *m, uint8_t **out, struct err *e)
{
    struct vhd_survey s;
    int result;

    TRY(mem_alloc(out, map_size(m->h), "the batmap", e));
    result = vhd_survey_make(m->t, m->h, &s, e);
    if (!result)
        memcpy(*out, s.full, bits_size(m->h->nblocks));
    vhd_survey_free(&s);
    return result;
}

int vhd_mend_batmap(struct vhd_mender *m, struct err *e)
{
    enum vhd_finding_id id = what_is_wrong(m);
    FREE uint8_t *map = NULL;
    struct vhd_batmap b;
    uint64_t offset;

    if (id == VHD_NFINDINGS || !m->whole)
        return 0;
    TRY(vhd_batmap_read(m->t, m->h, &b, e));
    offset = choose_place(m->h, &b);
    if (!offset) {
        vhd_mender_left(m->r, id, b.at,
                        "behind the table there is no room for a batmap");
        return 0;
    }
    TRY(make_map(m, &map, e));
    TRY(write_map(m, &b, offset, map, e));
    vhd_mender_did(m, id, b.at, "the batmap, from the sector bitmaps");
    return 1;
}
