/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DEFLATE_JOIN_H
#define VHDSTREAM_DEFLATE_JOIN_H

#include <stddef.h>
#include <stdint.h>

enum {
    DEFLATE_JOIN_ROOM = 5,     /* bytes that joining may add */
    DEFLATE_JOIN_PADDING = 32, /* bytes behind them that are read, not used */
};

/*
 * Makes a whole deflate stream (RFC 1951) one that others can follow: clears
 * the final bit of its last block and appends an empty stored block, which ends
 * on a byte boundary. To find that bit and the last block's end the codes are
 * walked, without inflating.
 *
 * raw[0 .. len) holds the stream, and nothing after it; the array has
 * DEFLATE_JOIN_ROOM + DEFLATE_JOIN_PADDING bytes more. Returns the new length,
 * or 0 where the walk failed (raw is then unchanged in [0, len)). It is meant
 * for the output of a compressor just run, and trusts its back references.
 */
size_t deflate_join(uint8_t *raw, size_t len);

#endif
