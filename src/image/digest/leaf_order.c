/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/leaf_order.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What waits is kept by pieces ("cells"): all of a disk are of one length, but
 * for the last. A slot holds the hashes of one cell. */
struct leaf_order {
    const struct image *img;
    leaf_line *line;
    void *ctx;
    uint64_t nleaves, at; /* in all; those before `at` were handed on */
    uint32_t per_cell;    /* leaves */
    uint32_t *slot_of;    /* a cell's slot + 1; 0: it does not wait. NULL where
                             blocks ascend, and nothing ever waits */
    uint32_t *unused;     /* a stack of slots, */
    uint32_t nunused;     /* with so many on it */
    struct leaf_hash *slots;
};

static uint64_t cell_size(const struct image *img)
{
    return min_u64(img->block_size, PIECE_MAX);
}

/* The first mapped cell from `cell` on, or `ncells`. */
static uint64_t mapped_cell(const struct image *img, uint64_t cell,
                            uint64_t ncells)
{
    uint64_t per = img->block_size / cell_size(img);

    if (cell >= ncells || bit_get(img->map, cell / per))
        return cell;
    cell = (cell / per + bits_run(img->map, cell / per, img->nblocks)) * per;
    return min_u64(cell, ncells);
}

/* The greatest number of cells that wait at once; `arrived` has a clear bit for
 * each. It goes through the image as leaf_order_take will. */
static uint64_t most_waiting(const struct image *img, uint8_t *arrived,
                             uint64_t ncells)
{
    uint64_t at = mapped_cell(img, 0, ncells), waiting = 0, most = 0;
    struct image_cursor cursor = {0};
    struct block piece = {0};

    while (image_step_piece(img, &cursor, &piece)) {
        uint64_t cell =
            ((uint64_t)piece.index * img->block_size + piece.offset) /
            cell_size(img);

        if (cell != at) {
            bit_set(arrived, cell);
            most = max_u64(most, ++waiting);
            continue;
        }
        at = mapped_cell(img, at + 1, ncells);
        while (at < ncells && bit_get(arrived, at)) {
            waiting--;
            at = mapped_cell(img, at + 1, ncells);
        }
    }
    return most;
}

static int count_waiting(const struct image *img, uint64_t *cells,
                         struct err *e)
{
    uint64_t ncells = div_up(img->size, cell_size(img));
    FREE uint8_t *arrived = NULL;

    *cells = 0;
    if (image_is_ascending(img))
        return 0;
    if (ncells > BLOCKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: too large for its digest: %" PRIu64
                       " bytes, out of order",
                       img->name, img->size);
    TRY(mem_alloc(&arrived, bits_size(ncells), "the order of hashes", e));
    *cells = most_waiting(img, arrived, ncells);
    return 0;
}

static uint64_t slot_size(const struct image *img)
{
    return cell_size(img) / LEAF_SIZE * sizeof(struct leaf_hash);
}

int leaf_order_need(const struct image *img, uint64_t *bytes, struct err *e)
{
    uint64_t cells;

    TRY(count_waiting(img, &cells, e));
    *bytes = cells * slot_size(img);
    return 0;
}

int leaf_order_refuse(const struct image *img, uint64_t bytes, struct err *e)
{
    return err_set(
        e, ERR_NO_SPACE,
        "%s: its blocks come so far out of order that hashes of %" PRIu64
        " MiB would have to wait for their turn (those of %" PRIu64
        " GiB of data); %d MiB are allowed; copy it to a file, and "
        "take the digest of that",
        img->name, bytes >> 20, bytes / LEAF_HASH_SIZE * LEAF_SIZE >> 30,
        LEAF_ORDER_BUDGET >> 20);
}

static int make_room(struct leaf_order *o, struct err *e)
{
    uint64_t ncells = div_up(o->nleaves, o->per_cell), cells;
    uint64_t size = slot_size(o->img);

    TRY(count_waiting(o->img, &cells, e));
    if (cells * size > LEAF_ORDER_BUDGET)
        return leaf_order_refuse(o->img, cells * size, e);
    if (!cells)
        return 0;
    TRY(mem_alloc_array(&o->slot_of, ncells, sizeof(*o->slot_of),
                        "hashes that wait", e));
    TRY(mem_alloc_array(&o->unused, cells, sizeof(*o->unused),
                        "hashes that wait", e));
    TRY(mem_alloc(&o->slots, cells * size, "hashes that wait", e));
    for (uint32_t i = 0; i < cells; i++)
        o->unused[o->nunused++] = (uint32_t)cells - i;
    return 0;
}

int leaf_order_open(struct leaf_order **out, const struct image *img,
                    leaf_line *line, void *ctx, struct err *e)
{
    struct leaf_order *o = NULL;
    int result;

    TRY(mem_alloc(&o, sizeof(*o), "the order of hashes", e));
    o->img = img;
    o->line = line;
    o->ctx = ctx;
    o->nleaves = div_up(img->size, LEAF_SIZE);
    o->per_cell = (uint32_t)(cell_size(img) / LEAF_SIZE);
    result = make_room(o, e);
    if (result < 0) {
        leaf_order_close(o);
        return result;
    }
    *out = o;
    return 0;
}

void leaf_order_close(struct leaf_order *o)
{
    if (!o)
        return;
    free(o->slot_of);
    free(o->unused);
    free(o->slots);
    free(o);
}

/* --- in turn -------------------------------------------------------------- */

/* Hands on the holes from `at` on, as zeros; a last leaf that is cut short is
 * no zero leaf. */
static int pass_holes(struct leaf_order *o, struct err *e)
{
    CLEANUP(hasher) struct hasher *h = NULL;
    uint64_t ncells = div_up(o->nleaves, o->per_cell);
    uint64_t cell = mapped_cell(o->img, o->at / o->per_cell, ncells);
    uint64_t end = min_u64(cell * o->per_cell, o->nleaves);
    uint64_t whole = min_u64(end, o->img->size / LEAF_SIZE);
    struct leaf_hash last;

    if (whole > o->at)
        TRY(o->line(o->ctx, NULL, whole - o->at, e));
    if (end > whole && end > o->at) {
        TRY(hasher_open(&h, e));
        TRY(hasher_leaf(h, zero_bytes, (uint32_t)(o->img->size % LEAF_SIZE),
                        &last, e));
        TRY(o->line(o->ctx, &last, 1, e));
    }
    o->at = max_u64(end, o->at);
    return 0;
}

static int keep(struct leaf_order *o, uint64_t cell,
                const struct leaf_hash *hash, uint32_t count, struct err *e)
{
    uint32_t slot;

    if (!o->nunused || o->slot_of[cell])
        return err_set(e, ERR_FAILED, "%s: a block came out of its turn",
                       o->img->name);
    slot = o->unused[--o->nunused];
    o->slot_of[cell] = slot;
    memcpy(o->slots + (size_t)(slot - 1) * o->per_cell, hash,
           count * sizeof(*hash));
    return 0;
}

static int pass(struct leaf_order *o, const struct leaf_hash *hash,
                uint32_t count, struct err *e)
{
    TRY(o->line(o->ctx, hash, count, e));
    o->at += count;
    return pass_holes(o, e);
}

/* Those that waited for what was just handed on. */
static int pass_waiting(struct leaf_order *o, struct err *e)
{
    while (o->slot_of && o->at < o->nleaves) {
        uint64_t cell = o->at / o->per_cell;
        uint32_t slot = o->slot_of[cell];

        if (!slot)
            return 0;
        o->slot_of[cell] = 0;
        o->unused[o->nunused++] = slot;
        TRY(pass(o, o->slots + (size_t)(slot - 1) * o->per_cell,
                 (uint32_t)min_u64(o->per_cell, o->nleaves - o->at), e));
    }
    return 0;
}

int leaf_order_take(void *ctx, uint64_t first, const struct leaf_hash *hash,
                    uint32_t count, struct err *e)
{
    struct leaf_order *o = ctx;

    TRY(pass_holes(o, e));
    if (first != o->at)
        return keep(o, first / o->per_cell, hash, count, e);
    TRY(pass(o, hash, count, e));
    return pass_waiting(o, e);
}

int leaf_order_finish(struct leaf_order *o, struct err *e)
{
    TRY(pass_holes(o, e));
    if (o->at < o->nleaves)
        return err_set(e, ERR_FAILED, "%s: leaf %" PRIu64 " never came",
                       o->img->name, o->at);
    return 0;
}
