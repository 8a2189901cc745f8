/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ZST_AHEAD_H
#define VHDSTREAM_ZST_AHEAD_H

/*
 * The frames of a zstd image of ours, decompressed by a pool of threads,
 * several at a time, and handed out in order. The markers (io/zst_frame.h) are
 * followed from the stream's start on, never searched for.
 *
 * A marker is a hint by somebody unknown. A frame is taken when libzstd, which
 * walks the headers of its blocks, says that it ends with the last announced
 * byte, and its content is said to fit into a chunk. The first one that is
 * otherwise ends this for good: it is put back into the input, behind its
 * marker.
 */

#include "base/pool.h"
#include "io/packed_input.h"

struct zst_ahead;

/* Of the pool it needs about 2.2 MiB for each thread and two more; both must
 * outlive it. */
int zst_ahead_open(struct zst_ahead **out, struct packed_input *in,
                   struct pool *pool, struct err *e);

/* Whether the input goes on with a marker that shall be followed. A stream is
 * waited for only while it may be one. */
bool zst_ahead_begins(const struct zst_ahead *a, struct packed_input *in);

/* Up to `len` bytes: the count; 0: what is next in the input is a frame's
 * beginning, or its end. What is ready is handed out before more input is asked
 * for. */
int64_t zst_ahead_read(struct zst_ahead *a, void *buf, size_t len,
                       struct err *e);

void zst_ahead_close(struct zst_ahead *a);

#endif
