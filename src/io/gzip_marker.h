/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_GZIP_MARKER_H
#define VHDSTREAM_GZIP_MARKER_H

/*
 * What stands before each chunk of a gzip image of ours, and tells how long the
 * chunk is, so that a reader can find the next one without inflating: nine
 * stored blocks (RFC 1951, 3.2.4) of no bytes, which add nothing to the content
 * of whoever reads them.
 *
 *   byte 5i        three clear bits: not final, stored; above them five bits of
 *                  padding, which every reader ignores: bits 5i .. 5i + 4 of a
 *                  number of 45 bits
 *   bytes 5i + 1   00 00 ff ff: no bytes
 *
 * The number's lowest 13 bits are a magic, the other 32 the size in bytes of
 * the chunk's deflate data, which begins behind the marker.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GZIP_MARKER_SIZE = 45 };

void gzip_marker_encode(uint8_t raw[GZIP_MARKER_SIZE], uint32_t size);

/* Whether raw[0 .. len) (at most GZIP_MARKER_SIZE) is how a marker can begin.
 */
bool gzip_marker_begins(const uint8_t *raw, size_t len);

/* The size that a whole marker announces; false where there is none. Nobody
 * vouches for it. */
bool gzip_marker_decode(const uint8_t raw[GZIP_MARKER_SIZE], uint32_t *size);

#endif
