/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_BASE_BLOCKS_H
#define VHDSTREAM_BASE_BLOCKS_H

/* What the blocks of a base are, as hashes in memory: for a delta out of a pool
 * that cannot tell what differs (--base REF). 32 bytes for each 2 MiB. */

#include "copy/operation.h"
#include "image/digest/leaf_hash.h"
#include "image/image_retry.h"

struct base_blocks;

/* Reads the disk that `open` opens, to its end. */
int base_blocks_read(struct base_blocks **out, struct vhdstream *v,
                     image_reopen_fn *open, void *ctx, struct err *e);

/* Whether block `index` of 2 MiB has these leaves, of which those past the
 * disk's end are left out; of the base there are zeros past its end. 1 or 0. */
int base_blocks_has(struct base_blocks *b, uint64_t index,
                    const struct leaf_hash *leaves, unsigned count,
                    struct err *e);

void base_blocks_close(struct base_blocks *b);

#endif
