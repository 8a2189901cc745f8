/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_PULSE_H
#define VHDSTREAM_XAPI_PULSE_H

/*
 * Something small that is done again and again while something else takes long:
 * a call that keeps a session alive, a mark that says that the run lives. It
 * has a thread of its own, because a transfer may be held up anywhere.
 */

#include "xapi/xapi_session.h"

struct xapi_pulse;

/* One beat, in the pulse's thread. Its calls are XAPI_PULSE ones. A failure is
 * nobody's concern: the next beat comes all the same. */
typedef int xapi_pulse_fn(struct xapi *x, void *ctx, struct err *e);

/* Has beat(x, ctx) called every `every_s` seconds, for the first time after
 * that long. Both must outlive the pulse. */
int xapi_pulse_start(struct xapi_pulse **out, struct xapi *x, unsigned every_s,
                     xapi_pulse_fn *beat, void *ctx, struct err *e);

/* Ends it: no beat is under way any more when this returns. One that is waiting
 * for an answer is waited for, at most as long as XAPI_PULSE lets it, and not
 * at all once the user's stop was requested. NULL is fine. */
void xapi_pulse_stop(struct xapi_pulse *p);

#endif
