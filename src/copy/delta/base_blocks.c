/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/delta/base_blocks.h"

#include "base/checked.h"
#include "base/mem.h"
#include "copy/delta/leaf_pass.h"

#include <stdlib.h>

enum { BLOCK_LEAVES = BLOCK_SIZE_DEFAULT / LEAF_SIZE };

/* A block's hash is that of its leaves' hashes; all zero bytes, which no hash
 * is, stand for a block of zeros. */
struct base_blocks {
    struct hasher *hasher;
    uint64_t count;
    struct leaf_hash *hashes;
    uint64_t leaves;                      /* that have come */
    struct leaf_hash block[BLOCK_LEAVES]; /* those of the block under way */
};

static const struct leaf_hash zeros;

/* One for all lengths: what a disk has not to its end are zeros. */
static int hash_block(struct hasher *h, const struct leaf_hash *leaves,
                      unsigned count, struct leaf_hash *out, struct err *e)
{
    bool any = false;

    for (unsigned i = 0; i < count && !any; i++)
        any = !leaf_hash_equal(&leaves[i], &leaf_hash_of_zeros);
    *out = zeros;
    if (!any)
        return 0;
    TRY(hasher_start(h, e));
    TRY(hasher_add(h, leaves, count * sizeof(*leaves), e));
    for (unsigned i = count; i < BLOCK_LEAVES; i++)
        TRY(hasher_add(h, &leaf_hash_of_zeros, sizeof(leaf_hash_of_zeros), e));
    return hasher_finish(h, out, e);
}

static int keep_block(struct base_blocks *b, unsigned count, struct err *e)
{
    uint64_t index = (b->leaves - 1) / BLOCK_LEAVES;

    return hash_block(b->hasher, b->block, count, &b->hashes[index], e);
}

/* A leaf_line. */
static int add_leaves(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e)
{
    struct base_blocks *b = ctx;

    for (uint64_t i = 0; i < count; i++) {
        b->block[b->leaves % BLOCK_LEAVES] =
            hash ? hash[i] : leaf_hash_of_zeros;
        if (++b->leaves % BLOCK_LEAVES == 0)
            TRY(keep_block(b, BLOCK_LEAVES, e));
    }
    return 0;
}

static int begin(void *ctx, uint64_t size, struct err *e)
{
    struct base_blocks *b = ctx;

    b->count = div_up(size, BLOCK_SIZE_DEFAULT);
    TRY(hasher_open(&b->hasher, e));
    return mem_alloc_array(&b->hashes, b->count, sizeof(*b->hashes),
                           "the hashes of a disk", e);
}

static int read_blocks(struct base_blocks *b, const struct leaf_pass *pass,
                       struct err *e)
{
    unsigned left;

    TRY(leaf_pass_run(pass, e));
    left = b->leaves % BLOCK_LEAVES;
    return left ? keep_block(b, left, e) : 0;
}

int base_blocks_read(struct base_blocks **out, struct vhdstream *v,
                     image_reopen_fn *open, void *ctx, struct err *e)
{
    struct leaf_pass pass = {.v = v,
                             .open = open,
                             .open_ctx = ctx,
                             .begin = begin,
                             .line = add_leaves};
    struct base_blocks *b = NULL;

    TRY(mem_alloc(&b, sizeof(*b), "the hashes of a disk", e));
    pass.ctx = b;
    if (read_blocks(b, &pass, e) < 0) {
        base_blocks_close(b);
        return e->code;
    }
    *out = b;
    return 0;
}

int base_blocks_has(struct base_blocks *b, uint64_t index,
                    const struct leaf_hash *leaves, unsigned count,
                    struct err *e)
{
    struct leaf_hash found;

    TRY(hash_block(b->hasher, leaves, count, &found, e));
    return leaf_hash_equal(&found,
                           index < b->count ? &b->hashes[index] : &zeros);
}

void base_blocks_close(struct base_blocks *b)
{
    if (!b)
        return;
    hasher_close(b->hasher);
    free(b->hashes);
    free(b);
}
