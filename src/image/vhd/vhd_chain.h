/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_CHAIN_H
#define VHDSTREAM_VHD_CHAIN_H

#include "base/err.h"
#include "base/notice.h"
#include "base/wait.h"
#include "image/image.h"

#include <stdatomic.h>

enum {
    /* Disks in a chain. XenServer's tools allow 30; blktap and Windows know no
     * limit, but each disk is an open file, and 1024 is what a process may have
     * open on most systems. */
    CHAIN_DISKS_MAX = 1024,
    /* Bytes for the tables of all disks: 60 disks of 2040 GiB that are full. */
    CHAIN_MEMORY_MAX = 256 * 1024 * 1024,
};

struct vhd_chain_options {
    const char *path; /* of the disk's file; NULL: not from a file */
    const char *const
        *parents; /* the user's word on its parent, on that one's ... */
    unsigned nparents;
    bool forced;                 /* see struct vhd_search */
    const struct notice *notice; /* or NULL */
    const struct wait *wait;     /* or NULL */
    _Atomic uint64_t *meter;     /* counts the bytes read, or NULL */
    struct rate *rate;           /* holds them back, or NULL */
    struct stage *stage;         /* of struct source; or NULL */
    /* Is told each parent and its path, the nearest first; or NULL. */
    void (*tell)(void *ctx, const char *path, const struct image *parent);
    void *ctx;
};

/*
 * Finds and opens all parents of *img (vhd_search.h) and lays it over them
 * (image_chain): a whole disk. Does nothing where *img has no parent, except
 * that a parent named by the user is then ERR_USAGE.
 *
 * Errors as of vhd_search_run; ERR_CORRUPT where the chain comes back to a disk
 * that it has passed; ERR_UNSUPPORTED above CHAIN_DISKS_MAX, ERR_NO_SPACE above
 * CHAIN_MEMORY_MAX. *img is unchanged then.
 */
int vhd_chain_open(struct image **img, const struct vhd_chain_options *opt,
                   struct err *e);

#endif
