/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_HEAD_H
#define VHDSTREAM_VHD_HEAD_H

/*
 * The head of a VHD: footer, dynamic header and block allocation table, read
 * from wherever they lie, checked against each other and against the size of
 * the file, before any block is read. Everything that can be known to be broken
 * without the blocks is refused here.
 *
 * Source: the Microsoft specification; VHD producers' deviations as in
 * docs/internals/vhd.md.
 */

#include "base/err.h"
#include "base/notice.h"
#include "image/vhd_layout.h"
#include "io/source.h"

#include <stdbool.h>
#include <stdint.h>

struct vhd_head {
    struct vhd_footer footer;
    struct vhd_header header; /* all zero for a fixed disk */
    uint32_t footer_size;     /* of the trailing one: 512, 511, 0: not there
                                 (or not seen yet, on a stream) */
    uint32_t nblocks;         /* of current_size; 0 for a fixed disk */
    uint32_t nused;           /* entries of bat that are used */
    uint32_t *bat;            /* nblocks entries, first sector of the bitmap */
    uint32_t *order;          /* the nused block numbers in file order */
    bool ascending;           /* order is 0 < 1 < 2 ... */
    uint32_t bitmap_size;     /* bytes before each block's data */
    uint64_t end;             /* of everything but the trailing footer; on a
                                 stream a lower bound of where that begins */
};

/* What is known of the bytes that the VHD is read from. */
struct vhd_origin {
    const struct notice *notice; /* for what is odd but harmless; or NULL */
    bool exact; /* a stream by XAPI: nothing between the last block and the
                   trailing footer, nothing after it */
};

/*
 * Reads the head. A seekable source is read in any order, the trailing footer
 * first, which counts; a stream from its first byte up to the end of the table.
 *
 * ERR_CORRUPT with field, value and byte where something is broken,
 * ERR_UNSUPPORTED for sound forms that are not taken (and, on a stream, for a
 * layout that one pass cannot follow).
 */
int vhd_head_read(struct source *src, const struct vhd_origin *origin,
                  struct vhd_head *out, struct err *e);

void vhd_head_free(struct vhd_head *h);

/* `len` bytes at `offset`: by pread where the source is seekable, else by
 * reading on to there; ERR_UNSUPPORTED when a stream has passed the place. */
int vhd_read_at(struct source *src, void *buf, size_t len, uint64_t offset,
                const char *what, struct err *e);

/* Whether a footer as it stands at the end of `raw` (a run of `len` bytes, the
 * last of a file) is intact; stores its length, 512 or 511. */
bool vhd_footer_at_end(const uint8_t *raw, size_t len, struct vhd_footer *f,
                       uint32_t *footer_size);

/* Refuses what no reader should take: type, version, size out of bounds. */
int vhd_footer_check(const struct vhd_footer *f, const char *name, uint64_t at,
                     struct err *e);

#endif
