/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_READ_BACK_H
#define VHDSTREAM_POOL_READ_BACK_H

/* A disk of a pool into which something was written. */

#include "copy/operation.h"
#include "image/chain/coverage.h"
#include "image/image.h"
#include "xapi/xapi_vdi.h"

struct pool_written {
    struct xapi *x;
    const struct xapi_vdi *vdi;
    const struct xapi_vdi *base; /* what it was before, where that was a delta's
                                    base; else NULL */
};

/* Opens it as the server gives it out. */
int pool_read_back(struct vhdstream *v, const struct pool_written *w,
                   struct image **back, struct err *e);

/* Of a delta that was laid over w->base the sectors that it has (`part`, which
 * must outlive the image), and what the disk has past the base's end; zeros for
 * what the base has had. */
int pool_read_part(struct vhdstream *v, const struct pool_written *w,
                   const struct coverage *part, struct image **back,
                   struct err *e);

#endif
