/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_CLEAN_H
#define VHDSTREAM_XAPI_CLEAN_H

/* Finds what killed runs left in a pool, and removes it. */

#include "xapi/xapi_judge.h"
#include "xapi/xapi_vdi.h"

struct xapi_clean {
    uint64_t older_than_s;
    bool dry_run;
    bool force; /* also what was kept to be resumed */
};

enum xapi_fate {
    XAPI_REMOVED,
    XAPI_REMOVABLE, /* it would be, but for dry_run */
    XAPI_SPARED,
    XAPI_NOT_REMOVED, /* it should be, but could not */
    XAPI_FATES,
};

/* A thing with marks, and what became of it. */
struct xapi_remnant {
    enum xapi_making kind;
    char uuid[XAPI_UUID_SIZE];
    char label[XAPI_LABEL_SIZE];
    struct xapi_vdi vdi; /* all zeros: it is a task */
    struct xapi_maker maker;
    bool sound;     /* the marks are */
    uint64_t age_s; /* since the start, where they are */
    enum xapi_fate fate;
    char why[XAPI_WHY_SIZE]; /* it was spared, or could not be removed */
};

typedef int xapi_remnant_fn(void *ctx, const struct xapi_remnant *r,
                            struct err *e);

/* Calls tell(ctx, remnant) for each thing with marks, disks first, once its
 * fate is known. What is gone by itself meanwhile is left out. *own_clock: the
 * pool does not tell its time, and all ages are by this machine's clock. Things
 * that could not be removed are no failure of this call. ERR_CANCELLED: those
 * that were not told were not touched. */
int xapi_clean(struct xapi *x, const struct xapi_clean *how, bool *own_clock,
               xapi_remnant_fn *tell, void *ctx, struct err *e);

#endif
