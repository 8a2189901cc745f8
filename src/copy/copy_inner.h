/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_COPY_INNER_H
#define VHDSTREAM_COPY_INNER_H

/* For copy.c and delta/delta_copy.c: everything that a copy holds. */

#include "copy/delta/changes.h"
#include "copy/hashing.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/output.h"
#include "copy/place.h"

struct copy {
    struct vhdstream *v;
    struct place src, dst;
    struct input in;
    struct output out;
    struct hashing hashing;
    struct hashing part; /* of a delta that takes two readings: the second */
    /* What a delta is against that takes two readings of the disk; or NULL: */
    const char *list;         /* of block digests */
    struct base_blocks *base; /* of a pool that cannot tell what differs */
    struct changes changes;
    struct progress sent; /* how it stood before anything was read back */
    double start;
    double moved; /* when all was at the destination, seconds from start */
};

/* A name for the new disk. */
void copy_name_disk(const struct copy *c, char label[NAME_SIZE]);

/* By which the next delta will know the copy. */
int copy_identify(struct copy *c, struct err *e);

/* From c->in to c->out, all of them. */
int copy_move_blocks(struct copy *c, struct err *e);

/* All is at the destination; what follows reads it back. */
void copy_note_moved(struct copy *c);

#endif
