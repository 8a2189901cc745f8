/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_BATMAP_H
#define VHDSTREAM_VHD_BATMAP_H

/*
 * The batmap of blktap: a bit for each block of which every sector is present,
 * so that its bitmap need not be read. It is a hint, and nothing is ever read
 * by it here; but blktap believes it.
 *
 * Its header stands in the sector after the table:
 *
 *  offset size field      meaning
 *       0    8 cookie     "tdbatmap"
 *       8    8 offset     of the map
 *      16    4 sectors    of the map
 *      20    4 version    0x00010002
 *      24    4 checksum   of the map
 *      28    1 marker     free for use by the storage manager
 */

#include "image/vhd/vhd_head.h"
#include "image/vhd/vhd_survey.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    VHD_BATMAP_HEADER = 512,
    VHD_BATMAP_VERSION = 0x00010002,
    /* More than the table needs, and still taken. */
    VHD_BATMAP_SLACK = 1024 * 1024,
};

struct vhd_batmap {
    bool wanted;  /* by what the creator says of itself, there may be one */
    bool present; /* its cookie stands where it should */
    uint64_t at;  /* of the header */
    uint8_t raw[VHD_BATMAP_HEADER];
    uint64_t offset; /* of the map, bytes */
    uint32_t sectors, version, checksum;
    const struct vhd_keep *map; /* what could be read of it, or NULL */
};

/* Looks for it, after the head was judged and before any block is read. */
int vhd_batmap_read(struct vhd_tape *t, const struct vhd_head *h,
                    struct vhd_batmap *out, struct err *e);

/* Says what is wrong with it: one thing at most. *end grows to where it ends.
 */
int vhd_batmap_judge(struct vhd_judge *j, const struct vhd_head *h,
                     const struct vhd_survey *s, const struct vhd_batmap *b,
                     uint64_t *end, struct err *e);

/* Whether [start, end) is inside the data, and over no part and no block. */
bool vhd_head_is_free(const struct vhd_head *h, uint64_t start, uint64_t end);

/* Whether [start, start + len) is free for a batmap's map: and not over its
 * header either. */
bool vhd_batmap_fits(const struct vhd_head *h, const struct vhd_batmap *b,
                     uint64_t start, uint64_t len);

/* Sum of a map as blktap has it. */
uint32_t vhd_batmap_sum(const uint8_t *map, size_t len);

#endif
