/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_TABLE_H
#define VHDSTREAM_VHD_TABLE_H

/* The block allocation table (BAT) of a VHD: 32-bit sector numbers, unsigned,
 * of each block's bitmap; all ones where there is no block. */

#include "base/err.h"
#include "image/vhd_head.h"

#include <stdbool.h>
#include <stdint.h>

/* No place in a file is beyond it: what 32 bits of sectors and a block reach,
 * and far below where 64-bit sums could wrap. */
#define VHD_OFFSET_MAX (UINT64_C(1) << 48)

static inline bool vhd_entry_used(uint32_t entry)
{
    return entry != UINT32_MAX;
}

/* Whether the place that h->header gives the table is one; adds it to the
 * parts. */
int vhd_table_place(const struct source *src, struct vhd_head *h,
                    struct err *e);

/*
 * Reads the table that h->header describes and fills nblocks, nused, bat,
 * order, ascending, bitmap_size and end of *h. Each entry, those past the last
 * block of the disk too (a shrunk disk has them), is checked against h->parts,
 * h->limit and every other entry, and on a stream against the order in which it
 * comes. An entry of 0 past the last block is padding.
 */
int vhd_table_read(struct source *src, struct vhd_head *h, struct err *e);

/* 1: byte `pos` of a seekable source lies in a block, by the header and table
 * that `f` leads to; 0: it does not, or these are broken. */
int vhd_table_covers(struct source *src, const struct vhd_footer *f,
                     uint64_t pos, struct err *e);

#endif
