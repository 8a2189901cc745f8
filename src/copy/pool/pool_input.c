/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_input.h"

#include "base/mem.h"
#include "copy/pool/pool_base.h"
#include "copy/pool/pool_export.h"
#include "copy/pool/pool_login.h"
#include "xapi/xapi_disk.h"
#include "xapi/xapi_export.h"

#include <inttypes.h>
#include <stdlib.h>

struct pool_input {
    struct xapi *x;
    struct xapi_disk *disk;
    struct xapi_disk *snapshot; /* NULL: the disk itself is read */
    struct xapi_vdi base;       /* of --base; ref "": none */
    bool compared;              /* ... it has to be read, too */
    bool ready;                 /* all was found */
};

/* The disk that is read: itself, or its snapshot. */
static const struct xapi_vdi *vdi_of(const struct pool_input *pool)
{
    return pool->snapshot ? &pool->snapshot->vdi : &pool->disk->vdi;
}

/* Before a snapshot is made for nothing. */
static int find_base(struct vhdstream *v, const char *name,
                     struct pool_input *pool, struct err *e)
{
    const struct xapi_vdi *disk = &pool->disk->vdi;
    struct xapi_vdi vdi;
    struct err why;

    TRY(pool_base_find(pool->x, name, &vdi, e));
    TRY(pool_base_check(v, pool->x, &vdi, disk, e));
    pool->compared = !pool_base_can_tell(pool->x, &vdi, disk, &why);
    if (pool->compared)
        notice_say(&v->notice, "%s; both disks are read and compared",
                   why.text);
    pool->base = vdi;
    return 0;
}

static int find_disk(struct vhdstream *v, const struct input *in,
                     const struct place *p, struct pool_input *pool,
                     struct err *e)
{
    if (p->xapi.kind != XAPI_VDI)
        return err_set(e, ERR_USAGE,
                       "%s: as a source it has to name a disk: "
                       "xapi://HOST/vdi/UUID",
                       p->name);
    TRY(pool_login(v, in->side, p, &pool->x, e));
    TRY(xapi_disk_open(&pool->disk, pool->x, p->xapi.ref, e));
    if (in->base)
        TRY(find_base(v, in->base, pool, e));
    if (v->opt.snapshot)
        TRY(xapi_disk_snapshot(&pool->snapshot, pool->x, &pool->disk->vdi, e));
    pool->ready = true;
    return 0;
}

bool pool_input_is_ready(const struct pool_input *pool)
{
    return pool && pool->ready;
}

int pool_input_export(struct vhdstream *v, struct pool_input *pool,
                      struct image **out, struct err *e)
{
    bool part = *pool->base.ref && !pool->compared;
    const struct xapi_vdi *base = part ? &pool->base : NULL;

    return pool_export_open(v, pool->x, vdi_of(pool), base, &v->progress.read,
                            out, e);
}

int pool_input_find(struct vhdstream *v, const struct place *p,
                    struct input *out, struct err *e)
{
    if (out->pool)
        return 0;
    TRY(mem_alloc(&out->pool, sizeof(*out->pool), "a pool", e));
    return find_disk(v, out, p, out->pool, e);
}

bool pool_input_is_compared(const struct pool_input *pool)
{
    return pool->compared;
}

int pool_input_export_base(struct vhdstream *v, struct pool_input *pool,
                           struct image **out, struct err *e)
{
    return pool_export_open(v, pool->x, &pool->base, NULL, &v->progress.read,
                            out, e);
}

int pool_input_open(struct vhdstream *v, const struct place *p,
                    struct input *out, struct err *e)
{
    TRY(pool_input_find(v, p, out, e));
    (void)uuid_parse(vdi_of(out->pool)->uuid, &out->uuid);
    (void)uuid_parse(out->pool->base.uuid, &out->parent_uuid);
    return pool_input_export(v, out->pool, &out->img, e);
}

int pool_input_open_bytes(struct vhdstream *v, const struct place *p,
                          struct input *out, struct source **src, struct err *e)
{
    const struct xapi_vdi *vdi;

    TRY(pool_input_find(v, p, out, e));
    vdi = vdi_of(out->pool);
    if (!pool_export_is_vhd(vdi->size))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the server gives a disk of %" PRIu64
                       " bytes out as it is, not as a VHD",
                       p->name, vdi->size);
    TRY(xapi_export_open(src, out->pool->x, vdi, XAPI_VHD, NULL, e));
    (*src)->meter = &v->progress.read;
    (*src)->stage = operation_stage(v, STAGE_SOURCE);
    (*src)->rate = v->rate_in;
    return 0;
}

void pool_input_resume(struct pool_input *pool)
{
    if (pool)
        xapi_beat_resume(pool->x);
}

int pool_input_finish(struct pool_input *pool, struct err *e)
{
    struct err left = {0};

    xapi_disk_close(pool->snapshot, &left);
    pool->snapshot = NULL;
    return left.code ? err_set(e, left.code, "%s", left.text) : 0;
}

void pool_input_close(struct pool_input *pool, struct err *why)
{
    if (!pool)
        return;
    xapi_disk_close(pool->snapshot, why);
    xapi_disk_close(pool->disk, why);
    xapi_close(pool->x);
    free(pool);
}

const char *pool_input_label(const struct pool_input *pool)
{
    return pool->disk->vdi.label;
}

json_t *pool_input_describe(const struct pool_input *pool)
{
    const struct xapi_vdi *vdi = &pool->disk->vdi;
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "uuid", vdi->uuid, "name_label",
        vdi->label, "virtual_size", (json_int_t)vdi->size,
        "physical_utilisation", (json_int_t)vdi->used, "sr", vdi->sr.uuid,
        "sr_name", vdi->sr.label, "sr_type", vdi->sr.type);

    if (*vdi->digest)
        json_object_set_new(object, "recorded_digest",
                            json_string(vdi->digest));
    return object;
}
