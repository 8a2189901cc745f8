/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DEFLATE_CHUNK_H
#define VHDSTREAM_DEFLATE_CHUNK_H

/*
 * Deflate (RFC 1951) by chunks: each is deflated alone, refers to nothing
 * before it, begins and ends on a byte boundary, and is never final. So the
 * deflated chunks of a stream, one after another and closed by DEFLATE_END, are
 * one deflate stream, whatever the level of each and whoever deflated it.
 */

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#ifndef DEFLATE_CHUNK_KIB /* another one: to measure what it does */
#define DEFLATE_CHUNK_KIB 512
#endif

enum {
    DEFLATE_CHUNK_SIZE = DEFLATE_CHUNK_KIB * 1024,
    /* What a chunk's deflated form may need: that of stored blocks, each of
     * which holds nearly 64 KiB, and what joining touches behind it. */
    DEFLATE_CHUNK_ROOM = DEFLATE_CHUNK_SIZE + DEFLATE_CHUNK_SIZE / 4096 + 128,
    DEFLATE_END_SIZE = 2,
    DEFLATER_LEVELS_MAX = 5,
};

/* An empty final block. */
extern const uint8_t deflate_end[DEFLATE_END_SIZE];

/* The memory of a compressor, for one chunk at a time. */
struct deflater;

/* `level` 1 to 9, as gzip users expect; 1 to 3 are several times as fast as the
 * others. */
int deflater_open(struct deflater **out, int level, struct err *e);

/* For those `levels`, DEFLATER_LEVELS_MAX at most, of which deflater_choose
 * then says one; the first until it does. */
int deflater_open_some(struct deflater **out, const int *levels, unsigned count,
                       struct err *e);
void deflater_choose(struct deflater *d, unsigned index);
void deflater_close(struct deflater *d);

/* Deflates in[0 .. len) (1 to DEFLATE_CHUNK_SIZE) into `out`, which has room
 * for DEFLATE_CHUNK_ROOM; returns the size. What does not get smaller is
 * stored. The result depends on level and input alone, not on earlier chunks.
 */
size_t deflate_chunk(struct deflater *d, const uint8_t *in, size_t len,
                     uint8_t *out);

#endif
