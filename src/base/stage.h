/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STAGE_H
#define VHDSTREAM_STAGE_H

/*
 * How long the stages of a transfer are at work. A thread works for one stage
 * at a time: what it calls on the way (a decoder its source) may be another,
 * whose time is then its own. What waits for another thread of the transfer
 * (rings, lanes) works for none; what waits for a disk or the network is at
 * work.
 *
 * The clock is looked at only where the stage changes, and not at all while
 * there is none.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct stage {
    _Atomic uint64_t busy_ns; /* of all threads together */
    atomic_bool pooled;       /* threads of a pool took part */
};

/* From now on the calling thread works for `s`; NULL: for none. Gives what it
 * worked for until now, for stage_leave. */
struct stage *stage_enter(struct stage *s);
void stage_leave(struct stage *before);

/* The same where NULL means that nothing changes. */
struct stage *stage_enter_if(struct stage *s);

/* What the calling thread works for, or NULL. */
struct stage *stage_running(void);

#endif
