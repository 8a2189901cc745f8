/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_keep.h"

enum { BEAT_S = 10 };

static const double nudge = 1e-6;      /* that XAPI sees as progress */
static const double nudge_last = 0.99; /* the last that it is added to */

/* Any call will do. */
static int touch(struct xapi *x, struct err *e)
{
    CLEANUP(json) json_t *pools = NULL;
    struct xapi_fault fault;

    return xapi_ask(x, XAPI_PULSE, "pool.get_all", json_array(), &pools, &fault,
                    e);
}

/* Moves the task's progress by next to nothing. The server's own next percent
 * is more than all of that together. */
static int nudge_task(struct xapi *x, const struct xapi_task *task,
                      struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_verdict verdict;
    struct xapi_fault fault;

    TRY(xapi_task_look(task, XAPI_PULSE, &verdict, e));
    if (verdict.status != XAPI_PENDING || verdict.progress > nudge_last)
        return 0;
    return xapi_ask(x, XAPI_PULSE, "task.set_progress",
                    json_pack("[sf]", task->ref, verdict.progress + nudge),
                    &result, &fault, e);
}

static int beat(struct xapi *x, void *ctx, struct err *e)
{
    struct xapi_keep *k = ctx;
    double now = wait_now();

    if (now - k->since >= xapi_times(x)->task_old_s)
        return nudge_task(x, k->task, e);
    if (now - k->touched < xapi_times(x)->keep_s)
        return 0;
    k->touched = now;
    return touch(x, e);
}

int xapi_keep_start(struct xapi_keep *k, const struct xapi_task *task,
                    struct err *e)
{
    unsigned keep_s = xapi_times(task->x)->keep_s;

    k->task = task;
    k->since = k->touched = wait_now();
    return xapi_pulse_start(&k->pulse, task->x,
                            keep_s < BEAT_S ? keep_s : BEAT_S, beat, k, e);
}

void xapi_keep_end(struct xapi_keep *k)
{
    xapi_pulse_stop(k->pulse);
    k->pulse = NULL;
}
