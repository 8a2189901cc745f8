/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_TAPE_H
#define VHDSTREAM_VHD_TAPE_H

/*
 * The bytes of a VHD by position, whether they lie in a file or come as a
 * stream. On a stream a read goes forward to its place, never back; what must
 * be looked at but may be passed on the way is asked for beforehand (a keep);
 * and the last bytes passed are remembered, since they may be the trailing
 * footer.
 *
 * An end that comes too early is an answer here, not an error: it is up to the
 * judge what that means. Errors are those of the source.
 */

#include "base/err.h"
#include "image/vhd/vhd_layout.h"
#include "io/source.h"

#include <stdbool.h>
#include <stdint.h>

/* Not known yet: the size of a stream. */
#define VHD_SIZE_UNKNOWN UINT64_MAX

enum { VHD_KEEPS = 10 };

/* Bytes that were asked for ahead: buf[0 .. got) of `len` are there. */
struct vhd_keep {
    uint64_t offset;
    uint32_t len, got;
    uint8_t *buf;
};

struct vhd_tape {
    struct source *src; /* not owned */
    bool stream;
    uint64_t size;                 /* bytes in all */
    uint64_t pos;                  /* stream: bytes passed */
    uint8_t last[VHD_FOOTER_SIZE]; /* stream: the last of them */
    uint32_t last_len;
    struct vhd_keep keeps[VHD_KEEPS];
    int nkeeps;
    uint8_t *scratch; /* NULL until something is skipped */
    bool texts; /* the texts of parent locators are wanted: see vhd_head */
};

void vhd_tape_open(struct vhd_tape *t, struct source *src);
void vhd_tape_close(struct vhd_tape *t);
void vhd_tape_cleanup(struct vhd_tape *t);

/* Whether `offset` can still be read. */
bool vhd_tape_reaches(const struct vhd_tape *t, uint64_t offset);

/* Up to `len` bytes from `offset`, which vhd_tape_reaches: the count, fewer
 * than `len` only at the end, whose place t->size then tells; or an error. */
int64_t vhd_tape_read(struct vhd_tape *t, void *buf, size_t len,
                      uint64_t offset, struct err *e);

/* Passes what is before `offset`. */
int vhd_tape_pass(struct vhd_tape *t, uint64_t offset, struct err *e);

/* Stream: reads to the verified end, but not beyond byte `most`: 1, t->size is
 * known; 0 when it goes on there. */
int vhd_tape_finish(struct vhd_tape *t, uint64_t most, struct err *e);

/* Asks for `len` bytes at `offset`: from a file they are read now, from a
 * stream as it passes them. At most VHD_KEEPS times. The keep belongs to the
 * tape. */
int vhd_tape_keep(struct vhd_tape *t, uint64_t offset, uint32_t len,
                  const struct vhd_keep **out, struct err *e);

#endif
