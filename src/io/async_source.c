/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4, SLOT_SIZE = 1024 * 1024 };

struct slot {
    uint8_t *data;
    size_t len;
};

/* The thread has the inner source from its start to its end. */
struct async_source {
    struct source base;
    struct source *inner;
    struct cancel *stop; /* or NULL */
    struct ring *ring;
    struct slot slots[SLOTS];
    pthread_t thread;
    /* The reader's own: */
    const struct slot *taken; /* the slot it reads from, or NULL */
    size_t used;              /* bytes of it */
    bool over;                /* the thread's end was seen */
};

/* Fills a slot, but does not keep a reader waiting that has nothing else. 0 at
 * the end of the source, where the slot may hold some bytes all the same. */
static int64_t fill(struct async_source *a, struct slot *slot, struct err *e)
{
    slot->len = 0;
    while (slot->len < SLOT_SIZE) {
        int64_t got = source_read(a->inner, slot->data + slot->len,
                                  SLOT_SIZE - slot->len, e);

        if (got <= 0)
            return got;
        slot->len += (size_t)got;
        if (ring_is_idle(a->ring))
            break;
    }
    return 1;
}

static void *read_ahead(void *arg)
{
    struct async_source *a = arg;
    struct err e = {0};
    int64_t more = 1;
    unsigned i;

    while (more > 0 && ring_slot(a->ring, &i)) {
        more = fill(a, &a->slots[i], &e);
        if (a->slots[i].len)
            ring_publish(a->ring);
    }
    ring_end(a->ring, more < 0 ? &e : NULL);
    return NULL;
}

/* Goes on to the next slot: 1, 0 at the end. */
static int next_slot(struct async_source *a, struct err *e)
{
    unsigned i;
    int more;

    if (a->taken)
        ring_release(a->ring);
    a->taken = NULL;
    a->used = 0;
    more = ring_take(a->ring, &i, e);
    if (more > 0)
        a->taken = &a->slots[i];
    else
        a->over = true;
    return more;
}

static int64_t async_read(struct source *s, void *buf, size_t len,
                          struct err *e)
{
    struct async_source *a = (struct async_source *)s;

    if (!a->taken || a->used == a->taken->len) {
        int more = next_slot(a, e);

        if (more <= 0)
            return more;
    }
    len = (size_t)min_u64(len, a->taken->len - a->used);
    memcpy(buf, a->taken->data + a->used, len);
    a->used += len;
    return (int64_t)len;
}

/* Frees all but the inner source. */
static void free_own(struct async_source *a)
{
    ring_close(a->ring);
    for (int i = 0; i < SLOTS; i++)
        free(a->slots[i].data);
    free(a);
}

static void async_close(struct source *s)
{
    struct async_source *a = (struct async_source *)s;
    struct source *inner = a->inner;

    ring_stop(a->ring, NULL);
    if (!a->over && a->stop)
        cancel_request(a->stop);
    pthread_join(a->thread, NULL);
    free_own(a);
    source_close(inner);
}

static const struct source_ops async_ops = {
    .read = async_read,
    .close = async_close,
};

static int start(struct async_source *a, struct err *e)
{
    TRY(ring_open(&a->ring, SLOTS, e));
    for (int i = 0; i < SLOTS; i++)
        TRY(mem_alloc_buffer(&a->slots[i].data, SLOT_SIZE, e));
    return thread_start(&a->thread, read_ahead, a, e);
}

int source_async(struct source **s, unsigned threads, struct cancel *stop,
                 struct err *e)
{
    struct async_source *a = NULL;
    int code;

    if (!threads)
        return 0;
    TRY(mem_alloc(&a, sizeof(*a), "a source", e));
    source_init(&a->base, &async_ops, (*s)->name, (*s)->size);
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
