/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_COVERAGE_CELL_H
#define VHDSTREAM_COVERAGE_CELL_H

/* The owners of the sectors of 2 MiB, packed: for coverage.c. */

#include "base/err.h"
#include "image/chain/coverage.h"

enum { OWNER_NONE = 0xffff }; /* above every rank */

/* 0: nobody has any; odd: one owner, the rest of its bits, has all; else a
 * struct packed_cell. */
typedef uintptr_t coverage_cell;

static inline bool cell_is_packed(coverage_cell cell)
{
    return cell && !(cell & 1);
}

/* The owner of all of them, where there is one; else -1. */
static inline int cell_owner(coverage_cell cell)
{
    if (!cell)
        return OWNER_NONE;
    return cell & 1 ? (int)(cell >> 1) : -1;
}

void cell_unpack(coverage_cell cell, uint16_t owners[CELL_SECTORS]);

/* Stores a fresh cell in *out: the shortest form that says it. */
int cell_pack(coverage_cell *out, const uint16_t owners[CELL_SECTORS],
              struct err *e);

/* About what it takes of the heap. */
uint64_t cell_memory(coverage_cell cell);

void cell_free(coverage_cell cell);

#endif
