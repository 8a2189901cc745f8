/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/delta/found_image.h"

#include "base/mem.h"
#include "copy/delta/changes.h"
#include "copy/delta/leaf_pass.h"

#include <stdlib.h>

struct found_image {
    struct image base;
    struct image *inner;
    image_reopen_fn *disk;
    void *ctx;
    struct base_blocks *blocks; /* of the base, while they are needed */
    struct changes changes;
    struct hasher *hasher;
};

/* --- what differs ----------------------------------------------------------*/

static int begin(void *ctx, uint64_t size, struct err *e)
{
    struct found_image *f = ctx;
    const struct uuid none = {0};

    return changes_open_base(&f->changes, f->blocks, &none, size, e);
}

static int add_leaves(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e)
{
    return changes_add(&((struct found_image *)ctx)->changes, hash, count, e);
}

static int find(struct found_image *f, struct vhdstream *v,
                image_reopen_fn *base, struct err *e)
{
    const struct leaf_pass pass = {.v = v,
                                   .open = f->disk,
                                   .open_ctx = f->ctx,
                                   .begin = begin,
                                   .line = add_leaves,
                                   .ctx = f};

    TRY(base_blocks_read(&f->blocks, v, base, f->ctx, e));
    TRY(leaf_pass_run(&pass, e));
    TRY(changes_end(&f->changes, e));
    base_blocks_close(f->blocks);
    f->blocks = NULL;
    return 0;
}

/* --- that and no more ------------------------------------------------------*/

static int open_found(void *ctx, struct image **out, struct err *e)
{
    struct found_image *f = ctx;

    TRY(f->disk(f->ctx, out, e));
    TRY(image_reblock(out, e));
    return image_pick(out, f->changes.picked, e);
}

static int take_piece(struct found_image *f, const struct block *b,
                      struct err *e)
{
    struct leaf_hash hashes[PIECE_LEAVES];
    uint64_t at = (uint64_t)b->index * f->base.block_size + b->offset;

    TRY(hasher_leaves(f->hasher, b->data, b->len, hashes, e));
    return changes_take(&f->changes, at / LEAF_SIZE, hashes,
                        (b->len + LEAF_SIZE - 1) / LEAF_SIZE, e);
}

static int found_next(struct image *img, struct block *b, struct err *e)
{
    struct found_image *f = (struct found_image *)img;
    int more = image_next(f->inner, b, e);

    TRY(more);
    TRY(more ? take_piece(f, b, e) : changes_check(&f->changes, img->name, e));
    return more;
}

static void found_close(struct image *img)
{
    struct found_image *f = (struct found_image *)img;

    image_close(f->inner);
    base_blocks_close(f->blocks);
    changes_close(&f->changes);
    hasher_close(f->hasher);
    free(f);
}

static const struct image_ops found_ops = {
    .next = found_next,
    .close = found_close,
};

static int open_all(struct found_image *f, struct vhdstream *v,
                    image_reopen_fn *base, struct err *e)
{
    TRY(hasher_open(&f->hasher, e));
    TRY(find(f, v, base, e));
    TRY(open_found(f, &f->inner, e));
    TRY(image_retry(&f->inner, open_found, f, &v->retry, e));
    f->base = *f->inner; /* whose map and order stay the inner one's */
    f->base.ops = &found_ops;
    f->base.stage = NULL;
    return 0;
}

int found_image(struct image **out, struct vhdstream *v, image_reopen_fn *base,
                image_reopen_fn *disk, void *ctx, struct err *e)
{
    struct found_image *f = NULL;

    TRY(mem_alloc(&f, sizeof(*f), "an image", e));
    f->disk = disk;
    f->ctx = ctx;
    if (open_all(f, v, base, e) < 0) {
        found_close(&f->base);
        return e->code;
    }
    *out = &f->base;
    return 0;
}
