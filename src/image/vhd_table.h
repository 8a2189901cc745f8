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

/*
 * Reads the table that h->header describes and fills nblocks, nused, bat,
 * order, ascending, bitmap_size and end of *h. Each entry is checked against
 * the footer at 0, header, table, every other entry and (on a seekable source)
 * the end of the file. Entries past the last block of the disk are passed over.
 */
int vhd_table_read(struct source *src, struct vhd_head *h, struct err *e);

#endif
