/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/digest/image_compare.h"

#include <stdatomic.h>

struct in_order {
    struct image *coming, *seekable;
    const struct compare_options *opt;
    uint64_t size;  /* of the smaller one */
    uint64_t first; /* lowest difference so far; `size`: none */
    bool rest_is_zero;
    uint8_t *buf; /* PIECE_MAX bytes */
};

/* Bytes [at, at + len) of the seekable one against `data` (NULL: zeros); what
 * lies past the end of the smaller disk is the rest of `data`. */
static int compare_range(struct in_order *c, const uint8_t *data, uint64_t at,
                         size_t len, struct err *e)
{
    size_t common = at < c->size ? (size_t)min_u64(len, c->size - at) : 0;
    size_t same;

    if (data && !zero_is(data + common, len - common))
        c->rest_is_zero = false;
    if (at >= c->first)
        return 0;
    TRY(image_read(c->seekable, c->buf, common, at, e));
    same = compare_bytes(data, c->buf, common);
    if (same < common)
        c->first = min_u64(c->first, at + same);
    return 0;
}

static int compare_blocks(struct in_order *c, struct err *e)
{
    CLEANUP(block) struct block b = {0};
    int more;

    TRY(block_open(&b, e));
    while ((more = image_next(c->coming, &b, e)) > 0) {
        uint64_t at = (uint64_t)b.index * c->coming->block_size + b.offset;

        TRY(wait_check(c->opt->wait, e));
        if (!c->first)
            return 0;
        TRY(compare_range(c, b.data, at, b.len, e));
        if (c->opt->progress)
            atomic_fetch_add(&c->opt->progress->done, b.len);
    }
    return more;
}

/* A block that the seekable one does not have is zeros. */
static bool is_hole(const struct image *img, uint64_t at, uint64_t end)
{
    uint64_t from = at / img->block_size;
    uint64_t to = (end - 1) / img->block_size + 1;

    return !bit_get(img->map, from) &&
           bits_run(img->map, from, to) == to - from;
}

/* Bytes [at, end) of the seekable one have to be zeros. */
static int compare_hole(struct in_order *c, uint64_t at, uint64_t end,
                        struct err *e)
{
    end = min_u64(end, c->first);
    while (at < end) {
        size_t len = (size_t)min_u64(end - at, PIECE_MAX);

        TRY(wait_check(c->opt->wait, e));
        if (!is_hole(c->seekable, at, at + len))
            TRY(compare_range(c, NULL, at, len, e));
        at += len;
    }
    return 0;
}

/* Where the one that came has no blocks. */
static int compare_holes(struct in_order *c, struct err *e)
{
    const struct image *img = c->coming;

    for (uint64_t i = 0; i < img->nblocks && i * img->block_size < c->first;) {
        uint64_t run = bits_run(img->map, i, img->nblocks);

        if (!bit_get(img->map, i))
            TRY(compare_hole(c, i * img->block_size,
                             min_u64((i + run) * img->block_size, img->size),
                             e));
        i += run;
    }
    return 0;
}

/* The seekable one is larger: what it has past the other's end. */
static int look_at_rest(struct in_order *c, struct err *e)
{
    uint64_t at = c->size, end = c->seekable->size;

    while (at < end && c->rest_is_zero) {
        size_t len = (size_t)min_u64(end - at, PIECE_MAX);

        TRY(wait_check(c->opt->wait, e));
        if (!is_hole(c->seekable, at, at + len)) {
            TRY(image_read(c->seekable, c->buf, len, at, e));
            c->rest_is_zero = zero_is(c->buf, len);
        }
        at += len;
    }
    return 0;
}

int compare_in_order(struct image *coming, struct image *seekable,
                     const struct compare_options *opt, struct comparison *out,
                     struct err *e)
{
    FREE uint8_t *buf = NULL;
    struct in_order c = {
        .coming = coming,
        .seekable = seekable,
        .opt = opt,
        .size = min_u64(coming->size, seekable->size),
        .rest_is_zero = true,
    };

    TRY(mem_alloc_buffer(&buf, PIECE_MAX, e));
    c.buf = buf;
    c.first = c.size;
    TRY(compare_blocks(&c, e));
    TRY(compare_holes(&c, e));
    *out = (struct comparison){.first = c.first, .span = 1};
    if (c.first < c.size)
        return 0;
    TRY(look_at_rest(&c, e));
    out->same = coming->size == seekable->size;
    out->rest_is_zero = c.rest_is_zero && !out->same;
    return 0;
}
