/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_STATE_H
#define VHDSTREAM_POOL_STATE_H

/* The file of --state (copy/state.h) of a transfer into a pool. Without the
 * option all but the first two do nothing. */

#include "copy/pool/pool_output_inner.h"

/* Once disk or SR, and the base, are known: goes on with what the file tells,
 * waiting for its task to end; nothing where there is no such file. */
int pool_state_read(struct pool_output *pool, const struct place *p,
                    struct err *e);

/* Before the disk can be lost, and again once the sink is open, which gets
 * wrapped to write the file in passing. */
int pool_state_begin(struct output *out, struct err *e);

/* So much is sure. A file that cannot be written is told of, and no failure. */
void pool_state_note(const struct output *out, const struct encoder_rest *rest);

/* The transfer is complete. */
int pool_state_end(struct pool_output *pool, struct err *e);

/* At the end, after a failure (`why`, else NULL): another run may go on with
 * the disk, which is then kept, or the file goes. */
void pool_state_settle(struct pool_output *pool, struct err *why);

#endif
