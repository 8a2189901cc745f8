/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_RING_H
#define VHDSTREAM_RING_H

/*
 * A bounded queue of reusable slots between one producer thread and one
 * consumer thread. The ring hands out slot numbers, 0 .. slots - 1, in order;
 * what a slot holds belongs to the caller, in an array of its own. A slot is
 * touched by one side at a time: by the producer from ring_slot() to
 * ring_publish(), by the consumer from ring_take() to ring_release().
 */

#include "base/err.h"

#include <stdbool.h>

struct ring;

/* A ring of `slots` (> 0) slots. */
int ring_open(struct ring **out, unsigned slots, struct err *e);

/* Both sides have ended. */
void ring_close(struct ring *r);

/* Producer. ring_slot waits for a free slot and stores its number; 1, or 0 when
 * the consumer has stopped (then the producer ends, too). */
int ring_slot(struct ring *r, unsigned *slot);
void ring_publish(struct ring *r);

/* Producer: whether the consumer has released all that was published, so that
 * it waits or soon will: then a slot that is not full is worth publishing. */
bool ring_is_idle(struct ring *r);

/* Producer, last: no more will come. `e` is NULL at a good end, else the
 * failure, which the consumer gets after the slots published before it. */
void ring_end(struct ring *r, const struct err *e);

/* Consumer. 1 and a published slot, 0 at the good end, else the producer's
 * failure, copied to *e. */
int ring_take(struct ring *r, unsigned *slot, struct err *e);
void ring_release(struct ring *r);

/* Consumer, last: wakes a producer that waits; from now on ring_slot gives 0.
 * `e` (or NULL) is why; the producer can read it with ring_reason. */
void ring_stop(struct ring *r, const struct err *e);

/* Producer, after ring_slot gave 0: the reason that ring_stop was given. A
 * negative code with *e set, or 0 when there was none. */
int ring_reason(struct ring *r, struct err *e);

/* Producer: waits until every published slot was released or the consumer
 * stopped. 1, or 0 when it stopped. */
int ring_drain(struct ring *r);

#endif
