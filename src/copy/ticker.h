/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TICKER_H
#define VHDSTREAM_TICKER_H

#include "base/err.h"
#include "vhdstream.h"

/* Tells the library's user how far an operation is, four times a second, from a
 * thread of its own. */
struct ticker;

/* `v` must outlive it. */
int ticker_start(struct ticker **out, struct vhdstream *v,
                 vhdstream_progress_fn *tell, void *ctx, struct err *e);

/* Tells once more, from this thread. NULL is fine. */
void ticker_stop(struct ticker *t);

#endif
