/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_INFLATE_AHEAD_H
#define VHDSTREAM_INFLATE_AHEAD_H

/*
 * The chunks of a gzip image of ours, inflated by a pool of threads, several at
 * a time, and handed out in order. The markers (io/gzip_marker.h) are followed
 * from the member's start on, from chunk to chunk, never searched for.
 *
 * A marker is a hint by somebody unknown. A chunk counts when ISA-L, which
 * inflates the rest of the member, too, comes to the end of a block with the
 * last announced byte, and met no final block and no reference to bytes before
 * the chunk. Then it is what ISA-L would have made of it in the course of the
 * whole. The first one that does not count, or makes too little to be worth a
 * thread's while, ends this; it and all behind it are put back into the input,
 * markers included: behind a lie they can be anything.
 */

#include "base/pool.h"
#include "io/packed_input.h"

struct inflate_ahead;

/* What goes on from there must know. */
struct inflate_ahead_end {
    uint32_t crc; /* of all content that was handed out */
    uint64_t len; /* of that */
    bool as_announced;
    uint8_t *history; /* the last of it, what deflate can refer to; lives as
                         long as the inflate_ahead */
    uint32_t history_len;
};

/* Whether the input begins with a marker. */
bool inflate_ahead_begins(struct packed_input *in);

/* For an input that does. Of the pool it needs about 1.3 MiB for each thread
 * and two more; both must outlive it. */
int inflate_ahead_open(struct inflate_ahead **out, struct packed_input *in,
                       struct pool *pool, struct err *e);

/* Up to `len` bytes: the count; 0: the member goes on with what is next in the
 * input, byte-aligned, at the beginning of a block. What is ready is handed out
 * before more input is asked for. */
int64_t inflate_ahead_read(struct inflate_ahead *a, void *buf, size_t len,
                           struct err *e);

/* After inflate_ahead_read gave 0. */
void inflate_ahead_end(struct inflate_ahead *a, struct inflate_ahead_end *end);

void inflate_ahead_close(struct inflate_ahead *a);

#endif
