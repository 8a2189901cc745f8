/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_read_back.h"

#include "copy/pool/pool_export.h"
#include "image/chain/image_mask.h"

#include <string.h>

int pool_read_back(struct vhdstream *v, const struct pool_written *w,
                   struct image **back, struct err *e)
{
    return pool_export_open(v, w->x, w->vdi, NULL, NULL, back, e);
}

/* The pool tells by the files of the two, so what comes is what the delta has
 * brought, and not the whole disk; but only of VHDs, and while it can attach
 * the base. The answer is taken only where it has all blocks of the delta, for
 * what it lacks is said to be the base's. 1, or 0: not so. */
static int read_difference(struct vhdstream *v, const struct pool_written *w,
                           const struct coverage *part, struct image **back,
                           struct err *e)
{
    const struct xapi_vdi *vdi = w->vdi, *base = w->base;
    CLEANUP(image) struct image *img = NULL;
    struct err why;

    if (!vdi->takes_vhd || !base->takes_vhd ||
        strcmp(vdi->sr.uuid, base->sr.uuid) != 0 ||
        !pool_export_is_vhd(vdi->size) || !pool_export_is_vhd(base->size))
        return 0;
    if (pool_export_open(v, w->x, vdi, base, NULL, &img, &why) < 0) {
        if (why.code != ERR_CANCELLED)
            return 0;
        *e = why;
        return e->code;
    }
    if (!image_mask_fits(img, part))
        return 0;
    *back = img;
    img = NULL;
    return 1;
}

int pool_read_part(struct vhdstream *v, const struct pool_written *w,
                   const struct coverage *part, struct image **back,
                   struct err *e)
{
    int code = read_difference(v, w, part, back, e);

    TRY(code);
    if (!code)
        TRY(pool_read_back(v, w, back, e));
    return image_mask(back, part, w->base->size, e);
}
