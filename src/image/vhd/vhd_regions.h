/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_REGIONS_H
#define VHDSTREAM_VHD_REGIONS_H

/* What lies where in the file of a VHD. */

#include "image/image.h"

enum region_kind {
    REGION_META,  /* footer, header, table, locator, batmap */
    REGION_BLOCK, /* bitmap and data */
    REGION_GAP,   /* nothing that is used; what a last block has past the
                     disk's end, too */
};
enum { REGION_KINDS = REGION_GAP + 1 };

struct vhd_region {
    enum region_kind kind;
    uint64_t start, end; /* bytes of the file */
    uint32_t index;      /* REGION_BLOCK: of which block */
};

/* Takes the next one. */
typedef int region_taker(void *ctx, const struct vhd_region *r, struct err *e);

/* Hands out all of the file of an image that has places (vhd_decode.h) and is
 * seekable, from its first byte to its last. Stores the size of the file. */
int vhd_regions(struct image *img, region_taker *take, void *ctx,
                uint64_t *size, struct err *e);

#endif
