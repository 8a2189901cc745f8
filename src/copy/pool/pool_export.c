/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_export.h"

#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "xapi/xapi_export.h"

#include <inttypes.h>

bool pool_export_is_vhd(uint64_t size)
{
    return size % BLOCK_SIZE_DEFAULT == 0 && size <= VHD_SIZE_MAX;
}

static int check_size(const struct vhdstream *v, const struct xapi_vdi *vdi,
                      const struct image *img, struct err *e)
{
    if (img->size < vdi->size)
        return err_set(e, ERR_CORRUPT,
                       "%s: the server sends a disk of %" PRIu64
                       " bytes, but the VDI has %" PRIu64,
                       img->name, img->size, vdi->size);
    if (img->size > vdi->size)
        notice_say(&v->notice,
                   "%s: the server sends %" PRIu64
                   " bytes for a VDI of %" PRIu64,
                   img->name, img->size, vdi->size);
    return 0;
}

static int check_kind(const struct image *img, const struct xapi_vdi *base,
                      struct err *e)
{
    if (img->has_parent == (base != NULL))
        return 0;
    if (base)
        return err_set(e, ERR_CORRUPT,
                       "%s: the server sends a whole disk where what differs "
                       "from VDI %s was asked for",
                       img->name, base->uuid);
    return err_set(e, ERR_CORRUPT,
                   "%s: the server sends a differencing disk where a whole one "
                   "was asked for",
                   img->name);
}

int pool_export_open(struct vhdstream *v, struct xapi *x,
                     const struct xapi_vdi *vdi, const struct xapi_vdi *base,
                     _Atomic uint64_t *meter, struct image **out, struct err *e)
{
    const struct vhd_origin origin = {.notice = &v->notice, .exact = true};
    bool as_vhd = pool_export_is_vhd(vdi->size);
    CLEANUP(source) struct source *src = NULL;

    TRY(xapi_export_open(&src, x, vdi, as_vhd ? XAPI_VHD : XAPI_RAW,
                         base ? base->uuid : NULL, e));
    src->meter = meter;
    src->stage = meter ? operation_stage(v, STAGE_SOURCE) : NULL;
    /* What is read back is carried by the same network as the copy was. */
    src->rate = meter ? v->rate_in : v->rate_out;
    if (!as_vhd)
        return raw_decode(&src, (int64_t)vdi->size, out, e);
    TRY(vhd_decode(&src, &origin, out, e));
    TRY(check_kind(*out, base, e));
    return check_size(v, vdi, *out, e);
}
