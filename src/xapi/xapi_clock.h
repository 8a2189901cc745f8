/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_CLOCK_H
#define VHDSTREAM_XAPI_CLOCK_H

/* The time in a pool: what one run writes there and another one compares must
 * not depend on the clocks of the machines they run on. */

#include "xapi/xapi_session.h"

#include <stdint.h>

/* The time of the pool's master, seconds since 1970. Where XAPI does not tell
 * it (MESSAGE_METHOD_UNKNOWN, no permission) it is this machine's, and *own,
 * which may be NULL, is true. */
int xapi_clock(struct xapi *x, enum xapi_mode mode, int64_t *out, bool *own,
               struct err *e);

/* "2026-08-21T02:00:23Z" into out. */
enum { XAPI_TIME_SIZE = 32 };
void xapi_time_format(int64_t time, char out[XAPI_TIME_SIZE]);

/* The same back; also as XAPI writes it, "20260821T02:00:23Z". False: that is
 * no time between 1970 and 9999. */
bool xapi_time_parse(const char *text, int64_t *out);

#endif
