/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_regions.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "image/vhd/vhd_batmap.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_head.h"
#include "image/vhd/vhd_table.h"

#include <stdlib.h>
#include <string.h>

/* The parts, and what vhd_head does not count as one: the batmap's header, its
 * map, the trailing footer. */
enum { METAS = VHD_PARTS + 3 };

struct meta {
    uint64_t start, end;
};

struct walk {
    region_taker *take;
    void *ctx;
    uint64_t at; /* all before was handed out */
    struct meta metas[METAS];
    int nmetas, next;
};

static void add_meta(struct walk *w, uint64_t start, uint64_t end)
{
    w->metas[w->nmetas++] = (struct meta){start, end};
}

/* Where its cookie stands it is one; what it says of its map may be wrong. */
static int add_batmap(struct walk *w, struct source *src,
                      const struct vhd_head *h, struct err *e)
{
    uint64_t at = vhd_table_end(&h->header);
    uint8_t raw[VHD_BATMAP_HEADER];
    uint64_t map, len;

    if (at + sizeof(raw) > h->limit)
        return 0;
    TRY(source_pread_full(src, raw, sizeof(raw), at, "what follows the table",
                          e));
    if (memcmp(raw, "tdbatmap", 8) != 0)
        return 0;
    add_meta(w, at, at + sizeof(raw));
    map = get_be64(raw + 8);
    len = (uint64_t)get_be32(raw + 16) * SECTOR_SIZE;
    if (map < h->limit && len <= h->limit - map)
        add_meta(w, map, map + len);
    return 0;
}

static int by_start(const void *a, const void *b)
{
    const struct meta *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

static int find_metas(struct walk *w, struct source *src,
                      const struct vhd_head *h, struct err *e)
{
    for (int i = 0; i < h->nparts; i++)
        add_meta(w, h->parts[i].start, h->parts[i].end);
    if (h->footer_size)
        add_meta(w, h->limit, h->limit + h->footer_size);
    TRY(add_batmap(w, src, h, e));
    qsort(w->metas, (size_t)w->nmetas, sizeof(w->metas[0]), by_start);
    return 0;
}

/* Hands out [start, end) and the gap before it, as far as they are new. */
static int hand_out(struct walk *w, uint64_t start, uint64_t end,
                    enum region_kind kind, uint32_t index, struct err *e)
{
    struct vhd_region r = {REGION_GAP, w->at, start, 0};

    if (w->at < start)
        TRY(w->take(w->ctx, &r, e));
    r = (struct vhd_region){kind, max_u64(w->at, start), end, index};
    if (r.start >= end)
        return 0;
    w->at = end;
    return w->take(w->ctx, &r, e);
}

static int pass_metas(struct walk *w, uint64_t until, struct err *e)
{
    for (; w->next < w->nmetas && w->metas[w->next].start < until; w->next++)
        TRY(hand_out(w, w->metas[w->next].start, w->metas[w->next].end,
                     REGION_META, 0, e));
    return 0;
}

/* The order of blocks is that of the file. */
static int pass_blocks(struct walk *w, const struct image *img, struct err *e)
{
    uint32_t cursor = 0;

    for (uint32_t i = 0; i < img->nmapped; i++) {
        uint32_t index = image_step(img, &cursor);
        uint64_t at = vhd_decode_place(img, index);

        TRY(pass_metas(w, at, e));
        TRY(hand_out(w, at,
                     at + img->vhd->bitmap_size + image_block_len(img, index),
                     REGION_BLOCK, index, e));
    }
    return 0;
}

int vhd_regions(struct image *img, region_taker *take, void *ctx,
                uint64_t *size, struct err *e)
{
    struct source *src = vhd_decode_source(img);
    struct walk w = {.take = take, .ctx = ctx};

    *size = (uint64_t)src->size;
    TRY(find_metas(&w, src, img->vhd, e));
    TRY(pass_blocks(&w, img, e));
    TRY(pass_metas(&w, UINT64_MAX, e));
    return hand_out(&w, *size, *size, REGION_GAP, 0, e);
}
