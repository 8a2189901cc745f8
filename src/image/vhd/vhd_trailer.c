/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_trailer.h"

#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>

enum { SLACK = 64 << 20 };

uint64_t vhd_trailer_gap(const struct vhd_head *head)
{
    uint64_t block = (uint64_t)head->header.block_size + head->bitmap_size;

    if (head->nentries)
        return SLACK + head->nentries * block;
    return SLACK + min_u64(head->size, VHD_OFFSET_MAX);
}

static int pass_gap(struct vhd_tape *t, const struct vhd_head *head, bool exact,
                    struct err *e)
{
    uint64_t gap = exact ? SLACK : vhd_trailer_gap(head);
    int ended = vhd_tape_finish(t, head->end + gap, e);

    TRY(ended);
    if (ended)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: goes on for %" PRIu64
                   " bytes after its last block, which no VHD does",
                   t->src->name, gap);
}

int vhd_trailer_check(struct source *src, struct vhd_head *head, bool exact,
                      struct err *e)
{
    CLEANUP(vhd_tape) struct vhd_tape t;
    struct vhd_refusal r;

    vhd_tape_open(&t, src);
    vhd_refusal_init(&r, src, NULL);
    TRY(pass_gap(&t, head, exact, e));
    TRY(vhd_head_judge_end(&t, &r.judge, head, e));
    if (exact && head->tail.size != VHD_FOOTER_SIZE)
        return err_set(e, ERR_CORRUPT,
                       "%s: ends at byte %" PRIu64
                       ", one byte short in the trailing footer",
                       src->name, src->pos);
    if (exact && head->limit > head->end)
        return err_set(e, ERR_CORRUPT,
                       "%s: %" PRIu64 " bytes between the last block and the "
                       "trailing footer, expected none",
                       src->name, head->limit - head->end);
    return 0;
}
