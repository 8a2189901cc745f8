/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FOUND_IMAGE_H
#define VHDSTREAM_FOUND_IMAGE_H

/*
 * What a disk of a pool has that its base has not, where the pool cannot tell:
 * an image that has a parent, of whole blocks of 2 MiB. The base is read once
 * to learn what differs, and the disk once for that and once for its blocks;
 * ERR_FAILED at the end where it was another the second time.
 */

#include "copy/operation.h"
#include "image/image_retry.h"

/* Each opens its disk, whole, as often as it takes; `ctx` outlives the image.
 */
int found_image(struct image **out, struct vhdstream *v, image_reopen_fn *base,
                image_reopen_fn *disk, void *ctx, struct err *e);

#endif
