/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_RETRY_H
#define VHDSTREAM_IMAGE_RETRY_H

/* An image from afar whose stream may break: it is opened again, what has been
 * handed out already is skipped, and it goes on where it was. */

#include "base/retry.h"
#include "image/image.h"

/* Opens the same disk anew; its blocks come from the first one. */
typedef int image_reopen_fn(void *ctx, struct image **out, struct err *e);

/*
 * Wraps *img. On ERR_TEMPORARY from it the disk is opened again as often as
 * *retry allows. What is skipped is summed and has to be what was handed out
 * the first time; a disk that comes otherwise (another map, other content) has
 * changed meanwhile: ERR_FAILED.
 *
 * Whoever reads from it passes an `e` that is not NULL. img->vhd is that of the
 * first opening, and is valid until the first block is asked for. ctx and retry
 * must outlive it.
 */
int image_retry(struct image **img, image_reopen_fn *reopen, void *ctx,
                struct retry *retry, struct err *e);

#endif
