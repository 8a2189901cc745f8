/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "image/vhd/vhd_check.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 32 };

static int grow(struct vhd_report *r, struct err *e)
{
    uint32_t room = r->room ? 2 * r->room : FIRST_ROOM;
    struct vhd_finding *bigger = NULL;

    TRY(mem_alloc_array(&bigger, room, sizeof(*bigger), "the findings", e));
    if (r->count)
        memcpy(bigger, r->findings, r->count * sizeof(*bigger));
    free(r->findings);
    r->findings = bigger;
    r->room = room;
    return 0;
}

int vhd_report_take(void *report, const struct vhd_finding *f, struct err *e)
{
    struct vhd_report *r = report;

    if (r->count == r->room)
        TRY(grow(r, e));
    r->findings[r->count++] = *f;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct vhd_finding *x = a, *y = b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return strcmp(vhd_finding_name(x->id), vhd_finding_name(y->id));
}

void vhd_report_settle(struct vhd_report *r, const struct vhd_judge *j)
{
    r->untold = 0;
    for (int s = 0; s <= VHD_ERROR; s++) {
        r->severities[s] += j->severities[s];
        r->untold += r->severities[s];
    }
    r->untold -= r->count;
    if (r->count)
        qsort(r->findings, r->count, sizeof(*r->findings), compare);
}

void vhd_report_free(struct vhd_report *r)
{
    free(r->findings);
    *r = (struct vhd_report){0};
}

void vhd_report_cleanup(struct vhd_report *r)
{
    vhd_report_free(r);
}
