/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_JUDGE_H
#define VHDSTREAM_XAPI_JUDGE_H

/* Whether a thing with marks is what a killed run left behind. */

#include "xapi/xapi_marks.h"

/* A run whose heartbeat is younger than this lives: fifteen beats may be lost,
 * while a pool's master restarts say. */
enum { XAPI_LIVE_S = 900 };

/* All that decides. */
struct xapi_case {
    struct xapi_maker maker;
    const char *flaw;      /* xapi_marks_read's; NULL: the marks are sound */
    enum xapi_making kind; /* what it is, whatever the marks say */
    unsigned twins;        /* others with the same mark of their making */
    bool plugged;          /* a VBD of it is attached */
    bool in_vm;            /* a VM has it as a disk */
    bool pending;          /* a task of its run is, or it is one */
    int64_t now;           /* by the same clock as the marks' times */
    uint64_t older_than_s;
    bool force; /* also what was kept to be resumed */
};

enum { XAPI_WHY_SIZE = 640 };

/* Whether it may be removed; if not, a clause in `why` says what speaks against
 * it. */
bool xapi_judge(const struct xapi_case *c, char why[XAPI_WHY_SIZE]);

/* "2 weeks", "1 day", "3 hours", "5 minutes", "7 seconds": the two largest
 * units, "1 day 3 hours"; into out. */
enum { XAPI_SPAN_SIZE = 48 };
const char *xapi_span(uint64_t seconds, char out[XAPI_SPAN_SIZE]);

#endif
