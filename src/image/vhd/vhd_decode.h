/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_DECODE_H
#define VHDSTREAM_VHD_DECODE_H

#include "image/image.h"
#include "image/vhd/vhd_head.h"

/*
 * The image in a VHD. Takes over *src (NULL afterwards) on success only.
 *
 * From a seekable source: dynamic, differencing and fixed; the image is
 * seekable, too. From a stream: dynamic and differencing, whose head comes
 * before the blocks, and fixed where its length is known; a stream without an
 * intact trailing footer is cut, and fails at its end with ERR_CORRUPT.
 *
 * image->vhd is the head without its table (bat and order are NULL); NULL for a
 * fixed disk from a stream until its end, where the footer comes: only that
 * footer is in the head then.
 */
int vhd_decode(struct source **src, const struct vhd_origin *origin,
               struct image **out, struct err *e);

/* The source of an image that vhd_decode made of a seekable one, for reading
 * what stands beside the blocks; NULL for any other image. Stays the image's.
 */
struct source *vhd_decode_source(struct image *img);

/* 1: a stream of `len` bytes in all (0: not known) that begins as no other VHD
 * can: with the data of a fixed one. */
int vhd_is_fixed_stream(struct source **src, uint64_t len, struct err *e);

/* Where block `index`, which is mapped, stands in the VHD: the first byte of
 * its bitmap. For images of vhd_decode that are no fixed disks: those that have
 * places. */
bool vhd_decode_has_places(const struct image *img);
uint64_t vhd_decode_place(const struct image *img, uint32_t index);

#endif
