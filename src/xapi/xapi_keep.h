/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_KEEP_H
#define VHDSTREAM_XAPI_KEEP_H

/*
 * Keeps a transfer's session and task in the pool's memory for days. XAPI ends
 * a session that has made no call for 24 hours, and a request of a disk counts
 * at its start only. It forgets a pending task that is older than 24 hours when
 * its progress stood still between two of its looks, which are half a minute
 * apart; and a large disk's whole percents come much more slowly.
 *
 * Heartbeats (xapi_heart.h) are calls, too, but not every transfer has one: an
 * export makes nothing but a task, and a server may refuse that its marks.
 */

#include "xapi/xapi_pulse.h"
#include "xapi/xapi_task.h"

struct xapi_keep {
    const struct xapi_task *task;
    struct xapi_pulse *pulse;
    double since;   /* wait_now() of the start ... */
    double touched; /* ... and of the last call */
};

/* *k and the task must not move until the end. */
int xapi_keep_start(struct xapi_keep *k, const struct xapi_task *task,
                    struct err *e);

/* For zeroed memory, too. */
void xapi_keep_end(struct xapi_keep *k);

#endif
