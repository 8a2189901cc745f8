/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LEAF_RECORD_H
#define VHDSTREAM_LEAF_RECORD_H

/*
 * The hashes of a disk's leaves in memory, up to a budget, to be compared with
 * those of its copy when that is read back: so it can be told where the two
 * begin to differ. Beyond the budget the record forgets all; the digests alone
 * then tell whether they differ.
 */

#include "image/digest/leaf_hash.h"

struct leaf_record;

/* Bytes that a record may take: the hashes of some 100 GiB of data; zeros take
 * next to nothing. When it grows to that, two thirds more for a moment. */
enum { LEAF_RECORD_BUDGET = 64 * 1024 * 1024 };

/* `budget` is in bytes. */
int leaf_record_open(struct leaf_record **out, size_t budget, struct err *e);
void leaf_record_close(struct leaf_record *r);

/* The next leaves of the disk: a leaf_line, of the leaf_record as ctx. */
int leaf_record_add(void *ctx, const struct leaf_hash *hash, uint64_t count,
                    struct err *e);

/* The next leaves of the copy, a leaf_line as well; of no use before all of the
 * disk's were added. ERR_CORRUPT at the first that differs. */
int leaf_record_match(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e);

/* Matching begins, with the first leaf of a copy; `name` is its place, for the
 * message, and not copied. */
void leaf_record_begin(struct leaf_record *r, const char *name);

#endif
