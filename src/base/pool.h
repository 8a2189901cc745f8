/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_H
#define VHDSTREAM_POOL_H

/*
 * Threads for work that can be cut into pieces. A pool has the threads; a lane
 * is one client's ordered queue on it: pieces are worked on by any thread and
 * come back in the order in which they were submitted. Several lanes (of one
 * transfer, or of several) share a pool.
 */

#include "base/err.h"

#include <stddef.h>

struct pool;

/* A pool of `threads` threads (at most POOL_MAX_THREADS), which start with the
 * first lane. With 0 every piece is worked on inside lane_submit, by the same
 * code. */
enum { POOL_MAX_THREADS = 256 };
int pool_open(struct pool **out, unsigned threads, struct err *e);

/* All lanes of it must be closed. */
void pool_close(struct pool *p);

unsigned pool_threads(const struct pool *p);

/* Used by one thread, its client's. */
struct lane;

/* Works on one piece, in any thread; `slot` is that piece's alone meanwhile.
 * A failure is handed to whoever takes the piece. */
typedef int lane_work(void *slot, struct err *e);

/* For any thread. A lane of `nslots` pieces in flight at most; slots[i] is the
 * memory of piece i, the caller's, which must outlive the lane. Its work is
 * done for the stage (base/stage.h) that the caller works for now. */
int lane_open(struct lane **out, struct pool *p, void *const *slots,
              unsigned nslots, lane_work *work, struct err *e);

/* The next slot to fill, or NULL while all are in flight (then take one, and
 * release it). The same one again until it is submitted. */
void *lane_slot(struct lane *l);

/* Sends the slot that lane_slot gave. */
void lane_submit(struct lane *l);

/* Waits for the oldest piece in flight: 1 and its slot, 0 when none is in
 * flight, or the failure of its work. Then lane_release frees that slot; until
 * then lane_take gives the same again. After a failure the lane is only good to
 * be closed. */
int lane_take(struct lane *l, void **slot, struct err *e);
void lane_release(struct lane *l);

/* Whether there is an oldest piece and it is done, so that lane_take would not
 * wait. */
int lane_ready(struct lane *l);

/* Pieces that are submitted and not done: with threads, or waiting for one. */
unsigned lane_busy(struct lane *l);

/* Waits for the pieces in flight, whatever became of them. */
void lane_close(struct lane *l);

#endif
