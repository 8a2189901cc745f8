/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_base.h"

#include "copy/pool/pool_export.h"
#include "image/vhd/vhd_head.h"

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

static bool may_be_written(const struct xapi_vdi *vdi)
{
    return vdi->has_vm && !vdi->is_snapshot && !vdi->read_only;
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

int pool_base_check(const struct vhdstream *v, const struct xapi *x,
                    const struct xapi_vdi *base, const struct xapi_vdi *disk,
                    struct err *e)
{
    if (!strcmp(base->uuid, disk->uuid))
        return err_set(e, ERR_USAGE,
                       "%s: VDI %s is the disk and its own base; name a "
                       "snapshot of it, or an earlier one, with --base",
                       xapi_name(x), disk->uuid);
    if (may_be_written(base))
        notice_say(&v->notice,
                   "%s: the base %s is a VM's disk and no snapshot; what was "
                   "written to it after it was copied is missing in the delta",
                   xapi_name(x), base->uuid);
    return 0;
}

bool pool_base_can_tell(const struct xapi *x, const struct xapi_vdi *base,
                        const struct xapi_vdi *disk, struct err *why)
{
    if (check_vhd(x, disk, why) < 0 || check_vhd(x, base, why) < 0)
        return false;
    if (!strcmp(base->sr.uuid, disk->sr.uuid))
        return true;
    (void)err_set(why, ERR_UNSUPPORTED,
                  "%s: VDI %s is in the SR \"%s\", its base %s in \"%s\"; "
                  "the pool can tell what differs only within one SR",
                  xapi_name(x), disk->uuid, disk->sr.label, base->uuid,
                  base->sr.label);
    return false;
}

/* --- on the way in ---------------------------------------------------------*/

enum { EXTENT_MAX = 4 * 1024 * 1024 }; /* to which SRs round sizes up */

static bool is_uuid_of(const char *text, const struct uuid *wanted)
{
    struct uuid u;

    return uuid_parse(text, &u) && uuid_equal(&u, wanted);
}

static int check_parent(const struct vhdstream *v, const struct xapi *x,
                        const struct xapi_vdi *base, const struct image *img,
                        struct err *e)
{
    const struct uuid *wanted = &img->vhd->header.parent_uuid;
    char text[UUID_TEXT_SIZE];

    if (is_uuid_of(base->uuid, wanted) || is_uuid_of(base->image, wanted))
        return 0;
    uuid_format(wanted, text);
    if (!v->opt.force_base)
        return err_set(e, ERR_CORRUPT,
                       "%s: a delta to the VHD %s, but %s has in VDI %s %s; "
                       "name its base with --base, or take this one all the "
                       "same with --force-base",
                       img->name, text, xapi_name(x), base->uuid,
                       *base->image ? base->image
                                    : "no VHD that it knows the uuid of");
    notice_say(&v->notice,
               "%s: NOT the base it was made against: VDI %s of %s, not the "
               "VHD %s; taken all the same by --force-base, and the content is "
               "most likely wrong wherever the two differ",
               img->name, base->uuid, xapi_name(x), text);
    return 0;
}

int pool_base_check_import(const struct vhdstream *v, const struct xapi *x,
                           const struct xapi_vdi *base, const struct image *img,
                           struct err *e)
{
    if (!img->has_parent || !img->vhd)
        return err_set(e, ERR_USAGE,
                       "%s is a whole disk, and is not to be laid over VDI %s",
                       img->name, base->uuid);
    if (base->size >= img->size + EXTENT_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a disk of %" PRIu64 " bytes, and its base, VDI %s, "
                       "has %" PRIu64 "; a VDI cannot be made smaller",
                       img->name, img->size, base->uuid, base->size);
    TRY(check_parent(v, x, base, img, e));
    if (may_be_written(base))
        notice_say(&v->notice,
                   "%s: the base %s is a VM's disk and no snapshot; what was "
                   "written to it since it was copied is in the new disk, too",
                   xapi_name(x), base->uuid);
    return 0;
}
