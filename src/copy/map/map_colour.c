/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/map/map_colour.h"

#include "base/checked.h"

const struct colour colour_empty = {0xee, 0xf1, 0xf5};
const struct colour colour_zeros = {0xf0, 0xcf, 0x7a};
const struct colour colour_parents = {0xb0, 0xbc, 0xc9};
const struct colour colour_metas = {0x2f, 0x38, 0x44};
const struct colour colour_gaps = {0xf3, 0xb4, 0xa6};

/* Of data, from the disk's first byte to its last. */
static const struct colour stops[COLOUR_STOPS] = {
    {0x12, 0x8c, 0x7e}, {0x1f, 0x77, 0xd0}, {0x5b, 0x4b, 0xd6},
    {0xb4, 0x35, 0xa4}, {0xe0, 0x5a, 0x36},
};

static uint8_t mix_channel(uint8_t a, uint8_t b, double share)
{
    return (uint8_t)(a + (b - a) * share + 0.5);
}

static struct colour mix(struct colour a, struct colour b, double share)
{
    return (struct colour){mix_channel(a.r, b.r, share),
                           mix_channel(a.g, b.g, share),
                           mix_channel(a.b, b.b, share)};
}

struct colour colour_scale(double at)
{
    double stop = at * (COLOUR_STOPS - 1);
    int below = (int)stop;

    if (below >= COLOUR_STOPS - 1)
        return stops[COLOUR_STOPS - 1];
    return mix(stops[below], stops[below + 1], stop - below);
}

double map_share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

struct colour colour_of_disk(const struct map_cells *c, uint32_t i)
{
    const uint64_t *bytes = c->cells[i].bytes;
    uint64_t len = min_u64(c->cell, c->size - i * c->cell);
    uint64_t rest = len - bytes[EXTENT_DATA];
    struct colour out =
        mix(colour_empty, colour_zeros, map_share(bytes[EXTENT_ZERO], rest));

    if (bytes[EXTENT_PARENT])
        out = mix(out, colour_parents, map_share(bytes[EXTENT_PARENT], rest));
    if (!bytes[EXTENT_DATA])
        return out;
    return mix(out, colour_scale(map_share(i * c->cell, c->size)),
               0.3 + 0.7 * map_share(bytes[EXTENT_DATA], len));
}

struct colour colour_of_file(const struct map_model *m, uint32_t i)
{
    const struct map_cells *c = &m->file;
    const struct map_cell *cell = &c->cells[i];
    uint64_t len = min_u64(c->cell, c->size - i * c->cell);
    struct colour out = colour_metas;

    if (cell->place)
        out = colour_scale(map_share(cell->place - 1, m->disk.size));
    else if (!cell->bytes[REGION_META])
        return colour_gaps;
    return mix(out, colour_gaps, 0.7 * map_share(cell->bytes[REGION_GAP], len));
}

bool colour_equal(struct colour a, struct colour b)
{
    return a.r == b.r && a.g == b.g && a.b == b.b;
}
