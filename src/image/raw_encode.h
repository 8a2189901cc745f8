/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_RAW_ENCODE_H
#define VHDSTREAM_RAW_ENCODE_H

#include "image/encoder.h"

enum { RAW_TRAILER_SIZE = 512 };

/* As raw_encoder, with the sector `trailer` after the content where it is not
 * NULL: the footer of a fixed VHD. */
int raw_encoder_with(struct encoder **out, const struct image *img,
                     uint64_t size, const uint8_t *trailer, struct err *e);

#endif
