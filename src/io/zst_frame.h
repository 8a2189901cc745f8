/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ZST_FRAME_H
#define VHDSTREAM_ZST_FRAME_H

/*
 * Frames of zstd (RFC 8878): what sink_zstd writes, and what its readers know
 * each other by.
 *
 * Our images are frames of one chunk each, with content size and checksum.
 * Before each but the first stands a marker, a skippable frame that tells its
 * size, as pzstd has it; so the next frame is found without decoding this one.
 * A marker of 0 ends the stream:
 *
 *     0  4  0x184D2A50, the magic of a skippable frame
 *     4  4  4, the size of what follows
 *     8  4  the size of the frame behind it; 0: there is none
 */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

enum {
    ZST_CHUNK_SIZE = 1024 * 1024,
    ZST_FRAME_ROOM = ZSTD_COMPRESSBOUND(ZST_CHUNK_SIZE),
    ZST_SKIP_HEAD = 8, /* magic and size of a skippable frame */
    ZST_MARKER_SIZE = ZST_SKIP_HEAD + 4,
    ZST_WINDOW_LOG_MAX = 27, /* 128 MiB, what zstd -d takes unasked */
};

void zst_marker_encode(uint8_t raw[ZST_MARKER_SIZE], uint32_t size);

/* False: it is none. */
bool zst_marker_decode(const uint8_t raw[ZST_MARKER_SIZE], uint32_t *size);

enum zst_kind { ZST_FOREIGN, ZST_UNDECIDED, ZST_DATA, ZST_SKIPPABLE };

/* What a frame that begins with these `len` bytes is; 4 decide it. */
enum zst_kind zst_kind_of(const uint8_t *bytes, size_t len);

/* The failure of a call of libzstd, `result`, on the frame at byte `at`. */
int zst_fail(const char *name, uint64_t at, size_t result, struct err *e);

#endif
