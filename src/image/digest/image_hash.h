/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_HASH_H
#define VHDSTREAM_IMAGE_HASH_H

#include "base/pool.h"
#include "image/digest/leaf_hash.h"

/* Takes the hashes of one piece: of leaves [first, first + count), at most
 * PIECE_LEAVES. Called in the order of the image, in the thread that calls
 * image_next; all calls are made before that gives 0. Its failure is that of
 * image_next. */
typedef int leaf_taker(void *ctx, uint64_t first, const struct leaf_hash *hash,
                       uint32_t count, struct err *e);

/*
 * Hashes the blocks of *img in passing, on a lane of the pool: a wrapper, from
 * which the image's blocks come as before. No byte is copied: a piece is hashed
 * after its user has come for the next one, and gets other buffers in exchange.
 * So the block that is given to image_next has to be the same each time, and
 * its data must not be changed.
 *
 * Blocks must not be smaller than a leaf (image_reblock), else ERR_UNSUPPORTED.
 * Holes are not told. Stream only from then on; closing it calls nobody.
 * Memory: a buffer of PIECE_MAX for each thread, for HASH_SLOTS of them at
 * most.
 */
enum { HASH_SLOTS = 9 };
int image_hash(struct image **img, struct pool *pool, leaf_taker *take,
               void *ctx, struct err *e);

#endif
