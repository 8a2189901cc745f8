/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_PATCH_H
#define VHDSTREAM_VHD_PATCH_H

/*
 * Bytes that are to be written into a file, and the file as it would be then: a
 * repair is thought out on that, and nothing is written before all of it holds.
 */

#include "base/err.h"
#include "io/source.h"

#include <stdint.h>

enum {
    VHD_PATCHES = 8,
    VHD_PATCH_MAX = 2 * 1024 * 1024, /* bytes of one */
};

struct vhd_patch {
    uint64_t offset;
    uint32_t len;
    uint32_t old_len; /* of it, what the file has; the rest is past its end */
    uint8_t *fresh;   /* len bytes: what is to be there */
    uint8_t *old;     /* old_len bytes: what was there; NULL until asked for */
};

/* In the order in which they are to be written. A later one counts where two
 * have a byte in common. */
struct vhd_patches {
    struct vhd_patch list[VHD_PATCHES];
    int count;
    uint64_t size; /* of the file */
};

/* Adds a copy of data[0 .. len); one of the same place and length is replaced.
 */
int vhd_patches_put(struct vhd_patches *p, uint64_t offset, const uint8_t *data,
                    uint32_t len, struct err *e);

/* Takes back what was put last. */
void vhd_patches_drop_last(struct vhd_patches *p);

/* Bytes of the file after all of it. */
uint64_t vhd_patches_size(const struct vhd_patches *p);

/* Reads what was there from `src`, the file, and brings `fresh` of each to what
 * stands there in the end; drops what changes nothing. */
int vhd_patches_settle(struct vhd_patches *p, struct source *src,
                       struct err *e);

/* The file with the patches in it; both must outlive it, and are not owned. */
int vhd_patches_view(struct source **out, struct source *src,
                     const struct vhd_patches *p, struct err *e);

void vhd_patches_free(struct vhd_patches *p);
void vhd_patches_cleanup(struct vhd_patches *p);

#endif
