/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_EXTENTS_H
#define VHDSTREAM_IMAGE_EXTENTS_H

/* The whole of a disk as a sequence of extents. */

#include "base/wait.h"
#include "image/encoder.h"
#include "image/image.h"

#include <stdbool.h>

struct extent {
    uint64_t start, len; /* bytes */
    enum extent_kind kind;
};

/* Takes the next one; neighbours are of different kinds. */
typedef int extent_taker(void *ctx, const struct extent *x, struct err *e);

/* Bytes in which image_extents looks for zeros: few enough looks for a large
 * disk, 4 KiB for a small one. A power of two. */
uint32_t image_extents_unit(const struct image *img);

/*
 * Hands out all extents by address, joined where neighbours are of one kind.
 *
 * `look`: what is stored is read to tell zeros from data, unit by unit, each to
 * its first byte that is not zero; mostly that is one page. For seekable
 * images.
 */
int image_extents(struct image *img, bool look, extent_taker *take, void *ctx,
                  struct progress *p, const struct wait *wait, struct err *e);

#endif
