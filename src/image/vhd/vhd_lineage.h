/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_LINEAGE_H
#define VHDSTREAM_VHD_LINEAGE_H

/*
 * What is to be said of a differencing disk's parents. The way goes down to the
 * base, one disk open at a time; what is wrong with a disk further down is told
 * of the parent. Nothing is opened but what vhd_search.h allows.
 */

#include "base/wait.h"
#include "image/image.h"
#include "image/vhd/vhd_finding.h"

struct vhd_lineage_options {
    const char *path; /* of the disk's file; NULL: not from a file */
    const char *const
        *parents; /* the user's word on its parent, on that one's ... */
    unsigned nparents;
    const struct wait *wait; /* or NULL */
};

/* Judges the parents of *img, an image of vhd_decode that has one; it is
 * closed, and *img NULL afterwards. Errors are those of reading and of memory;
 * that of more parents named than there are disks is ERR_USAGE. */
int vhd_lineage_judge(struct image **img, struct vhd_judge *j,
                      const struct vhd_lineage_options *opt, struct err *e);

#endif
