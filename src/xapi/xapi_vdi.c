/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_vdi.h"

#include "base/mem.h"
#include "base/text.h"
#include "xapi/xapi_task.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 5 };

/* --- reading ---------------------------------------------------------------*/

static void read_image(struct xapi_vdi *vdi, const char *note)
{
    size_t len = XAPI_UUID_SIZE - 1;

    vdi->image[0] = '\0';
    if (strlen(note) != 2 * len + 1 || note[len] != '/' ||
        strcmp(note + len + 1, vdi->uuid) != 0)
        return;
    memcpy(vdi->image, note, len);
    vdi->image[len] = '\0';
}

static void read_notes(struct xapi_vdi *vdi, const json_t *config)
{
    text_copy_cut(vdi->digest, sizeof(vdi->digest),
                  xapi_json_in_map(config, XAPI_NOTE_DIGEST));
    read_image(vdi, xapi_json_in_map(config, XAPI_NOTE_IMAGE));
    vdi->unfinished = xapi_marks_are_in(config);
}

static int read_record(struct xapi_vdi *vdi, const json_t *record,
                       const char *what, struct err *e)
{
    TRY(xapi_json_word(record, "uuid", what, vdi->uuid, sizeof(vdi->uuid), e));
    TRY(xapi_json_label(record, "name_label", what, vdi->label,
                        sizeof(vdi->label), e));
    TRY(xapi_json_size(record, "virtual_size", what, &vdi->size, e));
    TRY(xapi_json_size(record, "physical_utilisation", what, &vdi->used, e));
    TRY(xapi_json_bool(record, "read_only", what, &vdi->read_only, e));
    TRY(xapi_json_bool(record, "is_a_snapshot", what, &vdi->is_snapshot, e));
    if (!json_is_object(json_object_get(record, "sm_config")))
        return err_set(e, ERR_CORRUPT, "%s: the VDI has no sm_config", what);
    vdi->has_vm = json_array_size(json_object_get(record, "VBDs")) > 0;
    read_notes(vdi, json_object_get(record, "other_config"));
    return xapi_json_ref(record, "SR", what, vdi->sr.ref, e);
}

int xapi_vdi_record(struct xapi *x, const char *ref, json_t **record,
                    struct xapi_vdi *out, struct err *e)
{
    static const char method[] = "VDI.get_record";
    CLEANUP(json) json_t *found = NULL;
    struct xapi_vdi vdi = {0};
    char what[XAPI_WHAT_SIZE];

    TRY(xapi_call(x, XAPI_NORMAL, &found, e, method, "s", ref));
    (void)xapi_what(x, method, what);
    (void)snprintf(vdi.ref, sizeof(vdi.ref), "%s", ref);
    TRY(read_record(&vdi, found, what, e));
    TRY(xapi_sr_read(x, vdi.sr.ref, &vdi.sr, e));
    vdi.takes_vhd =
        xapi_sr_vdi_takes_vhd(&vdi.sr, json_object_get(found, "sm_config"));
    *out = vdi;
    *record = json_incref(found);
    return 0;
}

int xapi_vdi_read(struct xapi *x, const char *ref, struct xapi_vdi *out,
                  struct err *e)
{
    CLEANUP(json) json_t *record = NULL;

    return xapi_vdi_record(x, ref, &record, out, e);
}

int xapi_vdi_find(struct xapi *x, const char *name, struct xapi_vdi *out,
                  struct err *e)
{
    char ref[XAPI_OPAQUE_SIZE];

    TRY(xapi_find(x, "VDI", name, ref, e));
    return xapi_vdi_read(x, ref, out, e);
}

/* --- destroying ------------------------------------------------------------*/

/* One question whose refusal with HANDLE_INVALID says that the VDI is gone: 1;
 * 0 when it is there and the call was carried out. */
static int ask_about(struct xapi *x, enum xapi_mode mode, const char *method,
                     const char *ref, struct xapi_fault *fault, struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    int code =
        xapi_ask(x, mode, method, json_pack("[s]", ref), &result, fault, e);

    if (code == 1 && !xapi_fault_is(fault, "HANDLE_INVALID"))
        return xapi_refuse(x, fault, method, e);
    return code;
}

int xapi_vdi_exists(struct xapi *x, const char *ref, bool *out, struct err *e)
{
    struct xapi_fault fault;
    int gone = ask_about(x, XAPI_CLEANUP, "VDI.get_uuid", ref, &fault, e);

    TRY(gone);
    *out = !gone;
    return 0;
}

/* How long a failure to destroy is worth another try. */
enum patience {
    NONE,
    SHORT, /* the pool is not reached, or is in trouble */
    LONG,  /* the VDI is in use: it takes minutes to detach one */
};

static enum patience patience_with(int code, const struct xapi_fault *fault)
{
    if (xapi_fault_is_busy(fault))
        return LONG;
    return code == ERR_TEMPORARY ? SHORT : NONE;
}

/* Who destroys, and whether he still may. */
struct removal {
    struct xapi *x;
    const char *ref;
    enum xapi_mode mode;
    xapi_may_fn *may; /* NULL: always */
    void *ctx;
};

/* One attempt: 1 gone, else 0 with *e and *more. */
static int destroy_once(const struct removal *r, enum patience *more,
                        struct err *e)
{
    struct xapi_fault fault = {0};
    int code = ask_about(r->x, r->mode, "VDI.destroy", r->ref, &fault, e);
    bool exists = true;

    if (code == 1)
        return 1;
    *more = patience_with(code, &fault);
    if (code < 0)
        return 0;
    code = xapi_vdi_exists(r->x, r->ref, &exists, e);
    *more = SHORT;
    if (!code && exists)
        (void)err_set(e, ERR_FAILED,
                      "%s: VDI.destroy succeeded, but the VDI is still there",
                      xapi_name(r->x));
    return !exists;
}

static int destroy(const struct removal *r, struct err *e)
{
    double start = wait_now();
    double settle = xapi_settle_s(r->x);
    double limits[] = {[NONE] = 0, [SHORT] = 120, [LONG] = settle};
    unsigned pause_ms = 0;

    for (;;) {
        enum patience more = NONE;
        struct err why = {0};
        int may = r->may ? r->may(r->ctx, e) : 1;

        if (may <= 0)
            return may < 0 ? may : 1;
        if (destroy_once(r, &more, &why))
            return 0;
        if (more == NONE || wait_now() - start >= limits[more] ||
            wait_now() - start >= settle || xapi_is_out_of_reach(r->x)) {
            *e = why;
            return why.code;
        }
        TRY(xapi_pause(r->x, r->mode, &pause_ms, e));
    }
}

int xapi_vdi_destroy(struct xapi *x, const char *ref, struct err *e)
{
    const struct removal r = {.x = x, .ref = ref, .mode = XAPI_CLEANUP};

    return destroy(&r, e);
}

int xapi_vdi_destroy_if(struct xapi *x, const char *ref, xapi_may_fn *may,
                        void *ctx, struct err *e)
{
    const struct removal r = {
        .x = x, .ref = ref, .mode = XAPI_NORMAL, .may = may, .ctx = ctx};

    return destroy(&r, e);
}

/* --- growing ---------------------------------------------------------------*/

static int resize_once(struct xapi *x, const char *ref, uint64_t size,
                       bool *busy, struct err *e)
{
    static const char method[] = "VDI.resize";
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault = {0};
    int code =
        xapi_ask(x, XAPI_NORMAL, method,
                 json_pack("[sI]", ref, (json_int_t)size), &result, &fault, e);

    *busy = code == 1 && xapi_fault_is_busy(&fault);
    return code == 1 ? xapi_refuse(x, &fault, method, e) : code;
}

int xapi_vdi_resize(struct xapi *x, struct xapi_vdi *vdi, uint64_t size,
                    struct err *e)
{
    double start = wait_now();
    unsigned pause_ms = 0;
    bool busy;

    while (resize_once(x, vdi->ref, size, &busy, e) < 0) {
        if (!busy || wait_now() - start >= xapi_settle_s(x))
            return e->code;
        TRY(xapi_pause(x, XAPI_NORMAL, &pause_ms, e));
    }
    TRY(xapi_vdi_read(x, vdi->ref, vdi, e));
    if (vdi->size >= size)
        return 0;
    return err_set(e, ERR_FAILED,
                   "%s: VDI.resize succeeded, but the VDI has %" PRIu64
                   " bytes, not %" PRIu64,
                   xapi_name(x), vdi->size, size);
}

int xapi_vdi_set_label(struct xapi *x, const char *ref, const char *label,
                       struct err *e)
{
    CLEANUP(json) json_t *result = NULL;

    return xapi_call(x, XAPI_FIRM, &result, e, "VDI.set_name_label", "ss", ref,
                     label);
}

/* --- notes -----------------------------------------------------------------*/

int xapi_vdi_drop_note(struct xapi *x, const char *ref, const char *key,
                       struct err *e)
{
    CLEANUP(json) json_t *result = NULL;

    return xapi_call(x, XAPI_FIRM, &result, e, "VDI.remove_from_other_config",
                     "ss", ref, key);
}

/* A call whose answer is lost is made again, and then refused for what it has
 * done itself: nothing else had that key after the first step. */
static int add_note(struct xapi *x, const char *ref, const char *key,
                    const char *value, struct err *e)
{
    static const char method[] = "VDI.add_to_other_config";
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    int code;

    TRY(xapi_vdi_drop_note(x, ref, key, e));
    code = xapi_ask(x, XAPI_FIRM, method, json_pack("[sss]", ref, key, value),
                    &result, &fault, e);
    if (code == 1 && !xapi_fault_is(&fault, "MAP_DUPLICATE_KEY"))
        return xapi_refuse(x, &fault, method, e);
    return code < 0 ? code : 0;
}

/* The disk is whole by now: this is worth more than one try. */
int xapi_vdi_note(struct xapi *x, const char *ref, const char *key,
                  const char *value, struct err *e)
{
    unsigned pause_ms = 0;

    for (int tries = 1;; tries++) {
        struct err why = {0};
        int code = add_note(x, ref, key, value, &why);

        if (code != ERR_TEMPORARY || tries == TRIES) {
            if (code < 0)
                *e = why;
            return code;
        }
        (void)xapi_pause(x, XAPI_CLEANUP, &pause_ms, NULL);
    }
}

/* --- marks -----------------------------------------------------------------*/

int xapi_vdi_mark(struct xapi *x, const char *ref, const char *disk,
                  struct err *e)
{
    CLEANUP(json) json_t *marks = NULL;
    const char *key;
    json_t *value;
    int64_t now;

    TRY(xapi_clock(x, XAPI_FIRM, &now, NULL, e));
    marks = xapi_marks(x, XAPI_MADE_SNAPSHOT, disk, now);
    if (!marks)
        return err_set(e, ERR_NO_SPACE, "out of memory for marks");
    json_object_foreach(marks, key, value)
    {
        CLEANUP(json) json_t *result = NULL;

        TRY(xapi_call(x, XAPI_FIRM, &result, e, "VDI.add_to_other_config",
                      "sss", ref, key, json_string_value(value)));
    }
    return 0;
}

static int remove_mark(struct xapi *x, const char *ref, const char *key,
                       struct err *e)
{
    CLEANUP(json) json_t *result = NULL;

    return xapi_call(x, XAPI_CLEANUP, &result, e,
                     "VDI.remove_from_other_config", "ss", ref, key);
}

/* The disk is whole by now: this is worth more than one try. */
int xapi_vdi_unmark(struct xapi *x, const char *ref, struct err *e)
{
    unsigned pause_ms = 0;

    for (int i = 0, tries = 0; xapi_mark_keys[i];) {
        struct err why = {0};
        int code = remove_mark(x, ref, xapi_mark_keys[i], &why);

        if (!code) {
            i++;
            continue;
        }
        if (code != ERR_TEMPORARY || ++tries == TRIES) {
            *e = why;
            return code;
        }
        (void)xapi_pause(x, XAPI_CLEANUP, &pause_ms, NULL);
    }
    return 0;
}
