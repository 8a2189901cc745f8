/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_RETRY_H
#define VHDSTREAM_RETRY_H

/*
 * Trying again what may pass: how often, and after which pause. One of them
 * serves a whole operation, so that what is nested does not multiply. The count
 * begins anew when the work has got further than before (retry_progress): a
 * day's transfer outlives more breaks than a request does.
 */

#include "base/err.h"
#include "base/notice.h"
#include "base/wait.h"

enum {
    RETRIES_DEFAULT = 5,
    RETRY_DELAY_DEFAULT_S = 2,
    RETRY_DELAY_MAX_S = 60,
};

struct retry {
    unsigned max;     /* tries beyond the first, without progress between */
    unsigned delay_s; /* the first pause; each one is twice the last, up to
                         RETRY_DELAY_MAX_S; one that is longer stays */
    _Atomic unsigned used; /* read-ahead and decoder may both have begun */
    const struct notice *notice; /* or NULL */
    const struct wait *wait;
};

/* *e is a failure. Where it is ERR_TEMPORARY and tries are left: tells the
 * notice, waits, clears *e and returns 0. Else e->code, or ERR_CANCELLED where
 * the wait was stopped. `e` must not be NULL. */
int retry_pause(struct retry *r, struct err *e);

/* The work has got further than at any time before. */
void retry_progress(struct retry *r);

#endif
