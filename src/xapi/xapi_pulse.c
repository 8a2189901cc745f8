/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_pulse.h"

#include "base/mem.h"
#include "base/thread.h"

#include <stdlib.h>

struct xapi_pulse {
    struct xapi *x;
    unsigned every_s;
    xapi_pulse_fn *beat;
    void *ctx;
    struct cancel *stop;
    struct wait wait; /* on stop: between two beats */
    pthread_t thread;
};

static void *beating(void *arg)
{
    struct xapi_pulse *p = arg;
    struct err e = {0};

    while (!wait_sleep(&p->wait, p->every_s * 1000, &e)) {
        (void)p->beat(p->x, p->ctx, &e);
        e = (struct err){0};
    }
    return NULL;
}

static void pulse_free(struct xapi_pulse *p)
{
    cancel_close(p->stop);
    free(p);
}

int xapi_pulse_start(struct xapi_pulse **out, struct xapi *x, unsigned every_s,
                     xapi_pulse_fn *beat, void *ctx, struct err *e)
{
    struct xapi_pulse *p = NULL;
    int code;

    TRY(mem_alloc(&p, sizeof(*p), "a pulse", e));
    p->x = x;
    p->every_s = every_s;
    p->beat = beat;
    p->ctx = ctx;
    code = cancel_open_child(&p->stop, xapi_wait(x, XAPI_PULSE)->cancel, e);
    p->wait.cancel = p->stop;
    if (!code)
        code = thread_start(&p->thread, beating, p, e);
    if (code < 0) {
        pulse_free(p);
        return code;
    }
    *out = p;
    return 0;
}

void xapi_pulse_stop(struct xapi_pulse *p)
{
    if (!p)
        return;
    cancel_request(p->stop);
    pthread_join(p->thread, NULL);
    pulse_free(p);
}
