/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/image_compare.h"

#include "base/checked.h"
#include "base/zero.h"
#include "image/digest/digest.h"

#include <string.h>

enum { LOOK = 4096 };

/* --- bytes ---------------------------------------------------------------- */

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (!a || !b)
        return (!a || zero_is(a, len)) && (!b || zero_is(b, len));
    return !memcmp(a, b, len);
}

static uint8_t byte_at(const uint8_t *p, size_t i)
{
    return p ? p[i] : 0;
}

size_t compare_bytes(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t at = 0, now;

    if (same_bytes(a, b, len))
        return len;
    while (now = (size_t)min_u64(LOOK, len - at),
           same_bytes(a ? a + at : NULL, b ? b + at : NULL, now))
        at += now;
    while (byte_at(a, at) == byte_at(b, at))
        at++;
    return at;
}

/* --- which way ------------------------------------------------------------ */

uint64_t compared_size(const struct compared *c)
{
    return c->list ? hash_reader_size(c->list) : c->img->size;
}

static bool comes_by_address(const struct image *img)
{
    return image_is_ascending(img) || image_is_seekable(img);
}

static int check_whole(const struct compared *c, struct err *e)
{
    if (!c->img || !c->img->has_parent)
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: a differencing disk cannot be compared without its "
                   "parents: it holds only what differs from them",
                   c->img->name);
}

static int by_address(struct compared pair[2],
                      const struct compare_options *opt, struct comparison *out,
                      struct err *e)
{
    for (int i = 0; i < 2; i++) {
        if (!image_is_ascending(pair[i].img))
            TRY(image_ascend(&pair[i].img, e));
        TRY(image_async(&pair[i].img, opt->threads, e));
    }
    return compare_side_by_side((struct image *[]){pair[0].img, pair[1].img},
                                opt, out, e);
}

int image_compare(struct compared pair[2], const struct compare_options *opt,
                  struct comparison *out, struct err *e)
{
    bool lists = pair[0].list || pair[1].list;
    int seekable;

    TRY(check_whole(&pair[0], e));
    TRY(check_whole(&pair[1], e));
    if (opt->progress)
        atomic_store(&opt->progress->total,
                     min_u64(compared_size(&pair[0]), compared_size(&pair[1])));
    if (lists)
        return compare_hashes(pair, opt, out, e);
    if (comes_by_address(pair[0].img) && comes_by_address(pair[1].img))
        return by_address(pair, opt, out, e);
    seekable = image_is_seekable(pair[1].img);
    if (!seekable && !image_is_seekable(pair[0].img))
        return compare_hashes(pair, opt, out, e);
    TRY(image_async(&pair[!seekable].img, opt->threads, e));
    return compare_in_order(pair[!seekable].img, pair[seekable].img, opt, out,
                            e);
}
