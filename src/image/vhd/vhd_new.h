/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_NEW_H
#define VHDSTREAM_VHD_NEW_H

/* What the VHDs that are written here have in common. */

#include "base/err.h"
#include "base/uuid.h"
#include "image/image.h"
#include "image/vhd/vhd_layout.h"

/*
 * The footer of a new VHD of `type` and `size` bytes, with the content of img.
 * A disk that was a VHD keeps its uuid and its time, since a child finds its
 * parent by them and the content is the same; `uuid`, when it is not NULL, goes
 * before. The creator is one that qemu reads by current_size, the geometry the
 * specification's. ERR_NO_SPACE beyond 2040 GiB.
 */
int vhd_new_footer(struct vhd_footer *out, const struct image *img,
                   enum vhd_type type, uint64_t size, const struct uuid *uuid,
                   struct err *e);

/* How a differencing VHD names its parent. */
struct vhd_naming {
    uint8_t *raw; /* texts of the locators, each in whole sectors */
    uint32_t len; /* bytes of all of them; 0: no locators */
};

/*
 * Names the parent of the image whose head is `from` in the header *h: uuid and
 * time as they were (`from` NULL: neither), and `path`, from the child's folder
 * on, as its name and as three locators whose texts will stand from byte `at`.
 * All three are relative, in the order of blktap, whose check demands that each
 * leads to the parent; the one that Windows follows begins as it wants (".\").
 * NULL, or a path that is no UTF-8: no names at all, only the uuid.
 */
int vhd_naming_make(struct vhd_naming *out, const struct vhd_head *from,
                    const char *path, uint64_t at, struct vhd_header *h,
                    struct err *e);
void vhd_naming_free(struct vhd_naming *n);

#endif
