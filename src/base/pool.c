/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/pool.h"

#include "base/mem.h"
#include "base/stage.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* One slot of a lane, and the work on it. */
struct piece {
    struct lane *lane;
    void *slot;
    struct piece *next; /* in the pool's queue; under its lock */
    bool done;          /* under the lock */
    struct err result;  /* the worker's until done, then the client's */
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wanted; /* there is work, or it is over */
    struct piece *first;   /* queue of what is submitted; under the lock */
    struct piece *last;
    bool closing; /* under the lock */
    unsigned nthreads;
    unsigned started; /* of them; under the lock */
    pthread_t threads[];
};

/* submitted and released are the client's alone. */
struct lane {
    struct pool *pool;
    lane_work *work;
    struct stage *stage; /* what the work is done for, or NULL */
    pthread_cond_t done; /* some piece of this lane is */
    uint64_t submitted;
    uint64_t released;
    unsigned nslots;
    struct piece pieces[];
};

/* --- the pool -------------------------------------------------------------*/

static void run(struct piece *p)
{
    struct stage *before = stage_enter_if(p->lane->stage);
    int code = p->lane->work(p->slot, &p->result);

    stage_leave(before);
    p->result.code = code < 0 ? code : 0;
}

/* The next piece, or NULL when the pool closes; with the lock held. */
static struct piece *next_piece(struct pool *p)
{
    struct piece *piece;

    while (!p->first && !p->closing)
        pthread_cond_wait(&p->wanted, &p->lock);
    piece = p->first;
    if (piece)
        p->first = piece->next;
    return piece;
}

static void *work_on(void *arg)
{
    struct pool *p = arg;
    struct piece *piece;

    pthread_mutex_lock(&p->lock);
    while ((piece = next_piece(p))) {
        pthread_mutex_unlock(&p->lock);
        run(piece);
        pthread_mutex_lock(&p->lock);
        piece->done = true;
        pthread_cond_signal(&piece->lane->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int pool_open(struct pool **out, unsigned threads, struct err *e)
{
    struct pool *p = NULL;

    if (threads > POOL_MAX_THREADS)
        return err_set(e, ERR_USAGE, "%u threads: at most %d are possible",
                       threads, POOL_MAX_THREADS);
    TRY(mem_alloc(&p, sizeof(*p) + threads * sizeof(p->threads[0]), "threads",
                  e));
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wanted, NULL);
    p->nthreads = threads;
    *out = p;
    return 0;
}

static int start_threads(struct pool *p, struct err *e)
{
    int code = 0;

    pthread_mutex_lock(&p->lock);
    while (code >= 0 && p->started < p->nthreads) {
        code = thread_start(&p->threads[p->started], work_on, p, e);
        if (code >= 0)
            p->started++;
    }
    pthread_mutex_unlock(&p->lock);
    return code;
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->wanted);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->started; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->wanted);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

unsigned pool_threads(const struct pool *p)
{
    return p->nthreads;
}

/* --- lanes ----------------------------------------------------------------*/

int lane_open(struct lane **out, struct pool *p, void *const *slots,
              unsigned nslots, lane_work *work, struct err *e)
{
    struct lane *l = NULL;

    TRY(start_threads(p, e));
    TRY(mem_alloc(&l, sizeof(*l) + nslots * sizeof(l->pieces[0]), "a lane", e));
    l->pool = p;
    l->work = work;
    l->stage = stage_running();
    if (l->stage && p->nthreads)
        atomic_store(&l->stage->pooled, true);
    l->nslots = nslots;
    pthread_cond_init(&l->done, NULL);
    for (unsigned i = 0; i < nslots; i++) {
        l->pieces[i].lane = l;
        l->pieces[i].slot = slots[i];
    }
    *out = l;
    return 0;
}

static struct piece *newest(struct lane *l)
{
    return &l->pieces[l->submitted % l->nslots];
}

static struct piece *oldest(struct lane *l)
{
    return &l->pieces[l->released % l->nslots];
}

void *lane_slot(struct lane *l)
{
    if (l->submitted - l->released == l->nslots)
        return NULL;
    return newest(l)->slot;
}

static void enqueue(struct pool *p, struct piece *piece)
{
    pthread_mutex_lock(&p->lock);
    piece->next = NULL;
    if (p->first)
        p->last->next = piece;
    else
        p->first = piece;
    p->last = piece;
    pthread_cond_signal(&p->wanted);
    pthread_mutex_unlock(&p->lock);
}

void lane_submit(struct lane *l)
{
    struct piece *piece = newest(l);

    l->submitted++;
    piece->done = false;
    if (l->pool->nthreads) {
        enqueue(l->pool, piece);
    } else {
        run(piece);
        piece->done = true;
    }
}

static void wait_for(struct lane *l, const struct piece *piece)
{
    struct stage *before = stage_enter(NULL);

    pthread_mutex_lock(&l->pool->lock);
    while (!piece->done)
        pthread_cond_wait(&l->done, &l->pool->lock);
    pthread_mutex_unlock(&l->pool->lock);
    stage_leave(before);
}

int lane_take(struct lane *l, void **slot, struct err *e)
{
    struct piece *piece = oldest(l);

    if (l->submitted == l->released)
        return 0;
    wait_for(l, piece);
    if (piece->result.code < 0) {
        if (e)
            *e = piece->result;
        return piece->result.code;
    }
    *slot = piece->slot;
    return 1;
}

void lane_release(struct lane *l)
{
    l->released++;
}

int lane_ready(struct lane *l)
{
    int ready;

    if (l->submitted == l->released)
        return 0;
    pthread_mutex_lock(&l->pool->lock);
    ready = oldest(l)->done;
    pthread_mutex_unlock(&l->pool->lock);
    return ready;
}

unsigned lane_busy(struct lane *l)
{
    unsigned busy = 0;

    pthread_mutex_lock(&l->pool->lock);
    for (uint64_t i = l->released; i < l->submitted; i++)
        busy += !l->pieces[i % l->nslots].done;
    pthread_mutex_unlock(&l->pool->lock);
    return busy;
}

void lane_close(struct lane *l)
{
    if (!l)
        return;
    for (; l->released < l->submitted; l->released++)
        wait_for(l, oldest(l));
    pthread_cond_destroy(&l->done);
    free(l);
}
