/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/zero.h"
#include "image/digest/image_compare.h"

#include <stdatomic.h>

/* A disk on its way: the piece in hand covers [at, end). */
struct side {
    struct image *img;
    struct block b;
    bool in_hand, ended;
    uint64_t at, end;
};

static int fetch(struct side *s, const struct wait *wait, struct err *e)
{
    int more;

    if (s->in_hand || s->ended)
        return 0;
    TRY(wait_check(wait, e));
    more = image_next(s->img, &s->b, e);
    TRY(more);
    s->in_hand = more;
    s->ended = !more;
    s->at = (uint64_t)s->b.index * s->img->block_size + s->b.offset;
    s->end = s->at + s->b.len;
    return 0;
}

/* The content from `pos` on: its bytes, or NULL for zeros; *end is where that
 * ends. */
static const uint8_t *content(const struct side *s, uint64_t pos, uint64_t *end)
{
    if (!s->in_hand) {
        *end = s->img->size;
        return NULL;
    }
    if (s->at > pos) {
        *end = s->at;
        return NULL;
    }
    *end = s->end;
    return s->b.data + (pos - s->at);
}

static void advance(struct side *s, uint64_t pos)
{
    if (s->in_hand && s->end <= pos)
        s->in_hand = false;
}

/* Stores the first byte that differs, or `size` where none does. */
static int compare_common(struct side s[2], uint64_t size,
                          const struct compare_options *opt, uint64_t *first,
                          struct err *e)
{
    uint64_t pos = 0;

    while (pos < size) {
        const uint8_t *a, *b;
        uint64_t a_end, b_end;
        size_t len, same;

        TRY(fetch(&s[0], opt->wait, e));
        TRY(fetch(&s[1], opt->wait, e));
        a = content(&s[0], pos, &a_end);
        b = content(&s[1], pos, &b_end);
        len = (size_t)(min_u64(min_u64(a_end, b_end), size) - pos);
        same = compare_bytes(a, b, len);
        pos += same;
        if (opt->progress)
            atomic_store(&opt->progress->done, pos);
        if (same < len)
            break;
        advance(&s[0], pos);
        advance(&s[1], pos);
    }
    *first = pos;
    return 0;
}

/* Reads on to the verified end; clears *zero when there is a byte other than
 * zero past the first `size`. */
static int drain(struct side *s, uint64_t size, const struct wait *wait,
                 bool *zero, struct err *e)
{
    TRY(fetch(s, wait, e));
    while (s->in_hand) {
        uint64_t skip = s->at < size ? size - s->at : 0;

        if (skip < s->b.len && !zero_is(s->b.data + skip, s->b.len - skip))
            *zero = false;
        s->in_hand = false;
        TRY(fetch(s, wait, e));
    }
    return 0;
}

static int compare(struct side s[2], const struct compare_options *opt,
                   struct comparison *out, struct err *e)
{
    uint64_t sizes[2] = {s[0].img->size, s[1].img->size};
    uint64_t size = min_u64(sizes[0], sizes[1]);
    bool zero = true;

    *out = (struct comparison){.span = 1};
    TRY(compare_common(s, size, opt, &out->first, e));
    if (out->first < size)
        return 0;
    TRY(drain(&s[0], size, opt->wait, &zero, e));
    TRY(drain(&s[1], size, opt->wait, &zero, e));
    out->same = sizes[0] == sizes[1];
    out->rest_is_zero = zero && !out->same;
    return 0;
}

int compare_side_by_side(struct image *const img[2],
                         const struct compare_options *opt,
                         struct comparison *out, struct err *e)
{
    struct side s[2] = {{.img = img[0]}, {.img = img[1]}};
    int result = block_open(&s[0].b, e);

    if (!result)
        result = block_open(&s[1].b, e);
    if (!result)
        result = compare(s, opt, out, e);
    block_close(&s[0].b);
    block_close(&s[1].b);
    return result;
}
