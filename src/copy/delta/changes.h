/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHANGES_H
#define VHDSTREAM_CHANGES_H

/* What of a disk differs from an earlier state of it, of which there is a list
 * of block digests (--base LIST) or the hashes of its blocks (--base REF). */

#include "copy/delta/base_blocks.h"
#include "copy/hashing.h"
#include "copy/operation.h"

struct changes {
    struct hash_reader *list; /* or NULL: */
    struct base_blocks *base; /* the caller's */
    struct uuid uuid;         /* of the copy of that state */
    uint8_t *picked;          /* a bit a block of 2 MiB: it differs */
    uint64_t leaves;          /* of the disk that were looked at */
    uint64_t left;     /* of the list's leaf or run of zeros, not used up */
    bool zeros, ended; /* ... it is such a run; the list has no more */
    struct leaf_hash hash;
    struct leaf_hash block[PIECE_LEAVES]; /* of the disk's block under way */
    uint64_t taken;                       /* of changes_take_line, so far */
    uint64_t found, read; /* sums over what differs, the first time and the
                             second */
};

/* Whether the file at `path` is such a list. */
bool changes_list_is(struct vhdstream *v, const char *path);

/* Opens the list at `path` for a disk of `size` bytes. ERR_USAGE where it tells
 * no uuid. */
int changes_open(struct changes *c, struct vhdstream *v, const char *path,
                 uint64_t size, struct err *e);

/* The same for the state that `base` has read, of the disk `uuid`. */
int changes_open_base(struct changes *c, struct base_blocks *base,
                      const struct uuid *uuid, uint64_t size, struct err *e);

/* The next leaves of the disk: a leaf_line, of the changes as ctx. */
int changes_add(void *ctx, const struct leaf_hash *hash, uint64_t count,
                struct err *e);

/* After the last one; a list has to be right to its end. */
int changes_end(struct changes *c, struct err *e);

/* The second time: takes the leaves of what differs, a leaf_taker, or all in
 * their order, a leaf_line; and whether they are those of the first time.
 * ERR_FAILED. */
int changes_take(void *ctx, uint64_t first, const struct leaf_hash *hash,
                 uint32_t count, struct err *e);
int changes_take_line(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e);
int changes_check(const struct changes *c, const char *name, struct err *e);

void changes_close(struct changes *c);

#endif
