/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "image/vhd/vhd_judge.h"

#include <ctype.h>
#include <inttypes.h>

uint64_t vhd_locator_at(const struct vhd_head *h, int i)
{
    return h->footer.data_offset + VHD_LOCATORS_AT +
           VHD_LOCATOR_SIZE * (uint64_t)i;
}

static bool code_is_known(uint32_t code)
{
    switch (code) {
    case VHD_CODE_W2RU:
    case VHD_CODE_W2KU:
    case VHD_CODE_MACX:
    case VHD_CODE_MAC:
    case VHD_CODE_WI2R:
    case VHD_CODE_WI2K:
        return true;
    default:
        return false;
    }
}

bool vhd_locator_is_usable(const struct vhd_head *h, int i)
{
    const struct vhd_locator *l = &h->header.locators[i];

    return code_is_known(l->code) && l->code != VHD_CODE_MAC && l->length &&
           l->length <= min_u64(vhd_locator_space(l), VHD_LOCATOR_MAX) &&
           l->offset < VHD_OFFSET_MAX && l->offset + l->length <= h->limit;
}

static int find_code(struct vhd_judge *j, const struct vhd_head *h, int i,
                     struct err *e)
{
    uint32_t code = h->header.locators[i].code;
    char name[5] = {0};

    for (int b = 0; b < 4; b++) {
        char c = (char)(code >> (24 - 8 * b));

        name[b] = isprint((unsigned char)c) ? c : '.';
    }
    return vhd_find(
        j, FOUND_LOCATOR_CODE, vhd_locator_at(h, i), e,
        "parent locator %d has the unknown code \"%s\" (0x%08" PRIx32 ")", i,
        name, code);
}

/* What of the file counts as the locator's text. */
static int judge_room(struct vhd_judge *j, const struct vhd_head *h, int i,
                      uint64_t *room, struct err *e)
{
    const struct vhd_locator *l = &h->header.locators[i];

    *room = vhd_locator_space(l);
    if (!*room && l->space) {
        *room = l->length;
        return vhd_find(j, FOUND_LOCATOR_SPACE, vhd_locator_at(h, i) + 4, e,
                        "parent locator %d has room for %" PRIu32
                        ", which are neither sectors nor whole sectors in "
                        "bytes; not followed",
                        i, l->space);
    }
    if (l->length <= min_u64(*room, VHD_LOCATOR_MAX))
        return 0;
    *room = min_u64(l->length, *room);
    return vhd_find(j, FOUND_LOCATOR_LENGTH, vhd_locator_at(h, i) + 8, e,
                    "parent locator %d has a text of %" PRIu32
                    " bytes in room for %" PRIu64
                    " (at most %d are taken); not followed",
                    i, l->length, vhd_locator_space(l), VHD_LOCATOR_MAX);
}

static bool over_other_part(const struct vhd_head *h, uint64_t start,
                            uint64_t end)
{
    for (int i = 0; i < h->nparts; i++)
        if (h->parts[i].kind != VHD_PART_LOCATOR &&
            vhd_overlap(start, end, h->parts[i].start, h->parts[i].end))
            return true;
    return false;
}

static int judge_locator_end(struct vhd_judge *j, const struct vhd_head *h,
                             int i, uint64_t end, struct err *e)
{
    if (end <= h->limit)
        return 1;
    return vhd_find(j, FOUND_LOCATOR_PAST_END, vhd_locator_at(h, i) + 16, e,
                    "the text of parent locator %d at byte %" PRIu64
                    " ends at %" PRIu64 ", past the end of the data",
                    i, h->header.locators[i].offset, end);
}

static int judge_locator(struct vhd_judge *j, struct vhd_head *h, int i,
                         struct err *e)
{
    const struct vhd_locator *l = &h->header.locators[i];
    uint64_t room, end;
    int inside;

    if (!code_is_known(l->code))
        TRY(find_code(j, h, i, e));
    if (!l->length)
        return vhd_find(j, FOUND_LOCATOR_BLANK, vhd_locator_at(h, i) + 16, e,
                        "parent locator %d has no text", i);
    TRY(judge_room(j, h, i, &room, e));
    end = l->offset > VHD_OFFSET_MAX ? VHD_SIZE_UNKNOWN : l->offset + room;
    if (end == VHD_SIZE_UNKNOWN)
        return vhd_find(j, FOUND_LOCATOR_PAST_END, vhd_locator_at(h, i) + 16, e,
                        "the text of parent locator %d is at byte %" PRIu64
                        ", past the end of the data",
                        i, l->offset);
    inside = judge_locator_end(j, h, i, end, e);
    if (inside <= 0)
        return inside;
    if (over_other_part(h, l->offset, end))
        return vhd_find(j, FOUND_LOCATOR_OVERLAP, vhd_locator_at(h, i) + 16, e,
                        "the text of parent locator %d, bytes %" PRIu64
                        " to %" PRIu64 ", lies over footer, header or table",
                        i, l->offset, end);
    h->parts[h->nparts++] =
        (struct vhd_part){VHD_PART_LOCATOR, i, l->offset, end};
    return 0;
}

int vhd_judge_locators(struct vhd_judge *j, struct vhd_head *h, struct err *e)
{
    for (int i = 0; i < VHD_LOCATORS; i++)
        if (h->header.locators[i].code)
            TRY(judge_locator(j, h, i, e));
    return 0;
}

int vhd_judge_locators_end(struct vhd_judge *j, const struct vhd_head *h,
                           uint64_t judged, struct err *e)
{
    for (int i = 0; i < h->nparts; i++)
        if (h->parts[i].kind == VHD_PART_LOCATOR && h->parts[i].end <= judged)
            TRY(judge_locator_end(j, h, h->parts[i].locator, h->parts[i].end,
                                  e));
    return 0;
}
