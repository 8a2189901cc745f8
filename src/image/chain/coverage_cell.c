/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/coverage_cell.h"

#include "base/checked.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAP_UNIT = 16,   /* the allocator's steps ... */
    HEAP_HEAD = 8,    /* ... what it adds ... */
    HEAP_LEAST = 32,  /* ... and the least that it gives */
    PALETTE_MAX = 256 /* with more owners there is none: 16 bits a sector */
};

/*
 * width 0: `count` runs, each of two words: first sector, owner. Else a palette
 * of `count` owners, and `width` bits a sector that say which of them; or, with
 * 16 bits, the owner itself and no palette.
 */
struct packed_cell {
    uint16_t width, count;
    uint16_t words[];
};

/* What has to be known of the owners before they are packed. */
struct cell_plan {
    uint32_t runs;
    uint32_t colours;                  /* owners that differ */
    uint16_t palette[PALETTE_MAX + 1]; /* the first of them */
    uint16_t slot[RANKS_MAX + 1];      /* of an owner in the palette */
    unsigned width;
    size_t words;
};

/* --- words ----------------------------------------------------------------*/

static struct packed_cell *packed_of(coverage_cell cell)
{
    return (struct packed_cell *)cell;
}

static size_t plane_words(unsigned width)
{
    return (size_t)CELL_SECTORS * width / 16;
}

static size_t words_of(const struct packed_cell *p)
{
    return p->width ? p->count + plane_words(p->width) : 2 * (size_t)p->count;
}

static size_t slot_of(uint16_t owner)
{
    return owner == OWNER_NONE ? RANKS_MAX : owner;
}

/* --- unpacking ------------------------------------------------------------*/

static void unpack_runs(const struct packed_cell *p, uint16_t *owners)
{
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t from = p->words[2 * i];
        uint32_t end =
            i + 1u < p->count ? p->words[2 * i + 2] : (uint32_t)CELL_SECTORS;

        for (uint32_t at = from; at < end; at++)
            owners[at] = p->words[2 * i + 1];
    }
}

static void unpack_plane(const struct packed_cell *p, uint16_t *owners)
{
    const uint16_t *plane = p->words + p->count;
    uint32_t mask = (1u << p->width) - 1;

    for (uint32_t i = 0; i < CELL_SECTORS; i++) {
        uint32_t bit = i * p->width;
        uint32_t value = (uint32_t)plane[bit / 16] >> bit % 16 & mask;

        owners[i] = p->count ? p->words[value] : (uint16_t)value;
    }
}

void cell_unpack(coverage_cell cell, uint16_t owners[CELL_SECTORS])
{
    int all = cell_owner(cell);

    if (all >= 0)
        for (uint32_t i = 0; i < CELL_SECTORS; i++)
            owners[i] = (uint16_t)all;
    else if (packed_of(cell)->width)
        unpack_plane(packed_of(cell), owners);
    else
        unpack_runs(packed_of(cell), owners);
}

/* --- packing --------------------------------------------------------------*/

static void plan_width(struct cell_plan *p)
{
    size_t palette = p->colours <= PALETTE_MAX ? p->colours : 0;

    p->width = 1;
    while (palette > 1u << p->width)
        p->width *= 2;
    if (!palette)
        p->width = 16;
    p->words = palette + plane_words(p->width);
    if (2 * (size_t)p->runs <= p->words) {
        p->width = 0;
        p->words = 2 * (size_t)p->runs;
    }
}

static void plan(struct cell_plan *p, const uint16_t *owners)
{
    memset(p->slot, 0xff, sizeof(p->slot));
    p->runs = p->colours = 0;
    for (uint32_t i = 0; i < CELL_SECTORS; i++) {
        if (i && owners[i] == owners[i - 1])
            continue;
        p->runs++;
        if (p->slot[slot_of(owners[i])] != UINT16_MAX)
            continue;
        if (p->colours < PALETTE_MAX)
            p->palette[p->colours] = owners[i];
        p->slot[slot_of(owners[i])] = (uint16_t)p->colours++;
    }
    plan_width(p);
}

static void pack_runs(struct packed_cell *to, const uint16_t *owners)
{
    for (uint32_t i = 0; i < CELL_SECTORS; i++) {
        if (i && owners[i] == owners[i - 1])
            continue;
        to->words[2 * to->count] = (uint16_t)i;
        to->words[2 * to->count + 1] = owners[i];
        to->count++;
    }
}

static void pack_plane(struct packed_cell *to, const struct cell_plan *p,
                       const uint16_t *owners)
{
    uint16_t *plane;

    to->count = (uint16_t)(p->width < 16 ? p->colours : 0);
    memcpy(to->words, p->palette, to->count * sizeof(uint16_t));
    plane = to->words + to->count;
    for (uint32_t i = 0; i < CELL_SECTORS; i++) {
        uint32_t bit = i * p->width;
        uint16_t value = to->count ? p->slot[slot_of(owners[i])] : owners[i];

        plane[bit / 16] |= (uint16_t)(value << bit % 16);
    }
}

static coverage_cell cell_of_one(uint16_t owner)
{
    return owner == OWNER_NONE ? 0 : (coverage_cell)owner << 1 | 1;
}

int cell_pack(coverage_cell *out, const uint16_t owners[CELL_SECTORS],
              struct err *e)
{
    struct packed_cell *to = NULL;
    struct cell_plan p;

    plan(&p, owners);
    if (p.runs == 1) {
        *out = cell_of_one(owners[0]);
        return 0;
    }
    TRY(mem_alloc(&to, sizeof(*to) + p.words * sizeof(uint16_t),
                  "the map of sectors written", e));
    to->width = (uint16_t)p.width;
    if (p.width)
        pack_plane(to, &p, owners);
    else
        pack_runs(to, owners);
    *out = (coverage_cell)to;
    return 0;
}

uint64_t cell_memory(coverage_cell cell)
{
    uint64_t len;

    if (!cell_is_packed(cell))
        return 0;
    len = sizeof(struct packed_cell) + words_of(packed_of(cell)) * 2;
    return max_u64(round_up(len + HEAP_HEAD, HEAP_UNIT), HEAP_LEAST);
}

void cell_free(coverage_cell cell)
{
    if (cell_is_packed(cell))
        free(packed_of(cell));
}
