/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_JUDGE_H
#define VHDSTREAM_VHD_JUDGE_H

/* The parts of vhd_head_judge: what is said of each field. */

#include "image/vhd/vhd_head.h"

/* The fields of the footer that counts, and of a fixed disk its length: 1, or 0
 * when the type is none, or the length not to be known. */
int vhd_judge_footer(struct vhd_judge *j, const struct vhd_head *h,
                     struct err *e);

/* The trailing footer of a stream that was read by the one at 0, `first`: what
 * a file, where the trailing one counts, is refused for all the same. */
int vhd_judge_last_footer(struct vhd_judge *j, const struct vhd_end *first,
                          const struct vhd_end *last, struct err *e);

/* Finds, reads and judges the dynamic header, and the place of the table. Fills
 * header, nentries, nblocks, bitmap_size and parts. 1 to go on, 0 when the
 * table cannot be read. */
int vhd_judge_header(struct vhd_tape *t, struct vhd_judge *j,
                     struct vhd_head *h, struct err *e);

/* Where the header and the table lie, against h->limit: 1, or 0 when a part of
 * them is not there. */
int vhd_judge_header_place(struct vhd_judge *j, const struct vhd_head *h,
                           struct err *e);
int vhd_judge_table_place(struct vhd_judge *j, const struct vhd_head *h,
                          struct err *e);

/* The room of a differencing disk's parent locators, which joins the parts. */
int vhd_judge_locators(struct vhd_judge *j, struct vhd_head *h, struct err *e);

/* These against h->limit, on a stream whose end was reached; `judged` is the
 * limit that they were judged against. */
int vhd_judge_locators_end(struct vhd_judge *j, const struct vhd_head *h,
                           uint64_t judged, struct err *e);

/* The texts of the locators (h->texts), and the parent's name. */
int vhd_judge_texts(struct vhd_judge *j, const struct vhd_head *h,
                    struct err *e);

/* Whether locator `i` has a text that can be followed: a known code, a length
 * within its room and VHD_LOCATOR_MAX, a place in the file. */
bool vhd_locator_is_usable(const struct vhd_head *h, int i);

/* Byte of entry `i` of the locators. */
uint64_t vhd_locator_at(const struct vhd_head *h, int i);

/* Whether [a, a_end) and [b, b_end) share a byte. */
static inline bool vhd_overlap(uint64_t a, uint64_t a_end, uint64_t b,
                               uint64_t b_end)
{
    return a < b_end && b < a_end;
}

#endif
