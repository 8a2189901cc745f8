/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MAP_COLOUR_H
#define VHDSTREAM_MAP_COLOUR_H

/* The colours of a map's drawing. */

#include "copy/map/map_model.h"

struct colour {
    uint8_t r, g, b;
};

extern const struct colour colour_empty, colour_zeros, colour_parents,
    colour_metas, colour_gaps;

/* Of data at a place of the disk, from its first byte (0) to its last (1). The
 * stops of the scale are evenly spaced. */
enum { COLOUR_STOPS = 5 };
struct colour colour_scale(double at);

bool colour_equal(struct colour a, struct colour b);

/* Of cell i of the disk: its kinds mixed, but a little data has to be seen,
 * too. */
struct colour colour_of_disk(const struct map_cells *c, uint32_t i);

/* The same of the file. */
struct colour colour_of_file(const struct map_model *m, uint32_t i);

/* part / whole; 0 for a whole of 0. */
double map_share(uint64_t part, uint64_t whole);

#endif
