/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_ENDS_H
#define VHDSTREAM_VHD_ENDS_H

/*
 * The two footers of a VHD, and which of them counts: the trailing one where it
 * is intact, else the copy at byte 0. Two exceptions. A fixed disk has no copy:
 * whatever lies at byte 0 is the guest's. And a trailing footer of another uuid
 * that lies in a block (by the table that the copy leads to) is the guest's,
 * too: the real one is missing, as in a file that is in use.
 */

#include "base/err.h"
#include "image/vhd_head.h"
#include "image/vhd_layout.h"
#include "io/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the two ends of a file hold. Only where a state is not VHD_ALIEN has the
 * footer beside it been filled in. */
struct vhd_ends {
    enum vhd_state copy_state, tail_state;
    struct vhd_footer copy, tail;
    uint64_t tail_at;
    uint32_t tail_size; /* 512, or 511: before Virtual PC 2004 the last, always
                           zero, byte was not written */
    uint8_t copy_raw[VHD_FOOTER_SIZE], tail_raw[VHD_FOOTER_SIZE];
};

/* Looks at both ends of a seekable source. ERR_CORRUPT where it is shorter than
 * a footer. */
int vhd_ends_read(struct source *src, struct vhd_ends *out, struct err *e);

/* Finds the footer in force: of a seekable source, or at the present place, the
 * first, of a stream. Sets footer, footer_at, footer_size and limit of *h. */
int vhd_footer_find(struct source *src, const struct vhd_origin *origin,
                    struct vhd_head *h, struct err *e);

/* Whether a footer stands at the end of `raw`, the last `len` bytes of a VHD of
 * `total`, and in what state; stores it and its length, 512 or 511. */
enum vhd_state vhd_footer_at_end(const uint8_t *raw, size_t len, uint64_t total,
                                 struct vhd_footer *f, uint32_t *footer_size);

/* Refuses what no reader should take: type, version, size out of bounds. `at`
 * is the footer's first byte. */
int vhd_footer_check(const struct vhd_footer *f, const char *name, uint64_t at,
                     struct err *e);

/* ERR_CORRUPT: the footer at byte `at` does not fit its checksum. */
int vhd_footer_bad_sum(const uint8_t raw[VHD_FOOTER_SIZE], const char *name,
                       uint64_t at, struct err *e);

#endif
