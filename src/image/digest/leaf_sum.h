/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LEAF_SUM_H
#define VHDSTREAM_LEAF_SUM_H

/* The digest of a disk from the hashes of its leaves, in their order: SHA-256
 * over all of them, zeros too, and the disk's size. */

#include "image/digest/leaf_hash.h"

struct leaf_sum;

/* Of a disk of `size` bytes. */
int leaf_sum_open(struct leaf_sum **out, uint64_t size, struct err *e);
void leaf_sum_close(struct leaf_sum *s);

/* The next leaves: a leaf_line, of the leaf_sum as ctx. */
int leaf_sum_add(void *ctx, const struct leaf_hash *hash, uint64_t count,
                 struct err *e);

/* Once, after all leaves. ERR_FAILED where it were more or less of them than
 * the disk has. */
int leaf_sum_finish(struct leaf_sum *s, struct leaf_hash *out, struct err *e);

#endif
