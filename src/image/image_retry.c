/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/image_retry.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "image/image_shape.h"
#include "io/crc32.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct retried_image {
    struct image base;
    struct image *inner; /* NULL: it has broken off */
    image_reopen_fn *reopen;
    void *ctx;
    struct retry *retry;
    struct image_shape shape;
    uint64_t pieces; /* handed out so far */
    uint32_t crc;    /* over all of them */
};

static uint32_t add_piece(uint32_t crc, const struct block *b)
{
    uint8_t head[12];

    put_be32(head, b->index);
    put_be32(head + 4, b->offset);
    put_be32(head + 8, b->len);
    crc = crc32_add(crc, head, sizeof(head));
    crc = crc32_add(crc, b->present, bits_size(b->len / SECTOR_SIZE));
    return crc32_add(crc, b->data, b->len);
}

static int has_changed(const struct retried_image *r, struct err *e)
{
    return err_set(e, ERR_FAILED,
                   "%s: the disk has changed while it was read: what comes "
                   "after the break is not what came before it",
                   r->base.name);
}

static int check_shape(const struct retried_image *r, struct err *e)
{
    struct image_shape shape;

    TRY(image_shape_take(r->inner, &shape, e));
    return image_shape_is_same(&shape, &r->shape) ? 0 : has_changed(r, e);
}

/* Reads up to where the first opening broke. */
static int skip(struct retried_image *r, struct block *b, struct err *e)
{
    uint32_t crc = 0;

    for (uint64_t i = 0; i < r->pieces; i++) {
        int more = image_next(r->inner, b, e);

        TRY(more);
        if (!more)
            return has_changed(r, e);
        crc = add_piece(crc, b);
    }
    return crc == r->crc ? 0 : has_changed(r, e);
}

static int open_again(struct retried_image *r, struct block *b, struct err *e)
{
    TRY(r->reopen(r->ctx, &r->inner, e));
    TRY(check_shape(r, e));
    TRY(skip(r, b, e));
    return image_next(r->inner, b, e);
}

static int retried_next(struct image *img, struct block *b, struct err *e)
{
    struct retried_image *r = (struct retried_image *)img;
    int more = image_next(r->inner, b, e);

    while (more < 0) {
        /* What is not tried again is closed at the end: a read-ahead that goes
         * before its end has all stop that waits. */
        if (e->code != ERR_TEMPORARY)
            return more;
        image_close(r->inner);
        r->inner = NULL;
        TRY(retry_pause(r->retry, e));
        more = open_again(r, b, e);
        if (more >= 0)
            retry_progress(r->retry);
    }
    if (more) {
        r->pieces++;
        r->crc = add_piece(r->crc, b);
    }
    return more;
}

static void retried_close(struct image *img)
{
    struct retried_image *r = (struct retried_image *)img;

    image_close(r->inner);
    image_free_base(img);
    free(r);
}

static const struct image_ops retried_ops = {
    .next = retried_next,
    .close = retried_close,
};

/* The inner image goes when it breaks, so map and order are copies. */
static int copy_map(struct image *to, const struct image *from, struct err *e)
{
    *to = *from;
    to->map = NULL;
    to->order = NULL;
    TRY(mem_alloc(&to->map, bits_size(from->nblocks), "the block map", e));
    memcpy(to->map, from->map, bits_size(from->nblocks));
    if (!from->order || !from->nmapped)
        return 0;
    TRY(mem_alloc_array(&to->order, from->nmapped, sizeof(*to->order),
                        "the order of blocks", e));
    memcpy(to->order, from->order, from->nmapped * sizeof(*to->order));
    return 0;
}

int image_retry(struct image **img, image_reopen_fn *reopen, void *ctx,
                struct retry *retry, struct err *e)
{
    struct retried_image *r = NULL;
    int code;

    TRY(mem_alloc(&r, sizeof(*r), "an image", e));
    code = copy_map(&r->base, *img, e);
    if (code >= 0)
        code = image_shape_take(*img, &r->shape, e);
    if (code < 0) {
        retried_close(&r->base);
        return code;
    }
    r->base.ops = &retried_ops;
    r->inner = *img;
    r->reopen = reopen;
    r->ctx = ctx;
    r->retry = retry;
    *img = &r->base;
    return 0;
}
