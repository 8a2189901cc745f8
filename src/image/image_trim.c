/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/image.h"

enum { FIRST_LOOK = 4096, LOOK = 128 * 1024 };

/* 1: block `index` holds only zeros. Ends at the first byte that is not. */
static int block_is_zero(struct image *img, uint32_t index, uint8_t *buf,
                         struct err *e)
{
    uint64_t at = (uint64_t)index * img->block_size;
    uint32_t left = image_block_len(img, index);
    uint32_t look = FIRST_LOOK;

    while (left) {
        uint32_t now = (uint32_t)min_u64(left, look);

        TRY(image_read(img, buf, now, at, e));
        if (!zero_is(buf, now))
            return 0;
        at += now;
        left -= now;
        look = LOOK;
    }
    return 1;
}

/* The order without the blocks that are no longer in the map. */
static void shorten_order(struct image *img)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < img->nmapped; i++)
        if (bit_get(img->map, img->order[i]))
            img->order[kept++] = img->order[i];
}

int image_trim(struct image *img, const struct wait *wait, struct err *e)
{
    FREE uint8_t *buf = NULL;

    if (!image_is_seekable(img) || img->has_parent)
        return 0;
    TRY(mem_alloc(&buf, LOOK, "a buffer", e));
    for (uint32_t i = 0; i < img->nblocks; i++) {
        int zero;

        if (!bit_get(img->map, i))
            continue;
        TRY(wait_check(wait, e));
        zero = block_is_zero(img, i, buf, e);
        TRY(zero);
        if (zero)
            bit_clear(img->map, i);
    }
    if (img->order)
        shorten_order(img);
    img->nmapped = (uint32_t)bits_count(img->map, img->nblocks);
    return 0;
}
