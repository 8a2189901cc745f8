/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DIGEST_H
#define VHDSTREAM_DIGEST_H

/*
 * The digest of a disk: the same whatever the format, the order of the blocks
 * and the holes. docs/formats/digest.md defines it. It is computed in passing,
 * while the blocks of an image go somewhere, on the threads of a pool.
 */

#include "base/pool.h"
#include "image/digest/hash_list.h"
#include "image/digest/leaf_hash.h"
#include "image/digest/leaf_order.h"

struct digest;

/* Brings *img into a form whose digest can be taken while its blocks come:
 * joins blocks smaller than a leaf, and goes by address where too many hashes
 * would have to wait for their turn. ERR_UNSUPPORTED for a disk that is not
 * whole (has_parent), and for a stream of small blocks that come apart;
 * ERR_NO_SPACE for a stream too far out of order. No block is read. */
int digest_prepare(struct image **img, struct err *e);

/* The same for a disk that a wrapper will make a whole one of: it may have a
 * parent yet. */
int digest_arrange(struct image **img, struct err *e);

/* Whether digest_arrange would leave the image as it is. */
bool digest_is_arranged(const struct image *img);

/* Takes the digest of *img, which gets wrapped (see image_hash) and is only
 * good to be closed once the digest was. The same failures as digest_prepare,
 * since what comes between the two may change the order. `list` (or NULL) is
 * given all hashes, too. */
int digest_open(struct digest **out, struct image **img, struct pool *pool,
                struct hash_list *list, struct err *e);

/* All hashes go to `line` as well, in their order. Before the first block; at
 * most twice. */
void digest_watch(struct digest *d, leaf_line *line, void *ctx);

/* Once, after image_next has given 0. Ends the list. */
int digest_finish(struct digest *d, struct leaf_hash *out, struct err *e);

void digest_close(struct digest *d);
void digest_cleanup(struct digest **d);

#endif
