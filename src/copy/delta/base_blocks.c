/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/delta/base_blocks.h"

#include "base/checked.h"
#include "base/mem.h"
#include "copy/pool/pool_input.h"
#include "image/digest/digest.h"
#include "image/image_retry.h"

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

/* --- reading it ------------------------------------------------------------*/

struct reading {
    struct vhdstream *v;
    struct pool_input *pool;
    struct image *img;
    struct digest *digest;
};

static int reopen(void *ctx, struct image **out, struct err *e)
{
    struct reading *r = ctx;

    return pool_input_export_base(r->v, r->pool, out, e);
}

static int read_all(struct reading *r, struct base_blocks *b, struct err *e)
{
    struct vhdstream *v = r->v;
    struct leaf_hash whole;

    TRY(reopen(r, &r->img, e));
    TRY(image_retry(&r->img, reopen, r, &v->retry, e));
    b->count = div_up(r->img->size, BLOCK_SIZE_DEFAULT);
    TRY(mem_alloc_array(&b->hashes, b->count, sizeof(*b->hashes),
                        "the hashes of a disk", e));
    TRY(operation_pool(v, e));
    TRY(digest_prepare(&r->img, e));
    TRY(image_async(&r->img, v->opt.threads, e));
    TRY(digest_open(&r->digest, &r->img, v->pool, NULL, e));
    digest_watch(r->digest, add_leaves, b);
    TRY(image_drain(r->img, &v->progress, &v->wait, e));
    TRY(digest_finish(r->digest, &whole, e));
    return b->leaves % BLOCK_LEAVES ? keep_block(b, b->leaves % BLOCK_LEAVES, e)
                                    : 0;
}

int base_blocks_read(struct base_blocks **out, const struct input *in,
                     struct err *e)
{
    struct reading r = {.v = in->v, .pool = in->pool};
    struct base_blocks *b = NULL;
    int code;

    TRY(mem_alloc(&b, sizeof(*b), "the hashes of a disk", e));
    code = hasher_open(&b->hasher, e);
    if (code >= 0)
        code = read_all(&r, b, e);
    if (code < 0)
        cancel_request(in->v->halt);
    image_close(r.img);
    digest_close(r.digest);
    if (code < 0) {
        cancel_withdraw(in->v->halt);
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
