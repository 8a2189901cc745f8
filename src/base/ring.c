/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/ring.h"

#include "base/mem.h"
#include "base/stage.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct ring {
    unsigned slots;
    pthread_mutex_t lock;
    pthread_cond_t to_producer;
    pthread_cond_t to_consumer;
    /* All that follows under the lock. */
    uint64_t published; /* slots so far; the next one is published % slots */
    uint64_t released;
    bool ended;         /* by the producer */
    bool stopped;       /* by the consumer */
    struct err failure; /* of the producer; code 0: a good end */
    struct err reason;  /* of the consumer; code 0: none given */
};

int ring_open(struct ring **out, unsigned slots, struct err *e)
{
    struct ring *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "a ring", e));
    r->slots = slots;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->to_producer, NULL);
    pthread_cond_init(&r->to_consumer, NULL);
    *out = r;
    return 0;
}

void ring_close(struct ring *r)
{
    if (!r)
        return;
    pthread_cond_destroy(&r->to_consumer);
    pthread_cond_destroy(&r->to_producer);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* With the lock held. Whoever waits for the other side works for no stage. */
static void wait_on(pthread_cond_t *side, struct ring *r)
{
    struct stage *before = stage_enter(NULL);

    pthread_cond_wait(side, &r->lock);
    stage_leave(before);
}

int ring_slot(struct ring *r, unsigned *slot)
{
    int given;

    pthread_mutex_lock(&r->lock);
    while (!r->stopped && r->published - r->released == r->slots)
        wait_on(&r->to_producer, r);
    given = !r->stopped;
    if (given)
        *slot = (unsigned)(r->published % r->slots);
    pthread_mutex_unlock(&r->lock);
    return given;
}

void ring_publish(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->published++;
    pthread_cond_signal(&r->to_consumer);
    pthread_mutex_unlock(&r->lock);
}

bool ring_is_idle(struct ring *r)
{
    bool idle;

    pthread_mutex_lock(&r->lock);
    idle = r->published == r->released;
    pthread_mutex_unlock(&r->lock);
    return idle;
}

void ring_end(struct ring *r, const struct err *e)
{
    pthread_mutex_lock(&r->lock);
    if (e)
        r->failure = *e;
    r->ended = true;
    pthread_cond_signal(&r->to_consumer);
    pthread_mutex_unlock(&r->lock);
}

/* Hands out `from` where it is a failure. */
static int pass_on(const struct err *from, struct err *e)
{
    if (from->code < 0 && e)
        *e = *from;
    return from->code;
}

int ring_take(struct ring *r, unsigned *slot, struct err *e)
{
    int result = 1;

    pthread_mutex_lock(&r->lock);
    while (!r->ended && r->published == r->released)
        wait_on(&r->to_consumer, r);
    if (r->published == r->released)
        result = pass_on(&r->failure, e);
    else
        *slot = (unsigned)(r->released % r->slots);
    pthread_mutex_unlock(&r->lock);
    return result;
}

void ring_release(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->released++;
    pthread_cond_signal(&r->to_producer);
    pthread_mutex_unlock(&r->lock);
}

void ring_stop(struct ring *r, const struct err *e)
{
    pthread_mutex_lock(&r->lock);
    if (e)
        r->reason = *e;
    r->stopped = true;
    pthread_cond_signal(&r->to_producer);
    pthread_mutex_unlock(&r->lock);
}

int ring_reason(struct ring *r, struct err *e)
{
    int code;

    pthread_mutex_lock(&r->lock);
    code = pass_on(&r->reason, e);
    pthread_mutex_unlock(&r->lock);
    return code;
}

int ring_drain(struct ring *r)
{
    int drained;

    pthread_mutex_lock(&r->lock);
    while (!r->stopped && r->published != r->released)
        wait_on(&r->to_producer, r);
    drained = !r->stopped;
    pthread_mutex_unlock(&r->lock);
    return drained;
}
