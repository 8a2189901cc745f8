/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_blocks.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd/vhd_table.h"

#include <stdlib.h>

enum { GROUP = 512 };

int vhd_blocks_init(struct vhd_blocks *out, const uint32_t *bat, uint32_t count,
                    const uint8_t *map, struct err *e)
{
    struct vhd_blocks b = {.map = map};
    uint32_t n = 0;
    int result;

    TRY(mem_alloc_array(&b.places, bits_count(map, count), sizeof(*b.places),
                        "the places of the blocks", e));
    result = mem_alloc_array(&b.ranks, div_up(count, GROUP), sizeof(*b.ranks),
                             "the places of the blocks", e);
    if (result < 0) {
        vhd_blocks_free(&b);
        return result;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i % GROUP == 0)
            b.ranks[i / GROUP] = n;
        if (vhd_entry_used(bat[i]))
            b.places[n++] = bat[i];
    }
    *out = b;
    return 0;
}

uint64_t vhd_blocks_place(const struct vhd_blocks *b, uint32_t index)
{
    uint32_t group = index / GROUP;
    uint64_t before = bits_count(b->map + group * (GROUP / 8), index % GROUP);

    return (uint64_t)b->places[b->ranks[group] + before] * 512;
}

void vhd_blocks_free(struct vhd_blocks *b)
{
    free(b->places);
    free(b->ranks);
    *b = (struct vhd_blocks){0};
}
