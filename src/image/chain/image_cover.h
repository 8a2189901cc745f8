/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_COVER_H
#define VHDSTREAM_IMAGE_COVER_H

#include "image/chain/coverage.h"
#include "image/image.h"

/*
 * What is left to be seen of a member of a chain: the member that `c` has begun
 * with, without the blocks that lower ranks hide wholly, and without the
 * sectors that they hide. What passes is noted in `c`, which must outlive the
 * image. It has no parent then: what it does not have is whatever is there.
 *
 * `solid`: for a member without a parent, whose absent sectors are zeros, where
 * nothing else says so.
 *
 * Wraps *img, which may be a stream; the result is one.
 */
int image_cover(struct image **img, struct coverage *c, bool solid,
                struct err *e);

#endif
