/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MAP_MODEL_H
#define VHDSTREAM_MAP_MODEL_H

/*
 * A disk, and the file that it is in, as some thousand cells of equal length:
 * what pictures are made of. Its size does not follow the disk's.
 */

#include "image/image_extents.h"
#include "image/vhd/vhd_regions.h"

#include <stdbool.h>

enum { MAP_CELLS = 4096, MAP_KINDS = EXTENT_KINDS };

struct map_cell {
    uint64_t bytes[MAP_KINDS]; /* by extent_kind, or by region_kind */
    uint64_t place; /* file: where on the disk its first block is, + 1; 0: it
                       has none */
};

struct map_cells {
    uint64_t size; /* bytes of all */
    uint64_t cell; /* of one: a power of two, at least a sector */
    uint32_t count;
    uint64_t totals[MAP_KINDS];
    struct map_cell cells[MAP_CELLS];
};

struct map_model {
    struct map_cells disk;
    bool looked;   /* zeros were told from data */
    uint32_t unit; /* in pieces of so many bytes */
    bool has_file; /* what follows is known: a VHD with blocks, in a file */
    struct map_cells file;
    uint32_t block_size, nblocks;
    uint32_t runs; /* of blocks that follow each other in the file as on the
                      disk: 1 where all are in order */
};

void map_model_init(struct map_model *m, const struct image *img);

/* The next extent of the disk. */
void map_model_add(struct map_model *m, const struct extent *x);

/* Looks at the file, where it has something to show. */
int map_model_add_file(struct map_model *m, struct image *img, struct err *e);

/* Small pictures in text, a character a cell, `cells` of them at most. */
enum { MAP_TEXT = 512 };

struct map_text {
    uint64_t cell; /* bytes of one */
    char text[MAP_TEXT + 1];
};

/* '1' to '9': so many ninths of it are data; else what most of it is: 'z'eros,
 * 'p'arent, '.' hole. */
void map_text_disk(const struct map_model *m, struct map_text *out);

/* '0' to '9': the tenth of the disk that its first block is in; 'm'etadata, '-'
 * gap. */
void map_text_file(const struct map_model *m, struct map_text *out);

#endif
