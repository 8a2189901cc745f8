/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_ASYNC_H
#define VHDSTREAM_XAPI_ASYNC_H

/* Calls that may take long: made as "Async.METHOD", with a task to wait for. */

#include "xapi/xapi_session.h"

/*
 * Calls METHOD, whose result is a ref: 0 and *ref; 1 and *fault where the
 * server refused, at once or by the task; or an error. `args` as for xapi_ask.
 * A stop cancels the task, and waits for it all the same.
 *
 * After an error *ref is what was made nevertheless, which is the caller's to
 * remove, or "". *lost then says that there may be something that nobody knows
 * of.
 */
int xapi_async(struct xapi *x, const char *method, json_t *args,
               char ref[XAPI_OPAQUE_SIZE], bool *lost, struct xapi_fault *fault,
               struct err *e);

#endif
