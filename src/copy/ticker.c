/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/ticker.h"

#include "base/mem.h"
#include "base/thread.h"
#include "base/wait.h"

#include <stdlib.h>

enum { TICK_MS = 250 };

struct ticker {
    struct vhdstream *v;
    vhdstream_progress_fn *tell;
    void *ctx;
    struct cancel *stop;
    pthread_t thread;
};

static void tick(const struct ticker *t)
{
    struct vhdstream_progress p;

    vhdstream_get_progress(t->v, &p);
    if (t->tell(t->ctx, &p))
        vhdstream_cancel(t->v);
}

static void *ticking(void *arg)
{
    const struct ticker *t = arg;
    const struct wait wait = {.cancel = t->stop};
    struct err e = {0};

    while (!wait_sleep(&wait, TICK_MS, &e))
        tick(t);
    return NULL;
}

static void ticker_free(struct ticker *t)
{
    cancel_close(t->stop);
    free(t);
}

int ticker_start(struct ticker **out, struct vhdstream *v,
                 vhdstream_progress_fn *tell, void *ctx, struct err *e)
{
    struct ticker *t = NULL;
    int code;

    TRY(mem_alloc(&t, sizeof(*t), "a ticker", e));
    t->v = v;
    t->tell = tell;
    t->ctx = ctx;
    code = cancel_open(&t->stop, e);
    if (!code)
        code = thread_start(&t->thread, ticking, t, e);
    if (code < 0) {
        ticker_free(t);
        return code;
    }
    *out = t;
    return 0;
}

void ticker_stop(struct ticker *t)
{
    if (!t)
        return;
    cancel_request(t->stop);
    pthread_join(t->thread, NULL);
    tick(t);
    ticker_free(t);
}
