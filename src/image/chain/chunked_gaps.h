/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHUNKED_GAPS_H
#define VHDSTREAM_CHUNKED_GAPS_H

/* XAPI's chunked framing (encoder.h) of zeros for every sector that no member
 * of a chain has, in a disk of `size` bytes. */

#include "base/wait.h"
#include "image/chain/coverage.h"
#include "io/sink.h"

/* Bytes of it; 0: there are no such sectors, and nothing has to be sent. */
uint64_t chunked_gaps_size(const struct coverage *c, uint64_t size);

int chunked_gaps_write(struct sink *s, const struct coverage *c, uint64_t size,
                       const struct wait *wait, struct err *e);

#endif
