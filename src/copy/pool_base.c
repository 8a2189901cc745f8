/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool_base.h"

#include "copy/pool_export.h"

#include <inttypes.h>
#include <string.h>

int pool_base_find(struct xapi *x, const char *name, struct xapi_vdi *out,
                   struct err *e)
{
    struct xapi_vdi vdi;

    TRY(xapi_vdi_find(x, name, &vdi, e));
    if (vdi.unfinished)
        return err_set(e, ERR_FAILED,
                       "%s: VDI %s cannot be a base: a transfer into it has "
                       "not ended, or was killed (vhdstream clean)",
                       xapi_name(x), vdi.uuid);
    *out = vdi;
    return 0;
}

static int check_vhd(const struct xapi *x, const struct xapi_vdi *vdi,
                     struct err *e)
{
    if (!vdi->takes_vhd)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: VDI %s is no VHD (its SR \"%s\" is of type %s), so "
                       "the pool cannot tell what differs",
                       xapi_name(x), vdi->uuid, vdi->sr.label, vdi->sr.type);
    if (!pool_export_is_vhd(vdi->size))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: VDI %s has %" PRIu64
                       " bytes; the pool can tell what differs only of disks "
                       "of whole 2 MiB, up to 2040 GiB",
                       xapi_name(x), vdi->uuid, vdi->size);
    return 0;
}

int pool_base_check_export(const struct vhdstream *v, const struct xapi *x,
                           const struct xapi_vdi *base,
                           const struct xapi_vdi *disk, struct err *e)
{
    if (!strcmp(base->uuid, disk->uuid))
        return err_set(e, ERR_USAGE,
                       "%s: VDI %s is the disk and its own base; name a "
                       "snapshot of it, or an earlier one, with --base",
                       xapi_name(x), disk->uuid);
    TRY(check_vhd(x, disk, e));
    TRY(check_vhd(x, base, e));
    if (strcmp(base->sr.uuid, disk->sr.uuid) != 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: VDI %s is in the SR \"%s\", its base %s in \"%s\"; "
                       "the pool can tell what differs only within one SR",
                       xapi_name(x), disk->uuid, disk->sr.label, base->uuid,
                       base->sr.label);
    if (!base->is_snapshot && !base->read_only)
        notice_say(&v->notice,
                   "%s: the base %s is no snapshot; what was written to it "
                   "after it was copied is missing in the delta",
                   xapi_name(x), base->uuid);
    return 0;
}
