/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_TABLE_H
#define VHDSTREAM_VHD_TABLE_H

/* The block allocation table (BAT) of a VHD: 32-bit sector numbers, unsigned,
 * of each block's bitmap; all ones where there is no block. */

#include "base/err.h"
#include "image/vhd/vhd_head.h"

#include <stdbool.h>
#include <stdint.h>

static inline bool vhd_entry_used(uint32_t entry)
{
    return entry != UINT32_MAX;
}

/* Byte of the file at which entry `index` stands. */
uint64_t vhd_entry_at(const struct vhd_head *h, uint32_t index);

/* Where the table ends that the header describes: at a whole sector. */
uint64_t vhd_table_end(const struct vhd_header *d);

/* Bytes of a block in the file: bitmap and data. */
uint64_t vhd_block_span(const struct vhd_head *h);

/* Whether there is a block `index`, perhaps past the disk's end. An entry of 0
 * past the disk's end is padding. */
bool vhd_table_has(const struct vhd_head *h, uint32_t index);

/* Whether a block owns byte `pos` of the file. */
bool vhd_table_covers(const struct vhd_head *h, uint64_t pos);

/* The same by the header and table that `f` leads to in a file, before anything
 * is known of them: 1, or 0, also where they are broken. */
int vhd_table_covers_by(struct vhd_tape *t, const struct vhd_footer *f,
                        uint64_t pos, struct err *e);

/*
 * Reads the table that h->header describes and fills nused, bat, order,
 * ascending and end of *h. Each entry, those past the last block of the disk
 * too (a shrunk disk has them), is judged against h->parts, h->limit and every
 * other entry, and on a stream against the order in which it comes. 1, or 0
 * where the table was cut off.
 */
int vhd_table_judge(struct vhd_tape *t, struct vhd_judge *j, struct vhd_head *h,
                    struct err *e);

/* On a stream whose end was reached: the entries against h->limit, where they
 * lie before `judged`, the one that they were judged against. */
int vhd_table_judge_end(struct vhd_judge *j, const struct vhd_head *h,
                        uint64_t judged, struct err *e);

#endif
