/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_trailer.h"

#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd_ends.h"

#include <inttypes.h>
#include <string.h>

/* What stands after the last part that the head tells of. */
struct rest {
    uint8_t last[VHD_FOOTER_SIZE + 1]; /* its last bytes, and a zero */
    size_t len;                        /* of them, at most a footer */
    uint64_t total;                    /* bytes in all */
    uint32_t footer_size;
};

static int read_rest(struct source *src, struct rest *r, struct err *e)
{
    FREE uint8_t *buf = NULL;
    int64_t got;

    TRY(mem_alloc(&buf, 64 * 1024, "a buffer", e));
    while ((got = source_read_most(src, buf, 64 * 1024, e)) > 0) {
        size_t take = (size_t)min_u64((uint64_t)got, VHD_FOOTER_SIZE);
        size_t keep = (size_t)min_u64(r->len, VHD_FOOTER_SIZE - take);

        memmove(r->last, r->last + r->len - keep, keep);
        memcpy(r->last + keep, buf + (size_t)got - take, take);
        r->len = keep + take;
        r->total += (uint64_t)got;
    }
    return (int)got;
}

static int same_disk(const struct source *src, const struct vhd_footer *first,
                     const struct vhd_footer *f, uint64_t at, struct err *e)
{
    if (f->current_size == first->current_size && f->type == first->type &&
        f->data_offset == first->data_offset)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: the trailing footer (byte %" PRIu64
                   ") tells of another disk (type %" PRIu32 ", %" PRIu64
                   " bytes, header at byte %" PRIu64
                   ") than the first one (type %" PRIu32 ", %" PRIu64
                   " bytes, header at byte %" PRIu64
                   "); copy the VHD to a file and start from that",
                   src->name, at, f->type, f->current_size, f->data_offset,
                   first->type, first->current_size, first->data_offset);
}

static int check_footer(const struct source *src, const struct vhd_head *head,
                        struct rest *r, struct err *e)
{
    struct vhd_footer f = {0};
    enum vhd_state state =
        vhd_footer_at_end(r->last, r->len, src->pos, &f, &r->footer_size);
    uint64_t at = src->pos - r->footer_size;

    if (state == VHD_ALIEN)
        return err_set(e, ERR_CORRUPT,
                       "%s: cut: it ends at byte %" PRIu64
                       " without a trailing footer, expected at byte %" PRIu64
                       " or later",
                       src->name, src->pos, head->end);
    if (f.poisoned)
        return vhd_footer_check(&f, src->name, at, e);
    if (state == VHD_BAD_SUM)
        return vhd_footer_bad_sum(r->last + r->len - r->footer_size, src->name,
                                  at, e);
    return same_disk(src, &head->footer, &f, at, e);
}

int vhd_trailer_check(struct source *src, const struct vhd_head *head,
                      bool exact, struct err *e)
{
    struct rest r = {0};

    if (head->end > src->pos)
        TRY(source_skip(src, head->end - src->pos,
                        "the parts before the trailing footer", e));
    TRY(read_rest(src, &r, e));
    TRY(check_footer(src, head, &r, e));
    if (exact && r.total != r.footer_size)
        return err_set(e, ERR_CORRUPT,
                       "%s: %" PRIu64 " bytes between the last block and the "
                       "trailing footer, expected none",
                       src->name, r.total - r.footer_size);
    return 0;
}
