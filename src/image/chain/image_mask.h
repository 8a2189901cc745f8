/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_MASK_H
#define VHDSTREAM_IMAGE_MASK_H

#include "image/chain/coverage.h"
#include "image/image.h"

#include <stdbool.h>

/*
 * Of a disk the sectors that `c` knows an owner of, and all from byte
 * `solid_from` on; what else is in it becomes zeros. So what a delta has
 * brought can be told from what was there before. Holes are zeros, and nothing
 * has a parent any more. `c` was opened with `keep`, and must outlive the
 * image.
 *
 * Wraps *img, which may be a stream; the result is one.
 */
int image_mask(struct image **img, const struct coverage *c,
               uint64_t solid_from, struct err *e);

/* Whether each block with such an owner is in the map of img: else its holes,
 * where it has a parent, say nothing of these. */
bool image_mask_fits(const struct image *img, const struct coverage *c);

#endif
