/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_heart.h"

#include "base/mem.h"
#include "xapi/xapi_inner.h"
#include "xapi/xapi_marks.h"

#include <stdio.h>
#include <string.h>

/* --- one beat, under the heart's lock --------------------------------------*/

static int change(struct xapi *x, const struct xapi_beat *b, const char *verb,
                  json_t *args, struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    char method[64];

    (void)snprintf(method, sizeof(method), "%s.%s_other_config", b->class,
                   verb);
    return xapi_ask(x, XAPI_PULSE, method, args, &result, &fault, e);
}

/* The younger mark stays while the older one is replaced. */
static int renew(struct xapi *x, struct xapi_beat *b, const char *now,
                 struct err *e)
{
    const char *key = b->second ? XAPI_MARK_HEARTBEAT : XAPI_MARK_HEARTBEAT2;
    int code;

    TRY(change(x, b, "remove_from", json_pack("[ss]", b->ref, key), e));
    code = change(x, b, "add_to", json_pack("[sss]", b->ref, key, now), e);
    if (!code)
        b->second = !b->second;
    return code;
}

static int beat_all(struct xapi *x, struct err *e)
{
    char text[XAPI_TIME_SIZE];
    int64_t now;

    if (!x->heart.beats)
        return 0;
    TRY(xapi_clock(x, XAPI_PULSE, &now, NULL, e));
    xapi_time_format(now, text);
    for (struct xapi_beat *b = x->heart.beats; b; b = b->next)
        TRY(renew(x, b, text, e));
    return 0;
}

/* --- what is kept alive ----------------------------------------------------*/

/* The pulse's. */
static int beat(struct xapi *x, void *ctx, struct err *e)
{
    struct heart *h = ctx;
    int code;

    pthread_mutex_lock(&h->lock);
    code = beat_all(x, e);
    pthread_mutex_unlock(&h->lock);
    return code;
}

/* It has ended by itself where the try before was stopped. */
static void stop_old(struct heart *h)
{
    struct xapi_pulse *old;

    pthread_mutex_lock(&h->lock);
    old = h->pulse;
    h->pulse = NULL;
    pthread_mutex_unlock(&h->lock);
    xapi_pulse_stop(old);
}

void xapi_beat_resume(struct xapi *x)
{
    struct err ignored;

    if (!x)
        return;
    stop_old(&x->heart);
    pthread_mutex_lock(&x->heart.lock);
    if (x->heart.beats && !x->heart.pulse)
        (void)xapi_pulse_start(&x->heart.pulse, x, x->heart.every_s, beat,
                               &x->heart, &ignored);
    pthread_mutex_unlock(&x->heart.lock);
}

int xapi_beat_start(struct xapi *x, struct xapi_beat *b, const char *class,
                    const char *ref, struct err *e)
{
    struct heart *h = &x->heart;
    int code = 0;

    stop_old(h);
    pthread_mutex_lock(&h->lock);
    if (!h->pulse)
        code = xapi_pulse_start(&h->pulse, x, h->every_s, beat, h, e);
    if (!code) {
        b->class = class;
        (void)snprintf(b->ref, sizeof(b->ref), "%s", ref);
        b->next = h->beats;
        h->beats = b;
    }
    pthread_mutex_unlock(&h->lock);
    return code;
}

void xapi_beat_stop(struct xapi *x, struct xapi_beat *b)
{
    struct heart *h = &x->heart;

    if (!b->class)
        return;
    pthread_mutex_lock(&h->lock);
    for (struct xapi_beat **at = &h->beats; *at; at = &(*at)->next) {
        if (*at == b) {
            *at = b->next;
            break;
        }
    }
    pthread_mutex_unlock(&h->lock);
    b->class = NULL;
}

void xapi_heart_open(struct heart *h, unsigned every_s)
{
    pthread_mutex_init(&h->lock, NULL);
    h->every_s = every_s ? every_s : XAPI_BEAT_S;
}

void xapi_heart_close(struct heart *h)
{
    xapi_pulse_stop(h->pulse);
    pthread_mutex_destroy(&h->lock);
}
