/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_ENDS_H
#define VHDSTREAM_VHD_ENDS_H

/*
 * The two footers of a VHD, and which of them counts.
 *
 * In a file it is the trailing one, when it is sound, else the one at 0 (a
 * fixed disk has none there). But a sound trailing footer with another uuid
 * than the one at 0, in bytes that belong to a block by the latter's own table,
 * is the guest's data. On a stream it is the one at 0; the trailing one must
 * follow and agree with it.
 */

#include "image/vhd/vhd_head.h"

/* A footer with cookie and checksum, and not disabled. */
bool vhd_end_is_sound(const struct vhd_end *end);

/* Looks for a trailing footer in the last bytes, `len` of them, of something
 * `size` bytes long; 511 bytes count where no whole one is there. */
void vhd_end_find_tail(struct vhd_end *tail, const uint8_t *last, size_t len,
                       uint64_t size);

/* The footers of a file. Fills copy, tail, footer, footer_at, footer_size and
 * limit; 1 to go on, 0 when there is none to go on with. */
int vhd_ends_judge(struct vhd_tape *t, struct vhd_judge *j, struct vhd_head *h,
                   struct err *e);

/* The footer at 0 of a stream: the same but for tail and limit. */
int vhd_ends_judge_first(struct vhd_tape *t, struct vhd_judge *j,
                         struct vhd_head *h, struct err *e);

/* The trailing footer of a stream whose end was reached. Fills tail,
 * footer_size and limit. */
int vhd_ends_judge_last(struct vhd_tape *t, struct vhd_judge *j,
                        struct vhd_head *h, struct err *e);

/* The footer that ended the data of a fixed disk, as it stands in h->tail: the
 * same and its fields. */
int vhd_ends_judge_fixed(struct vhd_judge *j, struct vhd_head *h,
                         struct err *e);

#endif
