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

/* Bytes of the file that no block may touch. */
struct vhd_part {
    uint64_t start, end;
    const char *what; /* "the dynamic header" */
};

enum { VHD_PARTS_MAX = 3 + VHD_LOCATORS };

struct vhd_head {
    struct vhd_footer footer; /* the one that counts */
    uint64_t footer_at;       /* its first byte */
    uint32_t footer_size;     /* of the trailing one: 512, 511, 0: not there
                                 (or not seen yet, on a stream) */
    uint64_t limit; /* all parts end here at the latest: where the trailing
                       footer is, or the end of the file; on a stream of unknown
                       length VHD_OFFSET_MAX */
    uint64_t size;  /* virtual, bytes: current_size, unless --size-from chs */
    struct vhd_header
        header; /* all zero for a fixed disk, as is what follows */
    struct vhd_part parts[VHD_PARTS_MAX];
    unsigned nparts;
    uint32_t nblocks;     /* of the virtual size */
    uint32_t nused;       /* entries of bat that are used */
    uint32_t *bat;        /* nblocks entries, first sector of the bitmap */
    uint32_t *order;      /* the nused block numbers in file order */
    bool ascending;       /* order is 0 < 1 < 2 ... */
    uint32_t bitmap_size; /* bytes before each block's data */
    uint64_t end;         /* of everything but the trailing footer; on a
                             stream a lower bound of where that begins */
};

/* What is known of the bytes that the VHD is read from. */
struct vhd_origin {
    const struct notice *notice; /* for what is odd but harmless; or NULL */
    bool exact; /* a stream by XAPI: nothing between the last block and the
                   trailing footer, nothing after it */
    bool size_from_chs; /* the virtual size is the geometry's product */
    uint64_t len; /* bytes of a stream that does not know it; 0: unknown */
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

/* Adds a part that blocks must keep away from. */
void vhd_head_add_part(struct vhd_head *h, uint64_t start, uint64_t end,
                       const char *what);

#endif
