/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FUZZING_H
#define VHDSTREAM_FUZZING_H

/* What fuzz targets have in common. */

#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Else the target has found something. */
void demand(bool true_it_is);

/* A copy of data[0 .. len), to be freed; of no bytes, too. */
uint8_t *fuzz_copy(const uint8_t *data, size_t len);

/* Which checksums of a VHD are made right: without that nearly nothing would
 * get past the head. */
enum {
    MEND_COPY = 2,
    MEND_TAIL = 4,
    MEND_HEADER = 8,
    MEND_ALL = MEND_COPY | MEND_TAIL | MEND_HEADER,
};
void fuzz_mend_vhd(uint8_t *disk, size_t len, unsigned flags);

/* What a disk was found to hold. */
struct holding {
    int code; /* 0; 1: too much to be read here; else the failure */
    uint64_t size;
    uint64_t sum; /* of all sectors that are not zero, and of where they are,
                     in whatever order they came; of a child: of those that
                     are there */
    char format[16];
};

/* Reads all blocks, and holds the image to its word: blocks of the map, each
 * once and whole, nothing in absent sectors. */
void holding_read(struct holding *c, struct image *img);

/* Opens a VHD in a source, which it closes, and reads it. */
void holding_of_vhd(struct holding *c, struct source *src);

/* Whether both were read, and hold the same. */
bool holding_equal(const struct holding *a, const struct holding *b);

#endif
