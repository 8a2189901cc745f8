/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Members of a chain in any order, with any sectors: what the map hides of each
 * is what a plain array of owners hides, whatever has become one meanwhile. */

#include "base/bits.h"
#include "fuzzing.h"
#include "image/chain/coverage.h"

#include <string.h>

/* Of the input's first byte: no owner is forgotten; the budget is so small that
 * cells are packed anew. */
enum { KEEP = 1, TIGHT = 2 };

enum {
    CELLS = 2,
    SECTORS = CELLS * CELL_SECTORS,
    RANKS = 32,
    NOBODY = 0xffff,
    TIGHT_BUDGET = CELLS * 1100,
};

struct chain {
    const uint8_t *in;
    size_t left;
    struct coverage *c;
    bool full; /* the budget was */
    uint32_t came;
    uint16_t owner[SECTORS];
    uint8_t bits[SECTORS / 8]; /* of the member that comes */
};

static unsigned take(struct chain *m)
{
    if (!m->left)
        return 0;
    m->left--;
    return *m->in++;
}

/* Runs until a length of zero: start, length, and how far the next is. */
static void read_member(struct chain *m)
{
    unsigned len;

    memset(m->bits, 0, sizeof(m->bits));
    while ((len = take(m)) != 0) {
        unsigned high = take(m);
        unsigned at = (high << 8 | take(m)) % SECTORS;
        unsigned times = take(m);
        unsigned step = len + take(m);

        for (; times-- && at < SECTORS; at += step)
            bits_set_run(m->bits, at, len < SECTORS - at ? len : SECTORS - at);
    }
}

static void come_cell(struct chain *m, unsigned rank, uint32_t from)
{
    uint8_t left[CELL_SECTORS / 8];
    bool hidden = true;
    struct err e;

    memcpy(left, m->bits + from / 8, sizeof(left));
    coverage_mask(m->c, from, CELL_SECTORS, left);
    for (uint32_t i = 0; i < CELL_SECTORS; i++) {
        bool mine = bit_get(m->bits, from + i) && m->owner[from + i] > rank;

        hidden = hidden && m->owner[from + i] < rank;
        demand(mine == (bit_get(left, i) != 0));
    }
    demand(coverage_hides(m->c, from, CELL_SECTORS) == hidden);
    m->full = coverage_add(m->c, from, CELL_SECTORS, left, &e) < 0;
    for (uint32_t i = 0; i < CELL_SECTORS; i++)
        if (bit_get(left, i))
            m->owner[from + i] = (uint16_t)rank;
}

static void come(struct chain *m, unsigned rank)
{
    coverage_begin(m->c, rank, rank == RANKS - 1);
    for (uint32_t at = 0; at < SECTORS && !m->full; at += CELL_SECTORS)
        come_cell(m, rank, at);
    coverage_end(m->c);
}

static void check_gaps(const struct chain *m)
{
    uint64_t at = 0, first, stop;

    while (coverage_gap(m->c, at, SECTORS, &first, &stop)) {
        for (; at < first; at++)
            demand(m->owner[at] != NOBODY);
        for (; at < stop; at++)
            demand(m->owner[at] == NOBODY);
    }
    for (; at < SECTORS; at++)
        demand(m->owner[at] != NOBODY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct chain m;
    struct coverage_options opt = {.name = "fuzz"};
    struct err e;
    unsigned flags;

    memset(&m, 0, sizeof(m));
    memset(m.owner, 0xff, sizeof(m.owner));
    m.in = data;
    m.left = len;
    flags = take(&m);
    opt.keep = flags & KEEP;
    opt.budget = flags & TIGHT ? TIGHT_BUDGET : 1 << 20;
    demand(coverage_open(&m.c, &opt, &e) == 0);
    demand(coverage_grow(m.c, SECTORS * (uint64_t)SECTOR_SIZE, &e) == 0);
    while (m.left && !m.full) {
        unsigned rank = take(&m) % RANKS;

        read_member(&m);
        if (m.came >> rank & 1)
            continue;
        m.came |= 1u << rank;
        come(&m, rank);
    }
    demand(!m.full || flags & TIGHT);
    if (opt.keep && !m.full)
        check_gaps(&m);
    coverage_close(m.c);
    return 0;
}
