/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_clean.h"

#include "base/mem.h"
#include "xapi/xapi_records.h"

#include <stdio.h>
#include <string.h>

struct survey {
    struct xapi *x;
    const struct xapi_clean *how;
    int64_t now;     /* of the beginning: ages are never taken for larger */
    json_t *disks;   /* refs of VDIs with marks */
    json_t *tasks;   /* and of tasks */
    json_t *makings; /* XAPI_MARK_DISK: how many of the right kind have it */
    xapi_remnant_fn *tell;
    void *ctx;
};

static void survey_cleanup(struct survey *s)
{
    json_decref(s->disks);
    json_decref(s->tasks);
    json_decref(s->makings);
}

/* --- what there is ---------------------------------------------------------*/

static int remember(json_t *refs, const char *ref, struct err *e)
{
    if (json_array_append_new(refs, json_string(ref)) < 0)
        return err_set(e, ERR_NO_SPACE, "out of memory for references");
    return 0;
}

static enum xapi_making kind_of(const json_t *vdi)
{
    return json_is_true(json_object_get(vdi, "is_a_snapshot"))
               ? XAPI_MADE_SNAPSHOT
               : XAPI_MADE_DISK;
}

static int count_making(struct survey *s, const json_t *config,
                        const json_t *vdi, struct err *e)
{
    const char *disk = xapi_json_in_map(config, XAPI_MARK_DISK);
    json_int_t before = json_integer_value(json_object_get(s->makings, disk));

    if (strcmp(xapi_json_in_map(config, XAPI_MARK_KIND),
               xapi_making_name(kind_of(vdi))) != 0)
        return 0;
    if (json_object_set_new(s->makings, disk, json_integer(before + 1)) < 0)
        return err_set(e, ERR_NO_SPACE, "out of memory for marks");
    return 0;
}

static int see_vdi(void *ctx, const char *ref, const json_t *record,
                   struct err *e)
{
    struct survey *s = ctx;
    const json_t *config = json_object_get(record, "other_config");

    if (!xapi_marks_are_in(config))
        return 0;
    TRY(remember(s->disks, ref, e));
    return count_making(s, config, record, e);
}

static int see_task(void *ctx, const char *ref, const json_t *record,
                    struct err *e)
{
    struct survey *s = ctx;

    if (!xapi_marks_are_in(json_object_get(record, "other_config")))
        return 0;
    return remember(s->tasks, ref, e);
}

/* --- one thing -------------------------------------------------------------*/

/* A record, 1 where the object is gone by now. */
static int get_record(struct xapi *x, const char *class, const char *ref,
                      json_t **out, struct err *e)
{
    struct xapi_fault fault;
    char method[48];
    int code;

    (void)snprintf(method, sizeof(method), "%s.get_record", class);
    code =
        xapi_ask(x, XAPI_NORMAL, method, json_pack("[s]", ref), out, &fault, e);
    if (code == 1 && !xapi_fault_is(&fault, "HANDLE_INVALID"))
        return xapi_refuse(x, &fault, method, e);
    return code;
}

/* Control domains plug disks for transfers; their VBDs that are not attached
 * are wreckage, any other VM's are its disks. */
static int see_vbd(struct xapi *x, const char *ref, struct xapi_case *c,
                   struct err *e)
{
    CLEANUP(json) json_t *vbd = NULL;
    CLEANUP(json) json_t *is_control = NULL;
    char what[XAPI_WHAT_SIZE];
    char vm[XAPI_OPAQUE_SIZE];
    bool attached;
    int gone = get_record(x, "VBD", ref, &vbd, e);

    TRY(gone);
    if (gone)
        return 0;
    (void)xapi_what(x, "VBD.get_record", what);
    TRY(xapi_json_bool(vbd, "currently_attached", what, &attached, e));
    TRY(xapi_json_ref(vbd, "VM", what, vm, e));
    if (attached)
        c->plugged = true;
    if (attached || !xapi_ref_is_some(vm))
        return 0;
    TRY(xapi_call(x, XAPI_NORMAL, &is_control, e, "VM.get_is_control_domain",
                  "s", vm));
    if (!json_is_true(is_control))
        c->in_vm = true;
    return 0;
}

static int see_vbds(struct xapi *x, const json_t *vdi, struct xapi_case *c,
                    struct err *e)
{
    char what[XAPI_WHAT_SIZE];
    char ref[XAPI_OPAQUE_SIZE];
    const json_t *vbds;

    (void)xapi_what(x, "VDI.get_record", what);
    TRY(xapi_json_list(vdi, "VBDs", what, &vbds, e));
    for (size_t i = 0; i < json_array_size(vbds); i++) {
        TRY(xapi_json_ref(json_array_get(vbds, i), NULL, what, ref, e));
        TRY(see_vbd(x, ref, c, e));
    }
    return 0;
}

static bool is_pending(const json_t *task)
{
    const char *status = xapi_json_in_map(task, "status");

    return !strcmp(status, "pending") || !strcmp(status, "cancelling");
}

/* By the task's mark, or, where the server did not let the run write it, by its
 * description. */
static int see_run(void *ctx, const char *ref, const json_t *record,
                   struct err *e)
{
    struct xapi_case *c = ctx;
    const char *text = xapi_json_in_map(record, "name_description");
    const json_t *config = json_object_get(record, "other_config");

    (void)ref, (void)e;
    if (is_pending(record) &&
        (!strcmp(xapi_json_in_map(config, XAPI_MARK_RUN), c->maker.run) ||
         (!strncmp(text, "vhdstream ", 10) && strstr(text, c->maker.run))))
        c->pending = true;
    return 0;
}

static struct xapi_case new_case(const struct survey *s)
{
    return (struct xapi_case){.now = s->now,
                              .older_than_s = s->how->older_than_s,
                              .force = s->how->force};
}

/* 1: it may be removed; 0: not, and r->why says why. */
static int decide(const struct xapi_case *c, struct xapi_remnant *r)
{
    r->kind = c->kind;
    r->maker = c->maker;
    r->sound = !c->flaw;
    r->age_s =
        c->now > c->maker.start ? (uint64_t)(c->now - c->maker.start) : 0;
    return xapi_judge(c, r->why);
}

/* What is looked at, and may be removed. */
struct look {
    struct survey *s;
    const char *ref;
    struct xapi_remnant r;
    bool gone; /* or complete by now */
};

/* Reads all anew. 1: the disk may be removed; 0: not, or it is gone. */
static int look_at_disk(void *ctx, struct err *e)
{
    struct look *l = ctx;
    struct xapi *x = l->s->x;
    CLEANUP(json) json_t *record = NULL;
    struct xapi_case c = new_case(l->s);
    const json_t *config;
    json_int_t twins;
    int code = xapi_vdi_record(x, l->ref, &record, &l->r.vdi, e);

    l->gone = code == ERR_NOT_FOUND;
    if (code < 0)
        return l->gone ? 0 : code;
    config = json_object_get(record, "other_config");
    l->gone = !xapi_marks_are_in(config);
    if (l->gone)
        return 0;
    (void)snprintf(l->r.uuid, sizeof(l->r.uuid), "%s", l->r.vdi.uuid);
    (void)snprintf(l->r.label, sizeof(l->r.label), "%s", l->r.vdi.label);
    c.kind = kind_of(record);
    (void)xapi_marks_read(&c.maker, config, &c.flaw);
    twins = json_integer_value(json_object_get(l->s->makings, c.maker.disk));
    c.twins = twins > 1 ? (unsigned)twins - 1 : 0;
    TRY(see_vbds(x, record, &c, e));
    if (!c.flaw)
        TRY(xapi_records(x, "task", see_run, &c, e));
    return decide(&c, &l->r);
}

static int look_at_task(struct look *l, struct err *e)
{
    struct xapi *x = l->s->x;
    CLEANUP(json) json_t *record = NULL;
    struct xapi_case c = new_case(l->s);
    char what[XAPI_WHAT_SIZE];
    int code = get_record(x, "task", l->ref, &record, e);

    TRY(code);
    l->gone = code == 1 ||
              !xapi_marks_are_in(json_object_get(record, "other_config"));
    if (l->gone)
        return 0;
    (void)xapi_what(x, "task.get_record", what);
    TRY(xapi_json_word(record, "uuid", what, l->r.uuid, sizeof(l->r.uuid), e));
    TRY(xapi_json_label(record, "name_label", what, l->r.label,
                        sizeof(l->r.label), e));
    c.kind = XAPI_MADE_TASK;
    c.pending = is_pending(record);
    (void)xapi_marks_read(&c.maker, json_object_get(record, "other_config"),
                          &c.flaw);
    return decide(&c, &l->r);
}

/* --- removing --------------------------------------------------------------*/

static int not_removed(struct look *l, struct err *cause, struct err *e)
{
    if (cause->code == ERR_CANCELLED || !*l->r.uuid) {
        *e = *cause;
        return cause->code;
    }
    l->r.fate = XAPI_NOT_REMOVED;
    (void)snprintf(l->r.why, sizeof(l->r.why), "%.*s", XAPI_WHY_SIZE - 1,
                   cause->text);
    return 0;
}

static int clean_disk(struct look *l, struct err *e)
{
    struct err cause = {0};
    int code;

    if (l->s->how->dry_run) {
        code = look_at_disk(l, e);
        TRY(code);
        l->r.fate = code ? XAPI_REMOVABLE : XAPI_SPARED;
        return 0;
    }
    code = xapi_vdi_destroy_if(l->s->x, l->ref, look_at_disk, l, &cause);
    if (code < 0)
        return not_removed(l, &cause, e);
    l->r.fate = code ? XAPI_SPARED : XAPI_REMOVED;
    return 0;
}

static int destroy_task(struct xapi *x, const char *ref, struct err *e)
{
    static const char method[] = "task.destroy";
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    int code = xapi_ask(x, XAPI_NORMAL, method, json_pack("[s]", ref), &result,
                        &fault, e);

    if (code == 1 && !xapi_fault_is(&fault, "HANDLE_INVALID"))
        return xapi_refuse(x, &fault, method, e);
    return code < 0 ? code : 0;
}

static int clean_task(struct look *l, struct err *e)
{
    struct err cause = {0};
    int code = look_at_task(l, e);

    TRY(code);
    l->r.fate = !code                ? XAPI_SPARED
                : l->s->how->dry_run ? XAPI_REMOVABLE
                                     : XAPI_REMOVED;
    if (l->r.fate == XAPI_REMOVED && destroy_task(l->s->x, l->ref, &cause) < 0)
        return not_removed(l, &cause, e);
    return 0;
}

typedef int cleaner(struct look *l, struct err *e);

static int clean_all(struct survey *s, const json_t *refs, cleaner *clean,
                     struct err *e)
{
    for (size_t i = 0; i < json_array_size(refs); i++) {
        struct look l = {.s = s,
                         .ref = json_string_value(json_array_get(refs, i))};

        TRY(clean(&l, e));
        if (!l.gone)
            TRY(s->tell(s->ctx, &l.r, e));
    }
    return 0;
}

int xapi_clean(struct xapi *x, const struct xapi_clean *how, bool *own_clock,
               xapi_remnant_fn *tell, void *ctx, struct err *e)
{
    CLEANUP(survey)
    struct survey s = {.x = x,
                       .how = how,
                       .disks = json_array(),
                       .tasks = json_array(),
                       .makings = json_object(),
                       .tell = tell,
                       .ctx = ctx};

    TRY(xapi_clock(x, XAPI_NORMAL, &s.now, own_clock, e));
    TRY(xapi_records(x, "VDI", see_vdi, &s, e));
    TRY(xapi_records(x, "task", see_task, &s, e));
    TRY(clean_all(&s, s.disks, clean_disk, e));
    return clean_all(&s, s.tasks, clean_task, e);
}
