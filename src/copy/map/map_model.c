/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/map/map_model.h"

#include "base/bits.h"
#include "base/checked.h"
#include "image/vhd/vhd_decode.h"

#include <string.h>

/* --- cells ---------------------------------------------------------------- */

static void init_cells(struct map_cells *c, uint64_t size)
{
    memset(c, 0, sizeof(*c));
    c->size = size;
    c->cell = SECTOR_SIZE;
    while (div_up(size, c->cell) > MAP_CELLS)
        c->cell *= 2;
    c->count = (uint32_t)div_up(size, c->cell);
}

/* `place` grows with the bytes, up to `last`; 0: there is none. */
static void add_bytes(struct map_cells *c, uint64_t start, uint64_t end,
                      int kind, uint64_t place, uint64_t last)
{
    c->totals[kind] += end - start;
    while (start < end) {
        struct map_cell *cell = &c->cells[start / c->cell];
        uint64_t to = min_u64(end, (start / c->cell + 1) * c->cell);

        cell->bytes[kind] += to - start;
        if (!cell->place)
            cell->place = min_u64(place, last);
        if (place)
            place += to - start;
        start = to;
    }
}

void map_model_init(struct map_model *m, const struct image *img)
{
    memset(m, 0, sizeof(*m));
    init_cells(&m->disk, img->size);
    m->block_size = img->block_size;
    m->nblocks = img->nmapped;
}

void map_model_add(struct map_model *m, const struct extent *x)
{
    add_bytes(&m->disk, x->start, x->start + x->len, (int)x->kind, 0, 0);
}

/* --- the file ------------------------------------------------------------- */

struct filling {
    struct map_model *m;
    const struct image *img;
    uint64_t expected; /* the block that would be in order */
};

static int add_region(void *ctx, const struct vhd_region *r, struct err *e)
{
    struct filling *f = ctx;
    uint64_t place = 0, last = 0;

    (void)e;
    if (r->kind == REGION_BLOCK) {
        const struct image *img = f->img;
        uint64_t next = (uint64_t)r->index + 1;

        place = (uint64_t)r->index * img->block_size + 1;
        last = min_u64(next * img->block_size, img->size);
        f->m->runs += r->index != f->expected;
        if (next < img->nblocks && !bit_get(img->map, next))
            next += bits_run(img->map, next, img->nblocks);
        f->expected = next;
    }
    add_bytes(&f->m->file, r->start, r->end, (int)r->kind, place, last);
    return 0;
}

int map_model_add_file(struct map_model *m, struct image *img, struct err *e)
{
    struct filling f = {.m = m, .img = img, .expected = UINT64_MAX};
    uint64_t size;

    if (!vhd_decode_has_places(img) || !image_is_seekable(img))
        return 0;
    init_cells(&m->file, (uint64_t)vhd_decode_source(img)->size);
    TRY(vhd_regions(img, add_region, &f, &size, e));
    m->has_file = true;
    return 0;
}

/* --- as text -------------------------------------------------------------- */

/* The sum of `per` cells from `first` on. */
static struct map_cell sum_of(const struct map_cells *c, uint32_t first,
                              uint32_t per)
{
    struct map_cell sum = {0};

    for (uint32_t i = first; i < c->count && i < first + per; i++) {
        for (int kind = 0; kind < MAP_KINDS; kind++)
            sum.bytes[kind] += c->cells[i].bytes[kind];
        if (!sum.place)
            sum.place = c->cells[i].place;
    }
    return sum;
}

static char disk_char(const struct map_cell *c, uint64_t len)
{
    static const char letters[] = {'9', 'z', '.', 'p'};
    uint64_t data = c->bytes[EXTENT_DATA];
    int most = EXTENT_ZERO;

    if (data)
        return (char)('0' + max_u64(1, data * 9 / len));
    for (int kind = EXTENT_ZERO; kind < EXTENT_KINDS; kind++)
        if (c->bytes[kind] > c->bytes[most])
            most = kind;
    return letters[most];
}

static char file_char(const struct map_cell *c, uint64_t disk_size)
{
    if (c->place)
        return (char)('0' + (c->place - 1) / div_up(disk_size, 10));
    return c->bytes[REGION_META] ? 'm' : '-';
}

static void draw(const struct map_model *m, const struct map_cells *c,
                 struct map_text *out)
{
    uint32_t per = 1, n = 0;

    while (div_up(c->count, per) > MAP_TEXT)
        per *= 2;
    for (uint32_t i = 0; i < c->count; i += per) {
        struct map_cell sum = sum_of(c, i, per);
        uint64_t len = min_u64(per * c->cell, c->size - i * c->cell);

        out->text[n++] = c == &m->disk ? disk_char(&sum, len)
                                       : file_char(&sum, m->disk.size);
    }
    out->text[n] = '\0';
    out->cell = per * c->cell;
}

void map_text_disk(const struct map_model *m, struct map_text *out)
{
    draw(m, &m->disk, out);
}

void map_text_file(const struct map_model *m, struct map_text *out)
{
    draw(m, &m->file, out);
}
