/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_SHAPE_H
#define VHDSTREAM_IMAGE_SHAPE_H

/* The fingerprint of a map: whether a disk that is opened again comes as it did
 * before, block for block. It says nothing of the content. */

#include "image/image.h"

enum { IMAGE_SHAPE_SIZE = 32 };

struct image_shape {
    uint8_t sum[IMAGE_SHAPE_SIZE]; /* SHA-256 of size, block size, map, order */
};

int image_shape_take(const struct image *img, struct image_shape *out,
                     struct err *e);
bool image_shape_is_same(const struct image_shape *a,
                         const struct image_shape *b);

#endif
