/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_async.h"
#include "xapi/xapi_disk_inner.h"

#include <string.h>

/* Neither call takes marks, so a disk whose making went on unseen cannot be
 * told from somebody else's. */
static int nobody_knows(const struct xapi_vdi *of, struct err *e)
{
    xapi_disk_make_room(e);
    (void)err_append(e,
                     "; left behind, perhaps: a copy of VDI %s (xe vdi-list "
                     "shows disks of its name-label)",
                     of->uuid);
    e->code = ERR_UNSETTLED;
    return e->code;
}

/* 0, or 1 where the SR has no clones or snapshots. */
static int make(struct xapi *x, const char *method, json_t *args,
                const struct xapi_vdi *of, char ref[XAPI_OPAQUE_SIZE],
                struct err *e)
{
    struct xapi_fault fault;
    bool lost;
    int code = xapi_async(x, method, args, ref, &lost, &fault, e);

    if (code == 1 && strcmp(method, "VDI.copy") != 0 &&
        xapi_fault_is_lacking(&fault))
        return 1;
    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    if (code < 0 && ref[0])
        xapi_disk_remove(x, ref, NULL, e);
    if (code < 0 && lost)
        return nobody_knows(of, e);
    return code < 0 ? e->code : 0;
}

static int copy(struct xapi *x, const struct xapi_vdi *of,
                const struct xapi_sr *sr, char ref[XAPI_OPAQUE_SIZE],
                struct err *e)
{
    return make(x, "VDI.copy", json_pack("[ss]", of->ref, sr->ref), of, ref, e);
}

static int branch(struct xapi *x, const struct xapi_vdi *of,
                  const struct xapi_sr *sr, char ref[XAPI_OPAQUE_SIZE],
                  struct err *e)
{
    int code = 1;

    if (!strcmp(of->sr.uuid, sr->uuid))
        code = make(x, "VDI.clone", json_pack("[s]", of->ref), of, ref, e);
    return code == 1 ? copy(x, of, sr, ref, e) : code;
}

/* --- what it is now --------------------------------------------------------*/

/* Our marks (`how` NULL: of a snapshot) in place of all that the program has
 * said of the other disk. */
static int mark(struct xapi *x, const char *ref, const struct xapi_new *how,
                struct err *e)
{
    static const char ours[] = "vhdstream:";
    CLEANUP(json) json_t *config = NULL;
    CLEANUP(json) json_t *result = NULL;
    CLEANUP(json) json_t *marks = NULL;
    char disk[UUID_TEXT_SIZE];
    const char *key;
    json_t *value;
    void *next;
    int64_t now;

    TRY(xapi_call(x, XAPI_FIRM, &config, e, "VDI.get_other_config", "s", ref));
    TRY(xapi_disk_fresh_uuid(disk, e));
    TRY(xapi_clock(x, XAPI_FIRM, &now, NULL, e));
    marks = how ? xapi_disk_config(x, how, disk, now)
                : xapi_marks(x, XAPI_MADE_SNAPSHOT, disk, now);
    if (!marks)
        return err_set(e, ERR_NO_SPACE, "out of memory for marks");
    json_object_foreach_safe(config, next, key,
                             value) if (!strncmp(key, ours, strlen(ours)))
        json_object_del(config, key);
    json_object_update(config, marks);
    return xapi_call(x, XAPI_FIRM, &result, e, "VDI.set_other_config", "sO",
                     ref, config);
}

static int set_text(struct xapi *x, const char *method, const char *ref,
                    const char *text, struct err *e)
{
    CLEANUP(json) json_t *result = NULL;

    if (!text)
        return 0;
    return xapi_call(x, XAPI_FIRM, &result, e, method, "ss", ref, text);
}

static int grow(struct xapi *x, const char *ref, const struct xapi_vdi *of,
                uint64_t size, struct err *e)
{
    struct xapi_vdi clone;

    if (size <= of->size)
        return 0;
    TRY(xapi_vdi_read(x, ref, &clone, e));
    return xapi_vdi_resize(x, &clone, size, e);
}

int xapi_disk_grow(struct xapi_disk *d, uint64_t size, struct err *e)
{
    return size > d->vdi.size ? xapi_vdi_resize(d->x, &d->vdi, size, e) : 0;
}

static int dress(struct xapi *x, const char *ref, const struct xapi_vdi *of,
                 const struct xapi_new *how, struct err *e)
{
    TRY(mark(x, ref, how, e));
    TRY(set_text(x, "VDI.set_name_label", ref, how->label, e));
    TRY(set_text(x, "VDI.set_name_description", ref, how->description, e));
    return grow(x, ref, of, how->size, e);
}

int xapi_disk_clone(struct xapi_disk **out, struct xapi *x,
                    const struct xapi_vdi *of, const struct xapi_new *how,
                    struct err *e)
{
    char ref[XAPI_OPAQUE_SIZE];

    if (how->size > INT64_MAX)
        return err_set(e, ERR_NO_SPACE, "%s: no disk is so large",
                       xapi_name(x));
    TRY(branch(x, of, how->sr, ref, e));
    if (dress(x, ref, of, how, e) < 0) {
        xapi_disk_remove(x, ref, NULL, e);
        return e->code;
    }
    return xapi_disk_take(out, x, ref, true, e);
}

/* --- a point in time -------------------------------------------------------*/

int xapi_disk_freeze(struct xapi_disk **out, struct xapi_disk *d, bool *whole,
                     struct err *e)
{
    const struct xapi_vdi *vdi = &d->vdi;
    char ref[XAPI_OPAQUE_SIZE];
    int code =
        make(d->x, "VDI.snapshot", json_pack("[s]", vdi->ref), vdi, ref, e);

    *whole = code == 1;
    if (*whole)
        code = copy(d->x, vdi, &vdi->sr, ref, e);
    TRY(code);
    if (mark(d->x, ref, NULL, e) < 0) {
        xapi_disk_remove(d->x, ref, NULL, e);
        return e->code;
    }
    return xapi_disk_take(out, d->x, ref, true, e);
}
