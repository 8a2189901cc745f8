/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_RAW_DECODE_H
#define VHDSTREAM_RAW_DECODE_H

#include "image/image.h"
#include "image/vhd/vhd_head.h"

/*
 * Plain content as an image of 2 MiB blocks. Takes over *src (NULL afterwards)
 * on success only. A length that is no multiple of 512 is filled up with zeros.
 *
 * Seekable: blocks without data (SEEK_DATA) are holes; zeros that the file
 * stores are found by image_trim. A stream must have a known size (src->size,
 * or `size` when that is not negative): all its blocks count as mapped; less or
 * more bytes than that are ERR_CORRUPT. ERR_USAGE where the size is not known.
 */
int raw_decode(struct source **src, int64_t size, struct image **out,
               struct err *e);

/* The data before the footer of a fixed VHD on a seekable source; the image
 * takes the head over. */
int raw_decode_fixed(struct source **src, const struct vhd_head *head,
                     struct image **out, struct err *e);

/* The same from a stream of `len` bytes in all; the footer is checked when it
 * comes, after the last block. */
int raw_decode_fixed_stream(struct source **src, uint64_t len,
                            struct image **out, struct err *e);

#endif
