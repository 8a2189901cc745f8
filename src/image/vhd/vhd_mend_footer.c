/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "base/checked.h"
#include "image/vhd/vhd_batmap.h"
#include "image/vhd/vhd_ends.h"
#include "image/vhd/vhd_repair.h"

#include <inttypes.h>
#include <string.h>

enum { FEATURES = 8, DATA_OFFSET = 16, GEOMETRY = 56 };

static void set_sum(uint8_t raw[VHD_FOOTER_SIZE])
{
    put_be32(raw + VHD_FOOTER_SUM,
             vhd_checksum(raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM));
}

static int put(struct vhd_mender *m, uint64_t at, const uint8_t *raw,
               struct err *e)
{
    return vhd_patches_put(&m->r->patches, at, raw, VHD_FOOTER_SIZE, e);
}

/* --- both sums are wrong --------------------------------------------------*/

/* The same but for the checksum. */
static bool say_the_same(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, VHD_FOOTER_SUM) &&
           !memcmp(a + VHD_FOOTER_SUM + 4, b + VHD_FOOTER_SUM + 4,
                   VHD_FOOTER_SIZE - VHD_FOOTER_SUM - 4);
}

/* Whether the bytes of `a` fit the checksum that `b` holds. */
static bool confirms(const struct vhd_end *a, const struct vhd_end *b)
{
    return vhd_checksum(a->raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM) ==
           b->f.checksum;
}

static int mend_twins(struct vhd_mender *m, const struct vhd_end *good,
                      const char *why, struct err *e)
{
    uint8_t raw[VHD_FOOTER_SIZE];

    memcpy(raw, good->raw, sizeof(raw));
    set_sum(raw);
    TRY(put(m, m->h->tail.at, raw, e));
    TRY(put(m, 0, raw, e));
    vhd_mender_did(m, FOUND_FOOTER_CHECKSUM, m->h->tail.at,
                   "both footers: the checksum, %s", why);
    return 1;
}

/* A fixed disk's only footer: its size is confirmed by the file's. */
static int mend_lone(struct vhd_mender *m, struct err *e)
{
    struct vhd_end *tail = &m->h->tail;
    uint8_t raw[VHD_FOOTER_SIZE];

    if (tail->f.type != VHD_FIXED || tail->f.current_size != tail->at ||
        tail->f.version != VHD_VERSION || tail->f.data_offset != UINT64_MAX) {
        vhd_mender_left(m->r, FOUND_FOOTER_CHECKSUM, tail->at,
                        "nothing in the file confirms what this one footer "
                        "says");
        return 0;
    }
    memcpy(raw, tail->raw, sizeof(raw));
    set_sum(raw);
    TRY(put(m, tail->at, raw, e));
    vhd_mender_did(m, FOUND_FOOTER_CHECKSUM, tail->at,
                   "the footer: the checksum; the file's length confirms its "
                   "type and size");
    return 1;
}

static int mend_sums(struct vhd_mender *m, struct err *e)
{
    const struct vhd_end *copy = &m->h->copy, *tail = &m->h->tail;
    bool has_copy = copy->size && copy->state == VHD_BAD_SUM;
    bool has_tail = tail->size && tail->state == VHD_BAD_SUM && tail->at;

    if (has_tail && !has_copy)
        return mend_lone(m, e);
    if (has_copy && has_tail) {
        if (say_the_same(copy->raw, tail->raw))
            return mend_twins(m, tail, "since they say the same", e);
        if (confirms(tail, copy))
            return mend_twins(m, tail,
                              "since the trailing one fits the checksum of "
                              "the other",
                              e);
        if (confirms(copy, tail))
            return mend_twins(m, copy,
                              "since the one at byte 0 fits the checksum of "
                              "the other",
                              e);
    }
    vhd_mender_left(m->r, FOUND_FOOTER_CHECKSUM, copy->at,
                    has_tail ? "the two footers contradict each other"
                             : "nothing in the file confirms what this one "
                               "footer says");
    return 0;
}

/* --- one of them is lost --------------------------------------------------*/

/* Where the parts of the disk end, a batmap among them. */
static int end_of_parts(struct vhd_mender *m, uint64_t *end, struct err *e)
{
    struct vhd_batmap b;
    uint64_t len;

    *end = m->h->end;
    TRY(vhd_batmap_read(m->t, m->h, &b, e));
    if (!b.present)
        return 0;
    *end = max_u64(*end, b.at + VHD_BATMAP_HEADER);
    len = (uint64_t)b.sectors * 512;
    if (vhd_batmap_fits(m->h, &b, b.offset, len))
        *end = max_u64(*end, b.offset + len);
    return 0;
}

/* At the file's end; over what is left of a footer that was cut. */
static int append_footer(struct vhd_mender *m, struct err *e)
{
    static const uint8_t zeros[VHD_FOOTER_SIZE];
    uint64_t size = m->t->size, whole = size / 512 * 512, end, at = size;

    TRY(end_of_parts(m, &end, e));
    if (whole < size)
        at = end <= whole ? whole : whole + 512;
    if (at > size)
        TRY(vhd_patches_put(&m->r->patches, size, zeros, (uint32_t)(at - size),
                            e));
    TRY(put(m, at, m->h->copy.raw, e));
    vhd_mender_did(m, FOUND_TRAILING_FOOTER_MISSING, at,
                   "the trailing footer, from the one at byte 0");
    return 1;
}

int vhd_mend_ends(struct vhd_mender *m, struct err *e)
{
    struct vhd_head *h = m->h;

    if (vhd_mender_has(m, FOUND_FOOTER_CHECKSUM))
        return mend_sums(m, e);
    if (vhd_mender_has(m, FOUND_TRAILING_FOOTER_CHECKSUM)) {
        TRY(put(m, h->tail.at, h->copy.raw, e));
        vhd_mender_did(m, FOUND_TRAILING_FOOTER_CHECKSUM, h->tail.at,
                       "the trailing footer, from the one at byte 0");
        return 1;
    }
    if (vhd_mender_has(m, FOUND_TRAILING_FOOTER_MISSING))
        return m->whole ? append_footer(m, e) : 0;
    if (vhd_mender_has(m, FOUND_FOOTER_COPY_MISSING) ||
        vhd_mender_has(m, FOUND_FOOTER_COPY_CHECKSUM)) {
        TRY(put(m, 0, h->tail.raw, e));
        vhd_mender_did(m,
                       vhd_mender_has(m, FOUND_FOOTER_COPY_MISSING)
                           ? FOUND_FOOTER_COPY_MISSING
                           : FOUND_FOOTER_COPY_CHECKSUM,
                       0, "the footer at byte 0, from the trailing one");
        return 1;
    }
    if (vhd_mender_has(m, FOUND_FOOTERS_CONFLICT) ||
        vhd_mender_has(m, FOUND_FOOTERS_DIFFER)) {
        TRY(put(m, 0, h->tail.raw, e));
        vhd_mender_did(m,
                       vhd_mender_has(m, FOUND_FOOTERS_CONFLICT)
                           ? FOUND_FOOTERS_CONFLICT
                           : FOUND_FOOTERS_DIFFER,
                       0,
                       "the footer at byte 0, from the trailing one, which "
                       "counts where the two differ");
        return 1;
    }
    return 0;
}

/* --- its fields -----------------------------------------------------------*/

static int mend_features(struct vhd_mender *m, uint8_t *raw)
{
    uint32_t features = m->h->footer.features;

    if (!vhd_mender_has(m, FOUND_FEATURES))
        return 0;
    if (features & ~UINT32_C(3)) {
        vhd_mender_left(m->r, FOUND_FEATURES, m->h->footer_at + FEATURES,
                        "what the unknown bits mean is not known");
        return 0;
    }
    put_be32(raw + FEATURES, features | 2);
    vhd_mender_did(m, FOUND_FEATURES, m->h->footer_at + FEATURES,
                   "features: the reserved bit, which is always set");
    return 1;
}

/* For these programs the geometry is the size. */
static bool means_its_geometry(const struct vhd_footer *f)
{
    return !memcmp(f->creator, "vpc ", 4) || !memcmp(f->creator, "qemu", 4);
}

static int mend_geometry(struct vhd_mender *m, uint8_t *raw)
{
    enum vhd_finding_id id = vhd_mender_has(m, FOUND_GEOMETRY_LARGE)
                                 ? FOUND_GEOMETRY_LARGE
                                 : FOUND_GEOMETRY_ZERO;
    uint64_t at = m->h->footer_at + GEOMETRY;
    struct vhd_footer right = {0};

    if (!vhd_mender_has(m, id))
        return 0;
    if (id == FOUND_GEOMETRY_LARGE && means_its_geometry(&m->h->footer)) {
        vhd_mender_left(m->r, id, at,
                        "the program that made this disk takes the geometry "
                        "for the size; --size-from chs reads it so");
        return 0;
    }
    vhd_geometry(m->h->footer.current_size, &right);
    put_be16(raw + GEOMETRY, right.cylinders);
    raw[GEOMETRY + 2] = right.heads;
    raw[GEOMETRY + 3] = right.sectors_per_track;
    vhd_mender_did(m, id, at, "the geometry: %u/%u/%u, as the size has it",
                   right.cylinders, right.heads, right.sectors_per_track);
    return 1;
}

static int mend_unused(struct vhd_mender *m, uint8_t *raw)
{
    if (!vhd_mender_has(m, FOUND_FIXED_DATA_OFFSET))
        return 0;
    put_be64(raw + DATA_OFFSET, UINT64_MAX);
    vhd_mender_did(m, FOUND_FIXED_DATA_OFFSET, m->h->footer_at + DATA_OFFSET,
                   "data offset: all ones, as a fixed disk has it");
    return 1;
}

int vhd_mend_footer(struct vhd_mender *m, struct err *e)
{
    struct vhd_head *h = m->h;
    const struct vhd_end *end = h->footer_size ? &h->tail : &h->copy;
    uint8_t raw[VHD_FOOTER_SIZE];
    int mended;

    if (!h->has_footer)
        return 0;
    memcpy(raw, end->raw, sizeof(raw));
    mended =
        mend_features(m, raw) + mend_geometry(m, raw) + mend_unused(m, raw);
    if (!mended)
        return 0;
    set_sum(raw);
    /* One of 511 bytes lacks the last, which is 0. */
    if (h->footer_size)
        TRY(vhd_patches_put(&m->r->patches, h->tail.at, raw, h->footer_size,
                            e));
    if (h->footer.type != VHD_FIXED && vhd_end_is_sound(&h->copy))
        TRY(put(m, 0, raw, e));
    return mended;
}
