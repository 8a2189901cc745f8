/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_RATE_H
#define VHDSTREAM_RATE_H

/* A limit on bytes a second: a bucket that everybody who moves bytes pays into,
 * from any thread. Who has moved too many sleeps, and can be stopped there. */

#include "base/stage.h"
#include "base/wait.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct rate {
    uint64_t per_s;
    size_t piece; /* bytes to move between two payments, so that they flow
                     evenly: an eighth of a second, 256 KiB at most */
    const struct wait *wait;
    double (*now)(void); /* wait_now and wait_sleep, but for tests */
    int (*sleep)(const struct wait *w, unsigned ms, struct err *e);
    struct stage *stage; /* charged with the time slept, or NULL */
    pthread_mutex_t lock;
    double free_at; /* when all that was paid for is through */
};

/* As curl's --limit-rate: digits, and a suffix that multiplies by 1024, once or
 * more: b, k, m, g, t or a capital. False: it is none, or 0, or too large. */
bool rate_parse(const char *text, uint64_t *per_s);

/* `per_s` > 0; `wait` (whose limit does not count here) must outlive it. */
void rate_init(struct rate *r, uint64_t per_s, const struct wait *wait);
void rate_end(struct rate *r);

/* Bytes to move at once, of `len`; r NULL: all. */
size_t rate_piece(const struct rate *r, size_t len);

/* Accounts for `len` bytes and sleeps until they fit: n bytes without a pause
 * take n / per_s seconds at least, and a pause lets at most a quarter of a
 * second's bytes through at once. r NULL: nothing. ERR_CANCELLED. */
int rate_pay(struct rate *r, size_t len, struct err *e);

#endif
