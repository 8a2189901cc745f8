/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_TASK_H
#define VHDSTREAM_XAPI_TASK_H

/*
 * Tasks of a pool. The server completes the task that it is given with a
 * transfer and leaves it for us to destroy; its status alone says whether the
 * transfer succeeded.
 */

#include "xapi/xapi_heart.h"
#include "xapi/xapi_session.h"

struct xapi_task {
    struct xapi *x;
    char ref[XAPI_OPAQUE_SIZE]; /* "": there is none */
    struct xapi_beat beat;
};

enum xapi_status {
    XAPI_PENDING,
    XAPI_SUCCESS,
    XAPI_FAILURE,
    XAPI_TASK_CANCELLED,
    XAPI_GONE, /* the server knows no such task (any more) */
};

struct xapi_verdict {
    enum xapi_status status;
    double progress; /* 0 to 1; 1 once it is no longer pending */
    double reached;  /* the progress that was last seen while it was pending;
                        below 0: it never was */
    struct xapi_fault fault; /* of a failure; code "" where it has none */
};

/* Creates a task labelled "VDI_IMPORT_for_" or "VDI_EXPORT_for_" + `name`,
 * marks it and keeps it alive; its description names the run, too, since some
 * servers let only some users mark a task. *out is zeroed memory that stays
 * where it is until xapi_task_drop. */
int xapi_task_create(struct xapi_task *out, struct xapi *x, const char *label,
                     const char *name, struct err *e);

/* Its state now. */
int xapi_task_look(const struct xapi_task *t, enum xapi_mode mode,
                   struct xapi_verdict *out, struct err *e);

/* Waits until it is no longer pending. When its progress stands still, or the
 * pool cannot be asked, for limit_s seconds: ERR_UNSETTLED, and *out is the
 * last that was seen. ERR_CANCELLED in XAPI_NORMAL mode. A limit below the
 * settle time is that of a verdict which only explains a failure: a pool out of
 * reach is then not asked for so long. */
int xapi_task_wait(const struct xapi_task *t, enum xapi_mode mode,
                   unsigned limit_s, struct xapi_verdict *out, struct err *e);

/* The verdict as a clause: "the server's task failed: ..." */
enum { XAPI_VERDICT_TEXT_SIZE = XAPI_FAULT_TEXT_SIZE + 64 };
void xapi_verdict_text(struct xapi *x, const struct xapi_verdict *v,
                       char out[XAPI_VERDICT_TEXT_SIZE]);

/* Has e->said say the fault, where it has one. `e` may be NULL. */
void xapi_verdict_say(struct xapi *x, const struct xapi_verdict *v,
                      struct err *e);

/* 0 for success, else the error code that the verdict stands for. */
int xapi_verdict_code(const struct xapi_verdict *v);

/* Destroys the task, as well as it can, and forgets it. A task that no request
 * of ours has reached would stay pending for a day: with `untouched` it is set
 * to cancelled first. */
void xapi_task_drop(struct xapi_task *t, bool untouched);

/* Pauses that grow, for polling: 0.1 s, then half as much again each time, 2 s
 * at most. Begins with *pause_ms 0. */
int xapi_pause(struct xapi *x, enum xapi_mode mode, unsigned *pause_ms,
               struct err *e);

#endif
