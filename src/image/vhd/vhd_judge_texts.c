/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/vhd/vhd_judge.h"
#include "image/vhd/vhd_parent.h"

enum { NAME_AT = 64, SHOWN = 80 };

static int judge_text(struct vhd_judge *j, const struct vhd_head *h, int i,
                      struct err *e)
{
    const struct vhd_keep *k = h->texts[i];
    FREE char *path = NULL;

    /* Not to be followed, or passed by a stream, or past its end. */
    if (!k || k->got < k->len || !vhd_locator_is_usable(h, i))
        return 0;
    if (zero_is(k->buf, k->len))
        return vhd_find(j, FOUND_LOCATOR_BLANK, vhd_locator_at(h, i) + 16, e,
                        "the text of parent locator %d is all zeros", i);
    TRY(vhd_parent_text(h->header.locators[i].code, k->buf, k->len, &path, e));
    if (!path)
        return vhd_find(j, FOUND_LOCATOR_TEXT, k->offset, e,
                        "the text of parent locator %d is no path: empty, in "
                        "another encoding, or with control characters",
                        i);
    if (!vhd_parent_is_inside(path))
        return vhd_find(j, FOUND_LOCATOR_OUTSIDE, k->offset, e,
                        "parent locator %d leads out of the disk's folder, and "
                        "is not followed unasked: %.*s",
                        i, SHOWN, path);
    return 0;
}

static int judge_name(struct vhd_judge *j, const struct vhd_head *h,
                      struct err *e)
{
    uint64_t at = h->footer.data_offset + NAME_AT;
    FREE char *path = NULL;

    if (!get_be16(h->header.parent_name))
        return vhd_find(j, FOUND_PARENT_NAME_MISSING, at, e,
                        "the parent's name is empty");
    TRY(vhd_parent_name(&h->header, &path, e));
    if (path)
        return 0;
    return vhd_find(j, FOUND_PARENT_NAME_TEXT, at, e,
                    "the parent's name is no text: half a surrogate pair, or "
                    "control characters");
}

int vhd_judge_texts(struct vhd_judge *j, const struct vhd_head *h,
                    struct err *e)
{
    for (int i = 0; i < h->nparts; i++)
        if (h->parts[i].kind == VHD_PART_LOCATOR)
            TRY(judge_text(j, h, h->parts[i].locator, e));
    return judge_name(j, h, e);
}
