/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/image_hash.h"

#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

/* A piece on the lane: its buffers are the slot's alone. */
struct hash_slot {
    struct hasher *hasher;
    struct block piece;
    struct leaf_hash hashes[PIECE_LEAVES];
};

struct hashed_image {
    struct image base;
    struct image *inner;
    leaf_taker *take;
    void *ctx;
    struct lane *lane;
    struct hash_slot slots[HASH_SLOTS];
    /* What the user of the image has in hand: it is hashed when it comes back.
     * data is NULL where there is none. */
    struct block lent;
};

static int hash_piece(void *slot, struct err *e)
{
    struct hash_slot *s = slot;

    return hasher_leaves(s->hasher, s->piece.data, s->piece.len, s->hashes, e);
}

/* 1: the oldest piece was handed on and its slot is free; 0: there is none. */
static int hand_on(struct hashed_image *h, struct err *e)
{
    const struct hash_slot *s;
    uint64_t at;
    void *slot;
    int more = lane_take(h->lane, &slot, e);

    if (more <= 0)
        return more;
    s = slot;
    at = (uint64_t)s->piece.index * h->base.block_size + s->piece.offset;
    TRY(h->take(h->ctx, at / LEAF_SIZE, s->hashes,
                (uint32_t)div_up(s->piece.len, LEAF_SIZE), e));
    lane_release(h->lane);
    return 1;
}

static void swap_buffers(struct block *a, struct block *b)
{
    struct block other = *a;

    a->data = b->data;
    a->present = b->present;
    b->data = other.data;
    b->present = other.present;
}

/* The user is done with a piece: off with it to the lane. */
static int take_back(struct hashed_image *h, struct block *b, struct err *e)
{
    struct hash_slot *s;

    if (b->data != h->lent.data)
        return err_set(e, ERR_FAILED, "%s: another block came back",
                       h->base.name);
    while (!(s = lane_slot(h->lane)))
        TRY(hand_on(h, e));
    s->piece.index = h->lent.index;
    s->piece.offset = h->lent.offset;
    s->piece.len = h->lent.len;
    swap_buffers(&s->piece, b);
    h->lent.data = NULL;
    lane_submit(h->lane);
    return 0;
}

static int hash_next(struct image *img, struct block *b, struct err *e)
{
    struct hashed_image *h = (struct hashed_image *)img;
    int more;

    if (h->lent.data)
        TRY(take_back(h, b, e));
    while (lane_ready(h->lane))
        TRY(hand_on(h, e));
    more = image_next(h->inner, b, e);
    if (more > 0)
        h->lent = *b;
    if (more)
        return more;
    while ((more = hand_on(h, e)) > 0)
        ;
    return more;
}

static void hash_close(struct image *img)
{
    struct hashed_image *h = (struct hashed_image *)img;

    lane_close(h->lane);
    for (int i = 0; i < HASH_SLOTS; i++) {
        hasher_close(h->slots[i].hasher);
        block_close(&h->slots[i].piece);
    }
    image_close(h->inner);
    free(h);
}

static const struct image_ops hash_ops = {
    .next = hash_next,
    .close = hash_close,
};

static int start(struct hashed_image *h, struct pool *pool, struct err *e)
{
    unsigned nslots = (unsigned)min_u64(pool_threads(pool) + 1, HASH_SLOTS);
    void *slots[HASH_SLOTS];

    for (unsigned i = 0; i < nslots; i++) {
        TRY(hasher_open(&h->slots[i].hasher, e));
        TRY(block_open(&h->slots[i].piece, e));
        slots[i] = &h->slots[i];
    }
    return lane_open(&h->lane, pool, slots, nslots, hash_piece, e);
}

int image_hash(struct image **img, struct pool *pool, leaf_taker *take,
               void *ctx, struct err *e)
{
    struct hashed_image *h = NULL;
    int result;

    if ((*img)->block_size < LEAF_SIZE)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: blocks of %" PRIu32
                       " bytes cannot be hashed as they come",
                       (*img)->name, (*img)->block_size);
    TRY(mem_alloc(&h, sizeof(*h), "an image", e));
    h->base = **img;
    h->base.ops = &hash_ops;
    h->take = take;
    h->ctx = ctx;
    result = start(h, pool, e);
    if (result < 0) {
        hash_close(&h->base);
        return result;
    }
    h->inner = *img;
    *img = &h->base;
    return 0;
}
