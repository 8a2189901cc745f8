/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_COVERAGE_H
#define VHDSTREAM_COVERAGE_H

/*
 * Which member of a chain each sector of a disk is from, while the members are
 * written over each other in any order (docs/internals/chain.md has the
 * argument). A member's rank is its distance from the leaf: 0 is the leaf, and
 * of two members that have a sector the lower rank's is seen.
 *
 * Only what the members still to come have to know is kept. Ranks that follow
 * each other and have all come are one owner; and once the base has come, what
 * only members next to it have written needs no record, for nothing can come
 * from below it. So a chain that comes base first takes no memory.
 *
 * Sectors are counted from the disk's beginning. A range that is asked about or
 * added lies in one cell of CELL_SECTORS. Used by one thread at a time.
 */

#include "base/err.h"
#include "image/image.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RANKS_MAX = 1024,
    CELL_SECTORS = PIECE_SECTORS,
};

struct coverage;

struct coverage_options {
    uint64_t budget;  /* bytes of memory, ERR_NO_SPACE beyond */
    bool keep;        /* forget no owner: coverage_gap will be asked */
    const char *name; /* of the image, for messages; must outlive it */
    bool alone;       /* it is no chain, but one delta, of rank 0; likewise */
};

int coverage_open(struct coverage **out, const struct coverage_options *opt,
                  struct err *e);
void coverage_close(struct coverage *c);
void coverage_cleanup(struct coverage **c);

/* Has room for a disk of `size` bytes. Never shrinks. */
int coverage_grow(struct coverage *c, uint64_t size, struct err *e);

/* From here to coverage_end the member of `rank` comes, each sector at most
 * once; a rank comes once. `is_base`: it has no parent. */
void coverage_begin(struct coverage *c, unsigned rank, bool is_base);
void coverage_end(struct coverage *c);

/* Whether any member of a higher rank than that has come. */
bool coverage_is_over(const struct coverage *c);

/* Whether members of lower ranks have all of these sectors. */
bool coverage_hides(const struct coverage *c, uint64_t sector, uint32_t count);

/* Clears the bits of sectors that members of lower ranks have. */
void coverage_mask(const struct coverage *c, uint64_t sector, uint32_t count,
                   uint8_t *bits);

/* Notes that the sectors whose bit is set are this member's now; the bits have
 * been through coverage_mask. */
int coverage_add(struct coverage *c, uint64_t sector, uint32_t count,
                 const uint8_t *bits, struct err *e);

/* The first run of sectors in [from, end) that no member has: 1 and
 * [*first, *stop), or 0. Needs `keep`. */
int coverage_gap(const struct coverage *c, uint64_t from, uint64_t end,
                 uint64_t *first, uint64_t *stop);

/* Whether of a disk of `size` bytes somebody has the same sectors in both; else
 * the first one that somebody has in one only goes to *sector. Needs `keep`. */
bool coverage_same(const struct coverage *a, const struct coverage *b,
                   uint64_t size, uint64_t *sector);

/* Bytes that it takes at present. */
uint64_t coverage_memory(const struct coverage *c);

#endif
