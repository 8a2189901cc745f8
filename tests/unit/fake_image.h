/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FAKE_IMAGE_H
#define VHDSTREAM_FAKE_IMAGE_H

/* An image in memory with any block size, any map and any order, for tests. */

#include "image/image.h"

struct fake_image {
    uint8_t *data; /* the content, `size` bytes; NULL: of no matter */
    uint64_t size;
    uint32_t block_size;
    /* The blocks that are mapped, in the order in which they come; freed with
     * the image. NULL: all of them, ascending. */
    uint32_t *order;
    uint32_t nmapped;
    bool seekable, has_parent;
    uint32_t fail_at; /* the step that fails; 0: none */
    int fail_code;    /* with this; 0: ERR_CORRUPT */
};

/* The data must outlive it. */
struct image *fake_image(const struct fake_image *f);

/* All `count` block numbers: shuffled by `seed`, or backwards. */
uint32_t *shuffled(uint32_t count, unsigned seed);
uint32_t *backwards(uint32_t count);

#endif
