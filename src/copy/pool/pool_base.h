/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_BASE_H
#define VHDSTREAM_POOL_BASE_H

/* The VDI that --base names: what a delta stands on. */

#include "copy/operation.h"
#include "image/image.h"
#include "xapi/xapi_vdi.h"

/* Finds the VDI called `name`, which must be whole: ERR_FAILED where a transfer
 * into it has not ended, else as xapi_vdi_find. */
int pool_base_find(struct xapi *x, const char *name, struct xapi_vdi *out,
                   struct err *e);

/* ERR_USAGE for one disk twice. Says so where the base is a VM's disk, which
 * may have been written to since it was copied. */
int pool_base_check(const struct vhdstream *v, const struct xapi *x,
                    const struct xapi_vdi *base, const struct xapi_vdi *disk,
                    struct err *e);

/* Whether the pool can tell what `disk` has that `base` has not: VHDs in one
 * SR. *why says why not. */
bool pool_base_can_tell(const struct xapi *x, const struct xapi_vdi *base,
                        const struct xapi_vdi *disk, struct err *why);

/* Whether `img`, a delta, stands on `base`, so that it can be laid over a copy
 * of it: by the uuid of its parent, which is that of the VDI or of the
 * VHD that was copied there. ERR_CORRUPT for another one, unless --force-base
 * is set, which is told; ERR_USAGE for a whole disk; ERR_UNSUPPORTED where the
 * disk would have to shrink. */
int pool_base_check_import(const struct vhdstream *v, const struct xapi *x,
                           const struct xapi_vdi *base, const struct image *img,
                           struct err *e);

#endif
