/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_INNER_H
#define VHDSTREAM_XAPI_INNER_H

/* What xapi_session.c (a session's life) and xapi_call.c (its calls) share; for
 * no one else. */

#include "xapi/xapi_heart.h"
#include "xapi/xapi_pulse.h"
#include "xapi/xapi_session.h"

#include <pthread.h>

enum { XAPI_VOUCHED_MAX = 128 }; /* a pool has 64 hosts at most */

struct heart {
    unsigned every_s;
    pthread_mutex_t lock;    /* over all that follows; taken before x->lock */
    struct xapi_beat *beats; /* whose turn it is at the next beat */
    struct xapi_pulse *pulse;
};

struct xapi {
    /* Set at the start. */
    char name[NAME_SIZE];
    char run[UUID_TEXT_SIZE];
    bool tls;
    bool borrowed; /* the session is the caller's */
    unsigned port; /* the place's, 0: none was given */
    struct xapi_times times;
    const struct notice *notice;
    struct http_trust trust;           /* the caller's, and `vouched` */
    struct wait waits[XAPI_PULSE + 1]; /* by enum xapi_mode */
    char *user;
    char *password;
    struct heart heart;

    pthread_mutex_t lock;                      /* over all that follows */
    struct http_pin vouched[XAPI_VOUCHED_MAX]; /* of trust.nvouched */
    char session[XAPI_OPAQUE_SIZE];
    struct host_port host;
    struct http_client *client; /* NULL: no connection yet */
    struct http_config http;
    struct wait call_wait; /* of the call under way */
    unsigned misses;       /* calls in a row that got no connection ... */
    double missed_since;   /* ... and wait_now() of the first */
};

/* Opens a session with user and password, replacing x->session. Under the lock,
 * x->call_wait being set. */
int xapi_log_in(struct xapi *x, struct err *e);

/* Around the session's life (xapi_heart.c); closing ends the pulse. */
void xapi_heart_open(struct heart *h, unsigned every_s);
void xapi_heart_close(struct heart *h);

#endif
