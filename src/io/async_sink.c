/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 4,
    SLOT_SIZE = 1024 * 1024,
    WORTH_SENDING = 64 * 1024, /* to a thread that has nothing to do */
    FEW_ZEROS = 64 * 1024,     /* that are copied like data */
};

/* Data, and zeros after it. */
struct slot {
    uint8_t *data;
    size_t len;
    uint64_t zeros;
};

/* The thread has the inner sink until it is joined. */
struct async_sink {
    struct sink base;
    struct sink *inner;
    struct cancel *stop; /* or NULL */
    struct ring *ring;
    struct slot slots[SLOTS];
    pthread_t thread;
    atomic_bool abandoned; /* what the ring holds need not be written */
    /* The writer's own: */
    struct slot *open; /* that is being filled, or NULL */
    bool joined;
};

/* --- the thread -----------------------------------------------------------*/

static int put(struct async_sink *a, const struct slot *slot, struct err *e)
{
    if (atomic_load(&a->abandoned))
        return err_set(e, ERR_CANCELLED, "%s: abandoned", a->base.name);
    TRY(sink_write(a->inner, slot->data, slot->len, e));
    return sink_zeros(a->inner, slot->zeros, e);
}

static void *write_behind(void *arg)
{
    struct async_sink *a = arg;
    struct err e = {0};
    unsigned i;

    while (ring_take(a->ring, &i, &e) > 0) {
        if (put(a, &a->slots[i], &e) < 0) {
            ring_stop(a->ring, &e);
            break;
        }
        ring_release(a->ring);
    }
    return NULL;
}

/* --- the writer -----------------------------------------------------------*/

static void publish(struct async_sink *a)
{
    a->open = NULL;
    ring_publish(a->ring);
}

/* Why the thread takes no more. */
static int why_stopped(struct async_sink *a, struct err *e)
{
    TRY(ring_reason(a->ring, e));
    return err_set(e, ERR_FAILED, "%s: nobody writes any more", a->base.name);
}

/* Opens a slot that has room for data; fails when the thread has failed. */
static int open_slot(struct async_sink *a, struct err *e)
{
    unsigned i;

    if (a->open && !a->open->zeros)
        return 0;
    if (a->open)
        publish(a);
    if (!ring_slot(a->ring, &i))
        return why_stopped(a, e);
    a->open = &a->slots[i];
    a->open->len = 0;
    a->open->zeros = 0;
    return 0;
}

static int async_write(struct sink *s, const void *buf, size_t len,
                       struct err *e)
{
    struct async_sink *a = (struct async_sink *)s;
    const uint8_t *from = buf;

    while (len) {
        size_t now;

        TRY(open_slot(a, e));
        now = (size_t)min_u64(len, SLOT_SIZE - a->open->len);
        memcpy(a->open->data + a->open->len, from, now);
        a->open->len += now;
        from += now;
        len -= now;
        if (a->open->len == SLOT_SIZE ||
            (a->open->len >= WORTH_SENDING && ring_is_idle(a->ring)))
            publish(a);
    }
    return 0;
}

static int async_zeros(struct sink *s, uint64_t len, struct err *e)
{
    struct async_sink *a = (struct async_sink *)s;
    bool follow = a->open && a->open->zeros;

    if (!follow)
        TRY(open_slot(a, e));
    if (!follow && len <= FEW_ZEROS && len < SLOT_SIZE - a->open->len) {
        memset(a->open->data + a->open->len, 0, (size_t)len);
        a->open->len += (size_t)len;
        return 0;
    }
    if (len > INT64_MAX - a->open->zeros)
        return err_set(e, ERR_NO_SPACE, "%s: too many zeros", s->name);
    a->open->zeros += len;
    return 0;
}

static void join(struct async_sink *a)
{
    pthread_join(a->thread, NULL);
    a->joined = true;
}

static int async_finish(struct sink *s, struct err *e)
{
    struct async_sink *a = (struct async_sink *)s;

    if (a->open)
        publish(a);
    ring_end(a->ring, NULL);
    join(a);
    TRY(ring_reason(a->ring, e));
    return sink_finish(a->inner, e);
}

/* Frees all but the inner sink. */
static void free_own(struct async_sink *a)
{
    ring_close(a->ring);
    for (int i = 0; i < SLOTS; i++)
        free(a->slots[i].data);
    free(a);
}

static void abandon(struct async_sink *a)
{
    atomic_store(&a->abandoned, true);
    ring_end(a->ring, NULL);
    if (a->stop)
        cancel_request(a->stop);
    join(a);
}

static void async_close(struct sink *s, struct err *why)
{
    struct async_sink *a = (struct async_sink *)s;
    struct sink *inner = a->inner;

    if (!a->joined)
        abandon(a);
    free_own(a);
    sink_close(inner, why);
}

static const struct sink_ops async_ops = {
    .write = async_write,
    .zeros = async_zeros,
    .finish = async_finish,
    .close = async_close,
};

static int start(struct async_sink *a, struct err *e)
{
    TRY(ring_open(&a->ring, SLOTS, e));
    for (int i = 0; i < SLOTS; i++)
        TRY(mem_alloc_buffer(&a->slots[i].data, SLOT_SIZE, e));
    return thread_start(&a->thread, write_behind, a, e);
}

int sink_async(struct sink **s, unsigned threads, struct cancel *stop,
               struct err *e)
{
    struct async_sink *a = NULL;
    int code;

    if (!threads)
        return 0;
    TRY(mem_alloc(&a, sizeof(*a), "a sink", e));
    sink_init(&a->base, &async_ops, (*s)->name);
    a->inner = *s;
    a->stop = stop;
    code = start(a, e);
    if (code < 0) {
        free_own(a);
        return code;
    }
    *s = &a->base;
    return 0;
}
