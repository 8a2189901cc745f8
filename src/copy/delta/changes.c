/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/delta/changes.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "io/source.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { BLOCK_LEAVES = BLOCK_SIZE_DEFAULT / LEAF_SIZE, HEAD = 64 };

bool changes_list_is(struct vhdstream *v, const char *path)
{
    CLEANUP(source) struct source *src = NULL;
    uint8_t head[HEAD];
    struct stat info;
    size_t len;

    /* What is no file may be waited for, and is none of ours. */
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
           source_open_file(&src, path, &v->wait, NULL) == 0 &&
           source_head(&src, head, sizeof(head), &len, NULL) == 0 &&
           hash_list_is(head, len);
}

static int make_map(struct changes *c, uint64_t size, struct err *e)
{
    return mem_alloc(&c->picked, bits_size(div_up(size, BLOCK_SIZE_DEFAULT)),
                     "a block map", e);
}

int changes_open_base(struct changes *c, struct base_blocks *base,
                      const struct uuid *uuid, uint64_t size, struct err *e)
{
    *c = (struct changes){.base = base, .uuid = *uuid};
    return make_map(c, size, e);
}

int changes_open(struct changes *c, struct vhdstream *v, const char *path,
                 uint64_t size, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;

    *c = (struct changes){0};
    TRY(source_open_file(&src, path, &v->wait, e));
    TRY(hash_reader_open(&c->list, &src, e));
    if (!hash_reader_uuid(c->list, &c->uuid))
        return err_set(e, ERR_USAGE,
                       "%s: a list that does not tell the uuid of its disk; "
                       "one that `copy --blocks` writes does",
                       path);
    return make_map(c, size, e);
}

/* The list's next leaf, or run of zeros; past its disk's end there are zeros.
 */
static int next_leaf(struct changes *c, struct err *e)
{
    const struct leaf_hash *hash = NULL;
    int more = 0;

    if (!c->ended)
        more = hash_reader_next(c->list, &hash, &c->left, e);
    TRY(more);
    c->ended = !more;
    if (c->ended)
        c->left = UINT64_MAX;
    c->zeros = c->ended || !hash;
    if (!c->zeros)
        c->hash = *hash;
    return 0;
}

/* Whether the list has another one there. */
static int match_leaf(struct changes *c, const struct leaf_hash *hash,
                      struct err *e)
{
    if (!c->left)
        TRY(next_leaf(c, e));
    c->left--;
    if (!leaf_hash_equal(hash, c->zeros ? &leaf_hash_of_zeros : &c->hash))
        bit_set(c->picked, c->leaves / BLOCK_LEAVES);
    return 0;
}

/* In any order the same: a sum tells as well as a list would, but for what is
 * made to deceive it, which nobody gains by. */
static uint64_t weigh(uint64_t leaf, const struct leaf_hash *hash)
{
    return get_be64(hash->bytes) * (2 * leaf + 1);
}

static int match_block(struct changes *c, uint64_t index, unsigned count,
                       struct err *e)
{
    int same = base_blocks_has(c->base, index, c->block, count, e);

    if (!same)
        bit_set(c->picked, index);
    return same;
}

/* The block that ends before leaf c->leaves has come. */
static int end_block(struct changes *c, struct err *e)
{
    uint64_t index = (c->leaves - 1) / BLOCK_LEAVES;
    uint64_t first = index * BLOCK_LEAVES;

    if (c->base)
        TRY(match_block(c, index, (unsigned)(c->leaves - first), e));
    if (!bit_get(c->picked, index))
        return 0;
    for (uint64_t leaf = first; leaf < c->leaves; leaf++)
        c->found += weigh(leaf, &c->block[leaf - first]);
    return 0;
}

int changes_add(void *ctx, const struct leaf_hash *hash, uint64_t count,
                struct err *e)
{
    struct changes *c = ctx;

    for (uint64_t i = 0; i < count; i++) {
        const struct leaf_hash *leaf = hash ? &hash[i] : &leaf_hash_of_zeros;

        if (c->list)
            TRY(match_leaf(c, leaf, e));
        c->block[c->leaves % BLOCK_LEAVES] = *leaf;
        if (++c->leaves % BLOCK_LEAVES == 0)
            TRY(end_block(c, e));
    }
    return 0;
}

int changes_take(void *ctx, uint64_t first, const struct leaf_hash *hash,
                 uint32_t count, struct err *e)
{
    struct changes *c = ctx;

    (void)e;
    for (uint32_t i = 0; i < count; i++)
        c->read += weigh(first + i, &hash[i]);
    return 0;
}

int changes_take_line(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e)
{
    struct changes *c = ctx;

    (void)e;
    for (uint64_t i = 0; i < count; i++, c->taken++)
        if (bit_get(c->picked, c->taken / BLOCK_LEAVES))
            c->read += weigh(c->taken, hash ? &hash[i] : &leaf_hash_of_zeros);
    return 0;
}

int changes_check(const struct changes *c, const char *name, struct err *e)
{
    if (c->read == c->found)
        return 0;
    return err_set(e, ERR_FAILED,
                   "%s: the disk has changed while it was read: what differs "
                   "was another the second time; copy a snapshot of it",
                   name);
}

int changes_end(struct changes *c, struct err *e)
{
    if (c->leaves % BLOCK_LEAVES)
        TRY(end_block(c, e));
    while (c->list && !c->ended)
        TRY(next_leaf(c, e));
    return 0;
}

void changes_close(struct changes *c)
{
    hash_reader_close(c->list);
    free(c->picked);
    *c = (struct changes){0};
}
