/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STORE_HASH_H
#define VHDSTREAM_STORE_HASH_H

/* The sums by which a store knows a body. */

#include "base/err.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>

enum { STORE_SUM_SIZE = 2 * 64 + 1 }; /* of the longest, in hex */

struct store_hash;

/* MD5, and `algorithm` (a name as os_hash_algo has it; NULL or one that is not
 * known: none). *known is whether it is. The threads of `pool`, which must
 * outlive it, take the sums. Used by one thread at a time. */
int store_hash_open(struct store_hash **out, const char *algorithm,
                    struct pool *pool, bool *known, struct err *e);

/* Begins with the next bytes, which have to stay as they are until
 * store_hash_wait, whatever comes first. */
void store_hash_add(struct store_hash *h, const void *buf, size_t len);
int store_hash_wait(struct store_hash *h, struct err *e);

/* The sums, in hex; "" for one that was not taken. Once, and after
 * store_hash_wait. */
int store_hash_end(struct store_hash *h, char md5[STORE_SUM_SIZE],
                   char sum[STORE_SUM_SIZE], struct err *e);

void store_hash_close(struct store_hash *h);
void store_hash_cleanup(struct store_hash **h);

#endif
