/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_DECODE_H
#define VHDSTREAM_VHD_DECODE_H

#include "image/image.h"
#include "image/vhd_head.h"

/*
 * The image in a VHD. Takes over *src (NULL afterwards) on success only.
 *
 * From a seekable source: dynamic, differencing and fixed; the image is
 * seekable, too. From a stream: dynamic and differencing, whose head comes
 * before the blocks; a stream without an intact trailing footer is cut, and
 * fails at its end with ERR_CORRUPT.
 */
int vhd_decode(struct source **src, const struct vhd_origin *origin,
               struct image **out, struct err *e);

#endif
