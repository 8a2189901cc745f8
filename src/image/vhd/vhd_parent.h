/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_PARENT_H
#define VHDSTREAM_VHD_PARENT_H

/*
 * What a differencing VHD says of its parent's place: up to eight locators, and
 * a name in the header. All of it comes from outside and may be a trap, so
 * nothing is opened here, and only paths within the child's own folder are
 * offered for opening (vhd_search.h).
 *
 * Order: W2ru, Wi2r, MacX, W2ku, Wi2k, then the name; what the specification
 * calls relative goes first, and what it calls absolute is relative in the
 * files of blktap. Codes are read in the spelling of VirtualBox, too.
 */

#include "base/err.h"
#include "image/vhd/vhd_head.h"
#include "io/source.h"

#include <stdbool.h>

enum {
    VHD_PARENT_NAMES = VHD_LOCATORS + 1,
    VHD_PARENT_PATH_MAX = 4096, /* bytes, with the NUL */
};

struct vhd_parent {
    /* Paths from the child's folder on, in UTF-8 with slashes, none of them
     * leading out of it, in the order to try; each once. */
    unsigned ninside;
    char *inside[2 * VHD_PARENT_NAMES];
    /* Texts that lead out of the folder: absolute, with a drive, with "..".
     * Where the parent is a VHD, their bare file names stand last in `inside`,
     * since a uuid proves which file is meant. */
    unsigned noutside;
    char *outside[VHD_PARENT_NAMES];
};

/*
 * Reads the locators and the name. `src` is seekable, or NULL where the
 * locators cannot be read: then the name alone counts. A text that is no text
 * (broken encoding, control characters) or whose length does not fit its place
 * is passed over. Errors are those of reading and of memory.
 */
int vhd_parent_read(struct source *src, const struct vhd_head *head,
                    struct vhd_parent *out, struct err *e);

void vhd_parent_free(struct vhd_parent *p);
void vhd_parent_cleanup(struct vhd_parent *p);

/* Whether a path stays in the folder that it starts from: not absolute, no
 * drive, no "..". */
bool vhd_parent_is_inside(const char *path);

/* The parent's name in the header, as vhd_parent_text gives a locator's. */
int vhd_parent_name(const struct vhd_header *d, char **out, struct err *e);

/* Where locator text of `code` leads: UTF-8 with slashes and a NUL, in *out (to
 * be freed), NULL where it is no path. */
int vhd_parent_text(uint32_t code, const uint8_t *raw, size_t len, char **out,
                    struct err *e);

#endif
