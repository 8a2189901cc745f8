/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_WAIT_H
#define VHDSTREAM_WAIT_H

/* Waiting: nothing waits for ever, and everything that waits can be told to
 * stop. Whoever may block on the outside world takes a `const struct wait *`,
 * which must outlive it. */

#include "base/err.h"

#include <stdbool.h>

/* A request to stop, seen by every thread that waits. */
struct cancel;

int cancel_open(struct cancel **out, struct err *e);

/* One for a part of the work: it counts as requested also when `parent` (which
 * may be NULL, and must outlive it) is. So a side of a transfer can be told to
 * stop without the rest. */
int cancel_open_child(struct cancel **out, const struct cancel *parent,
                      struct err *e);

/* Asks for the stop. From any thread, and from a signal handler. */
void cancel_request(struct cancel *c);

/* Whether it was asked for. NULL: never. */
bool cancel_requested(const struct cancel *c);

/* Takes the request back, its own and not a parent's, for the next try of the
 * same work. No other thread may be using it. */
void cancel_withdraw(struct cancel *c);

/* A descriptor that becomes readable at the request (for poll); -1 for NULL. */
int cancel_fd(const struct cancel *c);

void cancel_close(struct cancel *c);

struct wait {
    const struct cancel *cancel; /* NULL: cannot be stopped */
    unsigned timeout_s;          /* longest time without a byte; 0: none */
};

/* Waits until `fd` is ready for `events` (poll's). ERR_CANCELLED, or
 * ERR_TEMPORARY when timeout_s passed; `name` is the place in the message. */
int wait_fd(const struct wait *w, int fd, short events, const char *name,
            struct err *e);

/* Sleeps for `ms` milliseconds; ERR_CANCELLED ends it early. */
int wait_sleep(const struct wait *w, unsigned ms, struct err *e);

/* ERR_CANCELLED with its message, when the stop was asked for; else 0. */
int wait_check(const struct wait *w, struct err *e);

/* Seconds on a clock that never goes back. */
double wait_now(void);

#endif
