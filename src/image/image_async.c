/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"
#include "image/image.h"

#include <stdlib.h>

enum { SLOTS = 4 };

/* The thread owns the inner image; the two sides swap whole buffers through the
 * ring, so no byte is copied. */
struct async_image {
    struct image base;
    struct image *inner;
    struct ring *ring;
    struct block slots[SLOTS];
    pthread_t thread;
    bool started;
};

static void *decode_ahead(void *arg)
{
    struct async_image *a = arg;
    struct err e = {0};
    unsigned slot;
    int more = 1;

    while (more > 0 && ring_slot(a->ring, &slot)) {
        more = image_next(a->inner, &a->slots[slot], &e);
        if (more > 0)
            ring_publish(a->ring);
    }
    ring_end(a->ring, more < 0 ? &e : NULL);
    return NULL;
}

static int async_next(struct image *img, struct block *b, struct err *e)
{
    struct async_image *a = (struct async_image *)img;
    struct block filled;
    unsigned slot;
    int more = ring_take(a->ring, &slot, e);

    if (more <= 0)
        return more;
    filled = a->slots[slot];
    a->slots[slot] = *b;
    *b = filled;
    ring_release(a->ring);
    return 1;
}

static void async_close(struct image *img)
{
    struct async_image *a = (struct async_image *)img;

    if (a->started) {
        ring_stop(a->ring, NULL);
        pthread_join(a->thread, NULL);
    }
    ring_close(a->ring);
    for (int i = 0; i < SLOTS; i++)
        block_close(&a->slots[i]);
    image_close(a->inner);
    free(a);
}

static const struct image_ops async_ops = {
    .next = async_next,
    .close = async_close,
};

static int start(struct async_image *a, struct err *e)
{
    TRY(ring_open(&a->ring, SLOTS, e));
    for (int i = 0; i < SLOTS; i++)
        TRY(block_open(&a->slots[i], e));
    TRY(thread_start(&a->thread, decode_ahead, a, e));
    a->started = true;
    return 0;
}

int image_async(struct image **img, unsigned threads, struct err *e)
{
    struct async_image *a = NULL;
    struct image *inner = *img;
    int result;

    if (!threads)
        return 0;
    TRY(mem_alloc(&a, sizeof(*a), "an image", e));
    a->base = *inner;
    a->base.ops = &async_ops;
    a->base.stage = NULL; /* its time is that of waiting */
    a->inner = inner;
    result = start(a, e);
    if (result < 0) {
        a->inner = NULL;
        async_close(&a->base);
        return result;
    }
    *img = &a->base;
    return 0;
}
