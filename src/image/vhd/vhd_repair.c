/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_repair.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { ROUNDS = 8 };

bool vhd_mender_has(const struct vhd_mender *m, enum vhd_finding_id id)
{
    for (uint32_t i = 0; i < m->found->count; i++)
        if (m->found->findings[i].id == id)
            return true;
    return false;
}

static void add(struct vhd_mend *list, int *count, enum vhd_finding_id id,
                uint64_t offset, const char *fmt, va_list args)
    __attribute__((format(printf, 5, 0)));

static void add(struct vhd_mend *list, int *count, enum vhd_finding_id id,
                uint64_t offset, const char *fmt, va_list args)
{
    struct vhd_mend *mend = &list[*count];

    if (*count == VHD_MENDS)
        return;
    mend->id = id;
    mend->offset = offset;
    (void)vsnprintf(mend->text, sizeof(mend->text), fmt, args);
    (*count)++;
}

void vhd_mender_did(struct vhd_mender *m, enum vhd_finding_id id,
                    uint64_t offset, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(m->r->mends, &m->r->nmends, id, offset, fmt, args);
    va_end(args);
}

void vhd_mender_left(struct vhd_repair *r, enum vhd_finding_id id,
                     uint64_t offset, const char *fmt, ...)
{
    va_list args;

    for (int i = 0; i < r->nleft; i++)
        if (r->left[i].id == id)
            return;
    va_start(args, fmt);
    add(r->left, &r->nleft, id, offset, fmt, args);
    va_end(args);
}

/* --- rounds ---------------------------------------------------------------*/

typedef int mender(struct vhd_mender *m, struct err *e);

/* Has `mend` look at the file as it would be so far: the number of things that
 * it mended. */
static int with_view(struct vhd_repair *r, struct source *src, mender *mend,
                     struct err *e)
{
    static const struct vhd_origin origin;
    CLEANUP(source) struct source *view = NULL;
    CLEANUP(vhd_report) struct vhd_report found = {0};
    CLEANUP(vhd_tape) struct vhd_tape t = {0};
    struct vhd_judge j = {.take = vhd_report_take, .ctx = &found};
    struct vhd_head h = {0};
    struct vhd_mender m = {.r = r, .t = &t, .h = &h, .found = &found};
    int result;

    TRY(vhd_patches_view(&view, src, &r->patches, e));
    vhd_tape_open(&t, view);
    result = vhd_head_judge(&t, &j, &origin, &h, e);
    m.whole = result > 0;
    if (result >= 0)
        result = mend(&m, e);
    vhd_head_free(&h);
    return result;
}

/* The first that finds something to do ends the round, so that the next one
 * judges what came of it. */
static int mend_head(struct vhd_mender *m, struct err *e)
{
    static mender *const menders[] = {vhd_mend_ends, vhd_mend_header,
                                      vhd_mend_footer};

    for (int i = 0; i < 3; i++) {
        int mended = menders[i](m, e);

        if (mended)
            return mended;
    }
    return 0;
}

static int check_view(struct vhd_repair *r, struct source *src, struct err *e)
{
    CLEANUP(source) struct source *view = NULL;

    vhd_report_free(&r->after);
    TRY(vhd_patches_view(&view, src, &r->patches, e));
    return vhd_check(&view, 0, &r->after, e);
}

/* The batmap is judged with the blocks, so its findings come from the check. */
static int mend_map(struct vhd_mender *m, struct err *e)
{
    m->found = &m->r->after;
    return vhd_mend_batmap(m, e);
}

static int plan(struct vhd_repair *r, struct source *src, struct err *e)
{
    int mended = 1;

    r->patches.size = (uint64_t)src->size;
    for (int round = 0; round < ROUNDS && mended; round++) {
        mended = with_view(r, src, mend_head, e);
        TRY(mended);
    }
    TRY(check_view(r, src, e));
    if (vhd_repair_is_refused(r))
        return 0;
    mended = with_view(r, src, mend_map, e);
    TRY(mended);
    return mended ? check_view(r, src, e) : 0;
}

/* --- what is left ---------------------------------------------------------*/

/* Why a finding stays, where no mender has given a reason. */
static const char *why_left(enum vhd_finding_id id)
{
    switch (id) {
    case FOUND_NOT_A_VHD:
        return "there is nothing to go by";
    case FOUND_POISONED:
        return "the journal of the interrupted resize is needed: `vhd-util "
               "revert`";
    case FOUND_DATA_UNDER_CLEAR_BITS:
        return "the bytes are the guest's to keep or to drop; a copy has zeros "
               "there";
    case FOUND_FIXED_SLACK:
    case FOUND_SURPLUS_ZERO:
    case FOUND_HEADER_UNALIGNED:
    case FOUND_BAT_UNALIGNED:
        return "harmless; a copy is without it";
    default:
        return "nothing in the file tells what is right";
    }
}

static void explain(struct vhd_repair *r)
{
    const struct vhd_report *after = &r->after;

    for (uint32_t i = 0; i < after->count; i++)
        if (after->findings[i].severity >= VHD_WARNING)
            vhd_mender_left(r, after->findings[i].id, after->findings[i].offset,
                            "%s", why_left(after->findings[i].id));
}

bool vhd_repair_is_refused(const struct vhd_repair *r)
{
    return r->after.severities[VHD_ERROR] > 0;
}

/* Errors would remain: what is to be told is what the file is now. */
static int give_up(struct vhd_repair *r, struct source *src, struct err *e)
{
    vhd_patches_free(&r->patches);
    r->nmends = 0;
    return check_view(r, src, e);
}

int vhd_repair_plan(struct source *src, struct vhd_repair *out, struct err *e)
{
    CLEANUP(vhd_repair) struct vhd_repair r = {0};

    TRY(plan(&r, src, e));
    if (vhd_repair_is_refused(&r))
        TRY(give_up(&r, src, e));
    explain(&r);
    TRY(vhd_patches_settle(&r.patches, src, e));
    *out = r;
    r = (struct vhd_repair){0};
    return 0;
}

void vhd_repair_free(struct vhd_repair *r)
{
    vhd_patches_free(&r->patches);
    vhd_report_free(&r->after);
}

void vhd_repair_cleanup(struct vhd_repair *r)
{
    vhd_repair_free(r);
}
