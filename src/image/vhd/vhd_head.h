/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_HEAD_H
#define VHDSTREAM_VHD_HEAD_H

/*
 * The head of a VHD: footers, dynamic header and block allocation table, read
 * from wherever they lie and judged against each other and against the size of
 * the file, before any block is read. Whatever can be known to be broken
 * without the blocks is found here.
 *
 * Source: the Microsoft specification; VHD producers' deviations as in
 * docs/internals/vhd.md.
 */

#include "base/err.h"
#include "base/notice.h"
#include "image/vhd/vhd_finding.h"
#include "image/vhd/vhd_layout.h"
#include "image/vhd/vhd_tape.h"
#include "io/source.h"

#include <stdbool.h>
#include <stdint.h>

/* A footer as it was found at one end of the file. */
struct vhd_end {
    uint8_t raw[VHD_FOOTER_SIZE]; /* one of 511 bytes with a zero added */
    struct vhd_footer f;          /* what it says, where state allows */
    enum vhd_state state;
    uint64_t at;   /* byte of the file */
    uint32_t size; /* 512; 511 before Virtual PC 2004; 0: nothing to look at */
};

enum vhd_part_kind {
    VHD_PART_COPY,
    VHD_PART_HEADER,
    VHD_PART_TABLE,
    VHD_PART_LOCATOR
};

/* Bytes of the file that no block may touch. */
struct vhd_part {
    enum vhd_part_kind kind;
    int locator; /* VHD_PART_LOCATOR: which of them */
    uint64_t start, end;
};

enum { VHD_PARTS = 3 + VHD_LOCATORS };

struct vhd_head {
    struct vhd_end copy, tail; /* footer at 0, and trailing (on a stream: once
                                  its end is known) */
    bool has_footer;           /* else the judgement ended before the next */
    struct vhd_footer footer;  /* the one that counts */
    uint64_t footer_at;        /* where that one stands */
    uint32_t footer_size;      /* of the trailing one, where it is sound: 512 or
                                  511; else 0 */
    uint64_t limit;  /* where all data must end: the trailing footer or the end
                        of the file; on a stream of unknown length at first
                        VHD_SIZE_UNKNOWN */
    uint64_t size;   /* virtual, bytes: current_size, unless --size-from chs */
    bool has_header; /* else the next is all zero: a fixed disk, or
                        the judgement ended before */
    struct vhd_header header;
    struct vhd_part parts[VHD_PARTS];
    int nparts;
    /* Where the tape's user wants them: the texts of locators that can be
     * followed, as far as they have been read; owned by the tape. */
    const struct vhd_keep *texts[VHD_LOCATORS];
    uint32_t nentries;    /* of the table */
    uint32_t nblocks;     /* of the virtual size; 0 for a fixed disk */
    uint32_t nused;       /* of these, how many are in the file */
    uint32_t *bat;        /* nentries entries, first sector of the bitmap */
    uint32_t *order;      /* the nused block numbers in file order */
    bool ascending;       /* order is 0 < 1 < 2 ... */
    uint32_t bitmap_size; /* bytes before each block's data */
    uint64_t blocks_end;  /* of the last block, those past the disk's end too */
    uint64_t end;         /* of everything but the trailing footer; on a stream
                             a lower bound of where that begins */
    bool end_judged;      /* stream: vhd_head_judge_end has run */
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
 * Reads and judges the head: 1 when all of it is known, 0 when the judgement
 * ended before that (and said why), or an error of the source or of j->take.
 * *h is for vhd_head_free in every case.
 *
 * A file is read in any order, the trailing footer first, which counts; a
 * stream from its first byte up to the end of the table, where it stands then.
 */
int vhd_head_judge(struct vhd_tape *t, struct vhd_judge *j,
                   const struct vhd_origin *origin, struct vhd_head *h,
                   struct err *e);

/* A stream whose end was reached: judges the trailing footer, and where that
 * leaves the parts that the head tells of. */
int vhd_head_judge_end(struct vhd_tape *t, struct vhd_judge *j,
                       struct vhd_head *h, struct err *e);

/* For whoever opens a disk: a judge that fails at the first error (ERR_CORRUPT,
 * or ERR_UNSUPPORTED for sound forms that are not taken) and hands warnings to
 * the notice. */
struct vhd_refusal {
    struct vhd_judge judge;
    char name[NAME_SIZE];
    const struct notice *notice;
};
void vhd_refusal_init(struct vhd_refusal *r, const struct source *src,
                      const struct notice *notice);

/* Reads the head and refuses what is broken or not taken. */
int vhd_head_read(struct source *src, const struct vhd_origin *origin,
                  struct vhd_head *out, struct err *e);

void vhd_head_free(struct vhd_head *h);

/* `len` bytes at `offset`: by pread where the source is seekable, else by
 * reading on to there; ERR_UNSUPPORTED when a stream has passed the place. */
int vhd_read_at(struct source *src, void *buf, size_t len, uint64_t offset,
                const char *what, struct err *e);

#endif
