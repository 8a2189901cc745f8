/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_disk_inner.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is left behind ---------------------------------------------------*/

/* The first failure keeps its words, but leaves room for what must be said:
 * what is left, and how it is removed. */
void xapi_disk_make_room(struct err *why)
{
    char kept[sizeof(why->text) - 360];

    if (strlen(why->text) < sizeof(kept))
        return;
    text_copy_cut(kept, sizeof(kept), why->text);
    (void)snprintf(why->text, sizeof(why->text), "%s...", kept);
}

/* `uuid` is NULL where it could not be learnt. */
static void left_behind(struct err *why, struct xapi *x, const char *uuid,
                        const struct err *cause)
{
    char reason[160];

    if (!why->code)
        (void)err_set(why, ERR_UNSETTLED, "%s", xapi_name(x));
    xapi_disk_make_room(why);
    text_copy_cut(reason, sizeof(reason), cause->text);
    if (uuid)
        (void)err_append(why,
                         "; left behind: VDI %s (%s); remove it with: xe "
                         "vdi-destroy uuid=%s",
                         uuid, reason, uuid);
    else
        (void)err_append(why,
                         "; left behind, perhaps: the VDI that xe vdi-list "
                         "other-config:%s=%s shows (%s)",
                         XAPI_MARK_RUN, xapi_run(x), reason);
    why->code = ERR_UNSETTLED;
}

/* Destroys a VDI that this run has made. */
void xapi_disk_remove(struct xapi *x, const char *ref, const char *uuid,
                      struct err *why)
{
    struct err cause = {0};

    if (xapi_vdi_destroy(x, ref, &cause) < 0 && why)
        left_behind(why, x, uuid, &cause);
}

/* --- making ----------------------------------------------------------------*/

json_t *xapi_disk_config(const struct xapi *x, const struct xapi_new *how,
                         const char *disk, int64_t now)
{
    CLEANUP(json) json_t *marks = xapi_marks(x, XAPI_MADE_DISK, disk, now);
    int failed = !marks;

    if (how->state && marks)
        failed |= json_object_set_new(marks, XAPI_MARK_STATE,
                                      json_string(how->state)) < 0;
    if (how->other_config && marks)
        failed |= json_object_update_missing(marks, how->other_config) < 0;
    return failed ? NULL : json_incref(marks);
}

static json_t *new_record(const struct xapi *x, const struct xapi_new *how,
                          const char *disk, int64_t now)
{
    json_t *config = xapi_disk_config(x, how, disk, now);

    return json_pack(
        "[{s:s, s:s, s:s, s:I, s:s, s:b, s:b, s:o, s:{}, s:{}, s:[]}]",
        "name_label", how->label ? how->label : "", "name_description",
        how->description ? how->description : "", "SR", how->sr->ref,
        "virtual_size", (json_int_t)how->size, "type", "user", "sharable", 0,
        "read_only", 0, "other_config", config, "xenstore_data", "sm_config",
        "tags");
}

/* Whether the VDI carries this mark; false where it cannot be asked. */
static bool is_marked(struct xapi *x, const char *ref, const char *disk)
{
    CLEANUP(json) json_t *config = NULL;
    struct err ignored;

    if (xapi_call(x, XAPI_CLEANUP, &config, &ignored, "VDI.get_other_config",
                  "s", ref) < 0)
        return false;
    return !strcmp(xapi_json_in_map(config, XAPI_MARK_DISK), disk);
}

/* The answer to VDI.create was lost, so there may be a VDI that nobody knows
 * of. */
static void remove_lost(struct xapi *x, const char *label, const char *disk,
                        struct err *why)
{
    CLEANUP(json) json_t *refs = NULL;
    struct err cause = {0};

    if (xapi_call(x, XAPI_CLEANUP, &refs, &cause, "VDI.get_by_name_label", "s",
                  label) < 0)
        left_behind(why, x, NULL, &cause);
    for (size_t i = 0; i < json_array_size(refs); i++) {
        const char *ref = json_string_value(json_array_get(refs, i));

        if (ref && is_marked(x, ref, disk))
            xapi_disk_remove(x, ref, NULL, why);
    }
}

/* Whether a failed call may have been carried out all the same. */
bool xapi_disk_is_open(int code)
{
    return code == ERR_TEMPORARY || code == ERR_CORRUPT || code == ERR_FAILED;
}

int xapi_disk_fresh_uuid(char out[UUID_TEXT_SIZE], struct err *e)
{
    struct uuid u;

    TRY(uuid_make(&u, e));
    uuid_format(&u, out);
    return 0;
}

static int create(struct xapi *x, const struct xapi_new *how,
                  char ref[XAPI_OPAQUE_SIZE], struct err *e)
{
    static const char method[] = "VDI.create";
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    char disk[UUID_TEXT_SIZE];
    char what[XAPI_WHAT_SIZE];
    int64_t now;
    int code;

    TRY(xapi_clock(x, XAPI_NORMAL, &now, NULL, e));
    TRY(xapi_disk_fresh_uuid(disk, e));
    code = xapi_ask(x, XAPI_FIRM, method, new_record(x, how, disk, now),
                    &result, &fault, e);
    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    if (!code)
        code = xapi_json_ref(result, NULL, xapi_what(x, method, what), ref, e);
    if (code == 0)
        return 0;
    if (xapi_disk_is_open(code))
        remove_lost(x, how->label ? how->label : "", disk, e);
    return e->code;
}

/* Wraps the VDI of `ref`; one that is ours is destroyed when that fails. */
int xapi_disk_take(struct xapi_disk **out, struct xapi *x, const char *ref,
                   bool ours, struct err *e)
{
    struct xapi_disk *d = NULL;
    int code = mem_alloc(&d, sizeof(*d), "a disk", e);

    if (!code)
        code = xapi_vdi_read(x, ref, &d->vdi, e);
    if (!code && ours)
        code = xapi_beat_start(x, &d->beat, "VDI", ref, e);
    if (code < 0) {
        free(d);
        if (!ours)
            return code;
        xapi_disk_remove(x, ref, NULL, e);
        return e->code;
    }
    d->x = x;
    d->ours = ours;
    *out = d;
    return 0;
}

int xapi_disk_create(struct xapi_disk **out, struct xapi *x,
                     const struct xapi_new *how, struct err *e)
{
    char ref[XAPI_OPAQUE_SIZE];

    if (how->size > INT64_MAX)
        return err_set(e, ERR_NO_SPACE, "%s: no disk is so large",
                       xapi_name(x));
    TRY(create(x, how, ref, e));
    return xapi_disk_take(out, x, ref, true, e);
}

int xapi_disk_open(struct xapi_disk **out, struct xapi *x, const char *name,
                   struct err *e)
{
    char ref[XAPI_OPAQUE_SIZE];

    TRY(xapi_find(x, "VDI", name, ref, e));
    return xapi_disk_take(out, x, ref, false, e);
}

int xapi_disk_adopt(struct xapi_disk **out, struct xapi *x, const char *uuid,
                    const char *run, struct err *e)
{
    CLEANUP(xapi_disk) struct xapi_disk *d = NULL;
    CLEANUP(json) json_t *config = NULL;
    char ref[XAPI_OPAQUE_SIZE];

    TRY(xapi_find(x, "VDI", uuid, ref, e));
    TRY(xapi_call(x, XAPI_NORMAL, &config, e, "VDI.get_other_config", "s",
                  ref));
    if (strcmp(xapi_json_in_map(config, XAPI_MARK_RUN), run) != 0)
        return err_set(e, ERR_FAILED,
                       "%s: VDI %s is complete, or is no longer that of the "
                       "run to go on with",
                       xapi_name(x), uuid);
    TRY(xapi_disk_take(&d, x, ref, false, e));
    TRY(xapi_beat_start(x, &d->beat, "VDI", ref, e));
    d->ours = true;
    *out = d;
    d = NULL;
    return 0;
}

/* A snapshot cannot be made with marks, so one whose answer is lost cannot be
 * told from somebody else's. */
static int snapshot(struct xapi *x, const struct xapi_vdi *of,
                    char ref[XAPI_OPAQUE_SIZE], struct err *e)
{
    static const char method[] = "VDI.snapshot";
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    char what[XAPI_WHAT_SIZE];
    int code = xapi_ask(x, XAPI_FIRM, method, json_pack("[s]", of->ref),
                        &result, &fault, e);

    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    if (!code)
        code = xapi_json_ref(result, NULL, xapi_what(x, method, what), ref, e);
    if (code == 0 || !xapi_disk_is_open(code))
        return code;
    xapi_disk_make_room(e);
    (void)err_append(e,
                     "; left behind, perhaps: a snapshot (xe snapshot-list "
                     "and xe vdi-list snapshot-of=%s show it)",
                     of->uuid);
    e->code = ERR_UNSETTLED;
    return e->code;
}

int xapi_disk_snapshot(struct xapi_disk **out, struct xapi *x,
                       const struct xapi_vdi *of, struct err *e)
{
    char disk[UUID_TEXT_SIZE];
    char ref[XAPI_OPAQUE_SIZE];

    TRY(xapi_disk_fresh_uuid(disk, e));
    TRY(snapshot(x, of, ref, e));
    if (xapi_vdi_mark(x, ref, disk, e) < 0) {
        xapi_disk_remove(x, ref, NULL, e);
        return e->code;
    }
    return xapi_disk_take(out, x, ref, true, e);
}

/* --- the end ---------------------------------------------------------------*/

int xapi_disk_complete(struct xapi_disk *d, struct err *e)
{
    struct err cause = {0};

    if (!d->ours)
        return 0;
    d->ours = false;
    d->touched = false;
    xapi_beat_stop(d->x, &d->beat);
    if (!xapi_vdi_unmark(d->x, d->vdi.ref, &cause))
        return 0;
    return err_set(e, ERR_UNSETTLED,
                   "VDI %s is complete, but its mark could not be removed "
                   "(%s); remove it with: xe vdi-param-remove uuid=%s "
                   "param-name=other-config param-key=%s",
                   d->vdi.uuid, cause.text, d->vdi.uuid, XAPI_MARK_RUN);
}

void xapi_disk_close(struct xapi_disk *d, struct err *why)
{
    if (!d)
        return;
    xapi_beat_stop(d->x, &d->beat);
    if (d->kept && why)
        (void)err_append(why,
                         "; VDI %s is kept: the same command with --resume "
                         "goes on",
                         d->vdi.uuid);
    else if (d->ours)
        xapi_disk_remove(d->x, d->vdi.ref, d->vdi.uuid, why);
    else if (d->touched && why && why->code)
        (void)err_append(why, "; a part of the new content is in VDI %s",
                         d->vdi.uuid);
    free(d);
}

void xapi_disk_cleanup(struct xapi_disk **d)
{
    xapi_disk_close(*d, NULL);
    *d = NULL;
}
