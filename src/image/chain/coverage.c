/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/coverage.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/chain/coverage_cell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct coverage {
    struct coverage_options opt;
    coverage_cell *cells;
    uint64_t ncells;
    uint64_t memory;
    uint8_t came[RANKS_MAX / 8]; /* a bit a rank: it has come to its end */
    int highest;                 /* of those; -1: none */
    int base;                    /* rank of the base, -1: not known */
    uint16_t rank;               /* of the member that comes */
    bool unrecorded; /* nothing that is still to come asks about it */
    bool stale;      /* owners have become one since the cells were packed */
    /* For an owner as packed, who he is now: the lowest rank of the row of
     * ranks that have come, or nobody. */
    uint16_t now[RANKS_MAX];
};

int coverage_open(struct coverage **out, const struct coverage_options *opt,
                  struct err *e)
{
    struct coverage *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "the map of sectors written", e));
    c->opt = *opt;
    c->highest = c->base = -1;
    for (unsigned i = 0; i < RANKS_MAX; i++)
        c->now[i] = (uint16_t)i;
    *out = c;
    return 0;
}

void coverage_close(struct coverage *c)
{
    if (!c)
        return;
    for (uint64_t i = 0; i < c->ncells; i++)
        cell_free(c->cells[i]);
    free(c->cells);
    free(c);
}

void coverage_cleanup(struct coverage **c)
{
    coverage_close(*c);
    *c = NULL;
}

uint64_t coverage_memory(const struct coverage *c)
{
    return c->memory;
}

/* --- owners ---------------------------------------------------------------*/

/* Whether all ranks above this one, to the base, have come. */
static bool is_above_base(const struct coverage *c, unsigned rank)
{
    if (c->base < 0)
        return false;
    for (unsigned r = rank + 1; (int)r <= c->base; r++)
        if (!bit_get(c->came, r))
            return false;
    return true;
}

void coverage_begin(struct coverage *c, unsigned rank, bool is_base)
{
    c->rank = (uint16_t)rank;
    if (is_base)
        c->base = (int)rank;
    c->unrecorded = !c->opt.keep && is_above_base(c, rank);
}

/* The owners of the row of ranks around the one that has come. */
static void join_owners(struct coverage *c)
{
    unsigned first = c->rank, last = c->rank;
    uint16_t owner;

    while (first && bit_get(c->came, first - 1))
        first--;
    while (last + 1 < RANKS_MAX && bit_get(c->came, last + 1))
        last++;
    owner = (uint16_t)first;
    if (!c->opt.keep && (int)last == c->base)
        owner = OWNER_NONE;
    for (unsigned r = first; r <= last; r++)
        c->now[r] = owner;
    c->stale |= first < last || owner == OWNER_NONE;
}

void coverage_end(struct coverage *c)
{
    bit_set(c->came, c->rank);
    if (c->rank > c->highest)
        c->highest = c->rank;
    join_owners(c);
}

bool coverage_is_over(const struct coverage *c)
{
    return c->highest > c->rank;
}

static uint16_t owner_now(const struct coverage *c, uint16_t packed)
{
    return packed == OWNER_NONE ? packed : c->now[packed];
}

static void unpack(const struct coverage *c, uint64_t index, uint16_t *owners)
{
    cell_unpack(c->cells[index], owners);
    for (uint32_t i = 0; i < CELL_SECTORS; i++)
        owners[i] = owner_now(c, owners[i]);
}

/* --- room -----------------------------------------------------------------*/

static int replace(struct coverage *c, uint64_t index, const uint16_t *owners,
                   struct err *e)
{
    coverage_cell fresh;

    TRY(cell_pack(&fresh, owners, e));
    c->memory -= cell_memory(c->cells[index]);
    cell_free(c->cells[index]);
    c->cells[index] = fresh;
    c->memory += cell_memory(fresh);
    return 0;
}

/* Packs all cells anew, since fewer owners take less. */
static int compact(struct coverage *c, struct err *e)
{
    uint16_t owners[CELL_SECTORS];

    c->stale = false;
    for (uint64_t i = 0; i < c->ncells; i++) {
        if (!cell_is_packed(c->cells[i]))
            continue;
        unpack(c, i, owners);
        TRY(replace(c, i, owners, e));
    }
    return 0;
}

static int check_budget(struct coverage *c, uint64_t more, struct err *e)
{
    if (c->memory + more > c->opt.budget && c->stale)
        TRY(compact(c, e));
    if (c->memory + more <= c->opt.budget)
        return 0;
    return err_set(e, ERR_NO_SPACE,
                   "%s: the map of the sectors that %s needs more than the "
                   "%" PRIu64 " bytes of --memory; %s",
                   c->opt.name,
                   c->opt.alone ? "it has" : "its members have written",
                   c->opt.budget,
                   c->opt.alone ? "600 bytes for each 2 MiB of the disk "
                                  "are always enough"
                                : "members that come base first need 8 for "
                                  "each 2 MiB of the disk");
}

int coverage_grow(struct coverage *c, uint64_t size, struct err *e)
{
    uint64_t need = div_up(size, (uint64_t)CELL_SECTORS * SECTOR_SIZE);
    uint64_t more = (need - min_u64(need, c->ncells)) * sizeof(*c->cells);
    coverage_cell *cells = NULL;

    if (need <= c->ncells)
        return 0;
    TRY(check_budget(c, more, e));
    TRY(mem_alloc_array(&cells, need, sizeof(*cells),
                        "the map of sectors written", e));
    if (c->ncells)
        memcpy(cells, c->cells, c->ncells * sizeof(*cells));
    free(c->cells);
    c->cells = cells;
    c->ncells = need;
    c->memory += more;
    return 0;
}

/* --- sectors --------------------------------------------------------------*/

bool coverage_hides(const struct coverage *c, uint64_t sector, uint32_t count)
{
    uint64_t index = sector / CELL_SECTORS;
    uint32_t first = (uint32_t)(sector % CELL_SECTORS);
    int all = cell_owner(c->cells[index]);
    uint16_t owners[CELL_SECTORS];

    if (all >= 0)
        return owner_now(c, (uint16_t)all) < c->rank;
    unpack(c, index, owners);
    for (uint32_t i = 0; i < count; i++)
        if (owners[first + i] >= c->rank)
            return false;
    return true;
}

void coverage_mask(const struct coverage *c, uint64_t sector, uint32_t count,
                   uint8_t *bits)
{
    uint64_t index = sector / CELL_SECTORS;
    uint32_t first = (uint32_t)(sector % CELL_SECTORS);
    int all = cell_owner(c->cells[index]);
    uint16_t owners[CELL_SECTORS];

    if (all >= 0) {
        if (owner_now(c, (uint16_t)all) < c->rank)
            bits_clear_run(bits, 0, count);
        return;
    }
    unpack(c, index, owners);
    for (uint32_t i = 0; i < count; i++)
        if (owners[first + i] < c->rank)
            bit_clear(bits, i);
}

int coverage_add(struct coverage *c, uint64_t sector, uint32_t count,
                 const uint8_t *bits, struct err *e)
{
    uint64_t index = sector / CELL_SECTORS;
    uint32_t first = (uint32_t)(sector % CELL_SECTORS);
    uint16_t owners[CELL_SECTORS];

    if (c->unrecorded)
        return 0;
    unpack(c, index, owners);
    for (uint32_t i = 0; i < count; i++)
        if (bit_get(bits, i))
            owners[first + i] = c->rank;
    TRY(replace(c, index, owners, e));
    return check_budget(c, 0, e);
}

/* The first sector in [from, end) of one cell that nobody has, or that
 * somebody has; `end` where there is none. */
static uint64_t find_in_cell(const struct coverage *c, uint64_t from,
                             uint64_t end, bool owned)
{
    uint64_t index = from / CELL_SECTORS;
    uint64_t start = index * CELL_SECTORS;
    int all = index < c->ncells ? cell_owner(c->cells[index]) : OWNER_NONE;
    uint16_t owners[CELL_SECTORS];

    end = min_u64(end, start + CELL_SECTORS);
    if (all >= 0)
        return (all != OWNER_NONE) == owned ? from : end;
    cell_unpack(c->cells[index], owners);
    while (from < end && (owners[from - start] != OWNER_NONE) != owned)
        from++;
    return from;
}

static uint64_t find(const struct coverage *c, uint64_t from, uint64_t end,
                     bool owned)
{
    while (from < end) {
        uint64_t stop =
            min_u64(end, (from / CELL_SECTORS + 1) * (uint64_t)CELL_SECTORS);
        uint64_t at = find_in_cell(c, from, end, owned);

        if (at < stop)
            return at;
        from = stop;
    }
    return end;
}

int coverage_gap(const struct coverage *c, uint64_t from, uint64_t end,
                 uint64_t *first, uint64_t *stop)
{
    *first = find(c, from, end, false);
    *stop = find(c, *first, end, true);
    return *first < end;
}

bool coverage_same(const struct coverage *a, const struct coverage *b,
                   uint64_t size, uint64_t *sector)
{
    uint64_t end = size / SECTOR_SIZE;
    bool owned = false;

    for (uint64_t at = 0; at < end; owned = !owned) {
        uint64_t next = find(a, at, end, !owned);
        uint64_t other = find(b, at, end, !owned);

        at = min_u64(next, other);
        *sector = at;
        if (next != other)
            return false;
    }
    return true;
}
