/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/leaf_sum.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

/* Hashes of zeros that are added at once: SHA-256 over an empty terabyte is
 * half a gigabyte of them. */
enum { MANY = 1024 };

struct leaf_sum {
    struct hasher *all;
    uint64_t size, nleaves;
    struct leaf_hash zeros[MANY];
};

int leaf_sum_open(struct leaf_sum **out, uint64_t size, struct err *e)
{
    struct leaf_sum *s = NULL;
    int result;

    TRY(mem_alloc(&s, sizeof(*s), "a digest", e));
    s->size = size;
    for (int i = 0; i < MANY; i++)
        s->zeros[i] = leaf_hash_of_zeros;
    result = hasher_open(&s->all, e);
    if (!result)
        result = hasher_start(s->all, e);
    if (result < 0) {
        leaf_sum_close(s);
        return result;
    }
    *out = s;
    return 0;
}

void leaf_sum_close(struct leaf_sum *s)
{
    if (!s)
        return;
    hasher_close(s->all);
    free(s);
}

int leaf_sum_add(void *ctx, const struct leaf_hash *hash, uint64_t count,
                 struct err *e)
{
    struct leaf_sum *s = ctx;

    s->nleaves += count;
    if (hash)
        return hasher_add(s->all, hash, count * sizeof(*hash), e);
    while (count) {
        uint64_t now = min_u64(count, MANY);

        TRY(hasher_add(s->all, s->zeros, now * sizeof(*s->zeros), e));
        count -= now;
    }
    return 0;
}

int leaf_sum_finish(struct leaf_sum *s, struct leaf_hash *out, struct err *e)
{
    uint64_t wanted = div_up(s->size, LEAF_SIZE);
    uint8_t size[8];

    if (s->nleaves != wanted)
        return err_set(e, ERR_FAILED,
                       "a digest of %" PRIu64 " leaves where the disk has "
                       "%" PRIu64,
                       s->nleaves, wanted);
    put_le64(size, s->size);
    TRY(hasher_add(s->all, size, sizeof(size), e));
    return hasher_finish(s->all, out, e);
}
