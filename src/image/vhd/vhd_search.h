/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_SEARCH_H
#define VHDSTREAM_VHD_SEARCH_H

/*
 * The search for the parent of one differencing VHD.
 *
 * Unasked, only regular files in the child's folder or below it are opened:
 * those that its locators and its name lead to (vhd_parent.h). Devices, FIFOs,
 * sockets and folders are looked at with stat alone, so nothing can hang or be
 * set going. The user may name any file or block device instead.
 *
 * A parent is the disk whose uuid the child gives. A null uuid means a raw disk
 * (blktap); then a file that begins as a VHD is taken only when its suffix says
 * that it is raw.
 */

#include "base/err.h"
#include "base/notice.h"
#include "base/wait.h"
#include "image/image.h"

#include <stdatomic.h>
#include <sys/types.h>

/* What a search came to; tells an error's kind, too. */
enum vhd_search_end {
    SEARCH_FOUND,
    SEARCH_NOTHING,   /* no file is where the child says */
    SEARCH_NO_DISK,   /* a device, FIFO, folder, or no VHD */
    SEARCH_FOREIGN,   /* another disk: its uuid is not the parent's */
    SEARCH_AMBIGUOUS, /* a raw disk is wanted, and it begins as a VHD */
    SEARCH_BROKEN,    /* a VHD that cannot be read */
};

struct vhd_search {
    /* The child: an image of vhd_decode with a parent, the path of its file
     * (NULL: not a file, so that there is no folder to look in), and the user's
     * word on its parent (a path, or NULL). */
    struct image *child;
    const char *path;
    const char *named;
    bool forced; /* the user's word goes before the child's: `named` is taken
                    whatever its uuid, a raw disk too; it is told */
    const struct notice *notice; /* or NULL */
    const struct wait *wait;     /* or NULL */
    _Atomic uint64_t *meter;     /* counts the bytes read, or NULL */
    struct rate *rate;           /* holds them back, or NULL */
    struct stage *stage;         /* of struct source; or NULL */

    /* The parent, once found; owned by whoever searched. */
    struct image *parent;
    char *found; /* its path */
    dev_t dev;   /* and which file it is, under whatever name */
    ino_t ino;
    enum vhd_search_end end;
};

/*
 * Searches: 0 and `parent`, `found`, `dev`, `ino`; or an error that says which
 * files were tried, why none is the parent and what the user can do:
 * ERR_NOT_FOUND where there is nothing, ERR_CORRUPT for one that is wrong.
 * `end` is set in both cases.
 */
int vhd_search_run(struct vhd_search *s, struct err *e);

/* Frees the results. */
void vhd_search_free(struct vhd_search *s);

#endif
