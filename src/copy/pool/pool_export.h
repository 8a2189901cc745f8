/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_EXPORT_H
#define VHDSTREAM_POOL_EXPORT_H

/* A VDI on its way out of a pool, as an image: to be copied, or read back. */

#include "copy/operation.h"
#include "image/image.h"
#include "xapi/xapi_vdi.h"

#include <stdbool.h>

/* A VHD leaves holes out. XAPI cannot make one of more than 2040 GiB, and may
 * hang over a disk whose size is no multiple of 2 MiB (only SRs without VHDs
 * have those): such a disk comes as it is. */
bool pool_export_is_vhd(uint64_t size);

/* Begins the export and decodes its head: of the disk, or with `base` of what
 * differs from that one, as an image that has a parent. `meter` (or NULL)
 * counts the bytes. *out may be set after a failure, too, and is the caller's
 * then. */
int pool_export_open(struct vhdstream *v, struct xapi *x,
                     const struct xapi_vdi *vdi, const struct xapi_vdi *base,
                     _Atomic uint64_t *meter, struct image **out,
                     struct err *e);

#endif
