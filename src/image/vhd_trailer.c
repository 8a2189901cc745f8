/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd_trailer.h"

#include "base/mem.h"

#include <inttypes.h>

int vhd_trailer_check(struct source *src, struct vhd_head *head, bool exact,
                      struct err *e)
{
    CLEANUP(vhd_tape) struct vhd_tape t;
    struct vhd_refusal r;

    vhd_tape_open(&t, src);
    vhd_refusal_init(&r, src, NULL);
    TRY(vhd_tape_finish(&t, e));
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
