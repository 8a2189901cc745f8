/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/*
 * Each side hands out the hashes of its leaves by address: a list as it is, a
 * disk through a leaf_order. The side that is behind is made to go on; what the
 * other one handed out too early waits in the queue. A side gets ahead by what
 * one piece sets free, so the queue is never longer than what has waited in its
 * leaf_order before.
 */

#include "base/checked.h"
#include "base/mem.h"
#include "image/digest/digest.h"
#include "image/digest/image_compare.h"
#include "image/digest/image_hash.h"
#include "image/digest/leaf_order.h"
#include "image/digest/leaf_sum.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_MIN = 1024,
    QUEUE_MAX = LEAF_ORDER_BUDGET / LEAF_HASH_SIZE +
                2 * (HASH_SLOTS + 1) * PIECE_LEAVES,
};

/* `count` leaves of the same hash. */
struct run {
    uint64_t count;
    struct leaf_hash hash;
};

struct meeting;

struct side {
    struct meeting *meeting;
    struct compared *of;
    struct leaf_order *order;
    struct block b;
    uint64_t at; /* leaves handed out */
    bool ended;
};

struct meeting {
    struct side sides[2];
    const struct side *ahead; /* whose runs are in the queue */
    struct run *queue;
    size_t from, end, room;
    uint64_t common; /* leaves that both have */
    bool differ;
    uint64_t first;       /* where they do */
    struct leaf_sum *sum; /* of what the first side handed out */
};

/* --- the queue ------------------------------------------------------------ */

static int make_room(struct meeting *m, struct err *e)
{
    size_t len = m->end - m->from;
    size_t room = m->room ? 2 * m->room : QUEUE_MIN;
    struct run *bigger;

    if (len <= m->room / 2 && m->room) {
        memmove(m->queue, m->queue + m->from, len * sizeof(*m->queue));
        m->from = 0;
        m->end = len;
        return 0;
    }
    if (m->room >= QUEUE_MAX)
        return err_set(e, ERR_NO_SPACE,
                       "the hashes of the two disks come too far apart");
    TRY(mem_alloc_array(&bigger, room, sizeof(*bigger), "hashes that wait", e));
    if (len)
        memcpy(bigger, m->queue + m->from, len * sizeof(*m->queue));
    free(m->queue);
    m->queue = bigger;
    m->room = room;
    m->from = 0;
    m->end = len;
    return 0;
}

static int append(struct meeting *m, const struct side *s,
                  const struct run *run, struct err *e)
{
    if (m->end == m->room)
        TRY(make_room(m, e));
    m->ahead = s;
    m->queue[m->end++] = *run;
    return 0;
}

/* Compares a run with what the other side has left; what is too early is kept.
 */
static int meet(struct side *s, struct run run, struct err *e)
{
    struct meeting *m = s->meeting;

    run.count = min_u64(run.count, m->common - min_u64(s->at, m->common));
    while (run.count && m->from < m->end && m->ahead != s) {
        struct run *other = &m->queue[m->from];
        uint64_t both = min_u64(run.count, other->count);

        if (!leaf_hash_equal(&run.hash, &other->hash)) {
            m->differ = true;
            m->first = s->at;
            return 0;
        }
        s->at += both;
        run.count -= both;
        other->count -= both;
        m->from += !other->count;
    }
    s->at += run.count;
    return run.count ? append(m, s, &run, e) : 0;
}

/* A leaf_line. */
static int hand_out(void *ctx, const struct leaf_hash *hash, uint64_t count,
                    struct err *e)
{
    struct side *s = ctx;

    if (s == s->meeting->sides)
        TRY(leaf_sum_add(s->meeting->sum, hash, count, e));
    if (!hash)
        return s->meeting->differ
                   ? 0
                   : meet(s, (struct run){count, leaf_hash_of_zeros}, e);
    for (uint64_t i = 0; i < count && !s->meeting->differ; i++)
        TRY(meet(s, (struct run){1, hash[i]}, e));
    return 0;
}

/* --- the sides ------------------------------------------------------------ */

static int go_on_list(struct side *s, struct err *e)
{
    const struct leaf_hash *hash;
    uint64_t count;
    int more = hash_reader_next(s->of->list, &hash, &count, e);

    if (more > 0)
        return hand_out(s, hash, count, e);
    s->ended = !more;
    return more;
}

static int go_on(struct side *s, struct err *e)
{
    int more;

    if (s->of->list)
        return go_on_list(s, e);
    more = image_next(s->of->img, &s->b, e);
    if (more)
        return more < 0 ? more : 0;
    s->ended = true;
    return s->meeting->differ ? 0 : leaf_order_finish(s->order, e);
}

static int open_side(struct side *s, const struct compare_options *opt,
                     struct err *e)
{
    if (s->of->list)
        return 0;
    TRY(digest_prepare(&s->of->img, e));
    TRY(block_open(&s->b, e));
    TRY(leaf_order_open(&s->order, s->of->img, hand_out, s, e));
    TRY(image_async(&s->of->img, opt->threads, e));
    return image_hash(&s->of->img, opt->pool, leaf_order_take, s->order, e);
}

static struct side *behind(struct meeting *m)
{
    struct side *a = &m->sides[0], *b = &m->sides[1];

    if (a->ended || b->ended)
        return a->ended ? b : a;
    return b->at < a->at ? b : a;
}

static int compare(struct meeting *m, const struct compare_options *opt,
                   struct err *e)
{
    TRY(leaf_sum_open(&m->sum, compared_size(m->sides[0].of), e));
    TRY(open_side(&m->sides[0], opt, e));
    TRY(open_side(&m->sides[1], opt, e));
    while (!m->differ && !(m->sides[0].ended && m->sides[1].ended)) {
        TRY(wait_check(opt->wait, e));
        TRY(go_on(behind(m), e));
        if (opt->progress)
            atomic_store(&opt->progress->done,
                         min_u64(m->sides[0].at, m->sides[1].at) * LEAF_SIZE);
    }
    return 0;
}

/* A leaf that is longer on one side tells nothing: only where both disks are of
 * one size their last leaf counts. */
static void conclude(const struct meeting *m, uint64_t a, uint64_t b,
                     struct comparison *out)
{
    uint64_t size = min_u64(a, b);

    out->same = !m->differ && a == b;
    out->first = m->differ ? m->first * LEAF_SIZE : m->common * LEAF_SIZE;
    out->span = (uint32_t)min_u64(LEAF_SIZE, size - min_u64(size, out->first));
    if (!out->span)
        out->span = 1;
    out->rest_is_zero = false;
}

/* The digest of both, where they are the same. */
static int sum_up(const struct meeting *m, struct compared pair[2],
                  struct err *e)
{
    TRY(leaf_sum_finish(m->sum, &pair[0].digest, e));
    pair[1].digest = pair[0].digest;
    pair[0].has_digest = pair[1].has_digest = true;
    return 0;
}

int compare_hashes(struct compared pair[2], const struct compare_options *opt,
                   struct comparison *out, struct err *e)
{
    uint64_t a = compared_size(&pair[0]), b = compared_size(&pair[1]);
    struct meeting m = {
        .sides = {{.of = &pair[0]}, {.of = &pair[1]}},
        .common = a == b ? div_up(a, LEAF_SIZE) : min_u64(a, b) / LEAF_SIZE,
    };
    int result;

    m.sides[0].meeting = m.sides[1].meeting = &m;
    result = compare(&m, opt, e);
    if (!result)
        conclude(&m, a, b, out);
    if (!result && out->same)
        result = sum_up(&m, pair, e);
    for (int i = 0; i < 2; i++) {
        block_close(&m.sides[i].b);
        leaf_order_close(m.sides[i].order);
    }
    leaf_sum_close(m.sum);
    free(m.queue);
    return result;
}
