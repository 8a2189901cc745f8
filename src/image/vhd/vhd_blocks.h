/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_BLOCKS_H
#define VHDSTREAM_VHD_BLOCKS_H

/*
 * Where each block of a VHD stands, in four bytes a block that is there: what
 * is kept of the table while the disk is open. A chain has many disks open, and
 * their tables are mostly empty.
 */

#include "base/err.h"

#include <stdint.h>

struct vhd_blocks {
    const uint8_t *map; /* bit i: block i is there; not owned */
    uint32_t *places;   /* of the blocks that are there, sectors */
    uint32_t *ranks;    /* blocks that are there before each 512th one */
};

/* From a table of `count` entries and the map that was made of it, which must
 * outlive *out. */
int vhd_blocks_init(struct vhd_blocks *out, const uint32_t *bat, uint32_t count,
                    const uint8_t *map, struct err *e);

/* First byte of block `index`, which is there: that of its bitmap. */
uint64_t vhd_blocks_place(const struct vhd_blocks *b, uint32_t index);

void vhd_blocks_free(struct vhd_blocks *b);

#endif
