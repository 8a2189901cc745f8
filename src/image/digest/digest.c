/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/digest.h"

#include "base/mem.h"
#include "image/digest/image_hash.h"
#include "image/digest/leaf_sum.h"

#include <assert.h>
#include <stdlib.h>

enum { WATCHERS_MAX = 2 };

struct watcher {
    leaf_line *line;
    void *ctx;
};

struct digest {
    struct leaf_order *order;
    struct leaf_sum *sum;
    struct hash_list *list; /* not owned */
    struct watcher watchers[WATCHERS_MAX];
    unsigned nwatchers;
};

static int check_whole(const struct image *img, struct err *e)
{
    if (!img->has_parent)
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: a differencing disk has no digest without its parents: "
                   "it holds only what differs from them",
                   img->name);
}

int digest_arrange(struct image **img, struct err *e)
{
    uint64_t need;

    if ((*img)->block_size < LEAF_SIZE)
        TRY(image_reblock(img, e));
    TRY(leaf_order_need(*img, &need, e));
    if (need <= LEAF_ORDER_BUDGET)
        return 0;
    if (image_is_seekable(*img))
        return image_ascend(img, e);
    return leaf_order_refuse(*img, need, e);
}

int digest_prepare(struct image **img, struct err *e)
{
    TRY(check_whole(*img, e));
    return digest_arrange(img, e);
}

bool digest_is_arranged(const struct image *img)
{
    struct err ignored;
    uint64_t need;

    return img->block_size >= LEAF_SIZE &&
           leaf_order_need(img, &need, &ignored) >= 0 &&
           need <= LEAF_ORDER_BUDGET;
}

static int add(void *ctx, const struct leaf_hash *hash, uint64_t count,
               struct err *e)
{
    struct digest *d = ctx;

    if (d->list)
        TRY(hash_list_add(d->list, hash, count, e));
    for (unsigned i = 0; i < d->nwatchers; i++)
        TRY(d->watchers[i].line(d->watchers[i].ctx, hash, count, e));
    return leaf_sum_add(d->sum, hash, count, e);
}

static int start(struct digest *d, struct image **img, struct pool *pool,
                 struct err *e)
{
    TRY(leaf_sum_open(&d->sum, (*img)->size, e));
    TRY(leaf_order_open(&d->order, *img, add, d, e));
    return image_hash(img, pool, leaf_order_take, d->order, e);
}

int digest_open(struct digest **out, struct image **img, struct pool *pool,
                struct hash_list *list, struct err *e)
{
    struct digest *d = NULL;
    int result;

    TRY(check_whole(*img, e));
    TRY(mem_alloc(&d, sizeof(*d), "a digest", e));
    d->list = list;
    result = start(d, img, pool, e);
    if (result < 0) {
        digest_close(d);
        return result;
    }
    *out = d;
    return 0;
}

void digest_watch(struct digest *d, leaf_line *line, void *ctx)
{
    assert(d->nwatchers < WATCHERS_MAX);
    d->watchers[d->nwatchers++] = (struct watcher){line, ctx};
}

int digest_finish(struct digest *d, struct leaf_hash *out, struct err *e)
{
    TRY(leaf_order_finish(d->order, e));
    TRY(leaf_sum_finish(d->sum, out, e));
    return d->list ? hash_list_end(d->list, out, e) : 0;
}

void digest_close(struct digest *d)
{
    if (!d)
        return;
    leaf_order_close(d->order);
    leaf_sum_close(d->sum);
    free(d);
}

void digest_cleanup(struct digest **d)
{
    digest_close(*d);
    *d = NULL;
}
