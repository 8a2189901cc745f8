/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/report/report_clean.h"

#include "copy/report/report.h"
#include "copy/report/report_json.h"

#include <stdio.h>

static const char *const fates[] = {
    [XAPI_REMOVED] = "removed",
    [XAPI_REMOVABLE] = "removable",
    [XAPI_SPARED] = "spared",
    [XAPI_NOT_REMOVED] = "not_removed",
};

static void add_disk(json_t *object, const struct xapi_vdi *vdi)
{
    json_object_set_new(object, "sr", report_text(vdi->sr.uuid));
    json_object_set_new(object, "sr_name", report_text(vdi->sr.label));
    json_object_set_new(object, "virtual_size", report_number(vdi->size));
}

static void add_time(json_t *object, const char *key, int64_t time)
{
    char text[XAPI_TIME_SIZE];

    xapi_time_format(time, text);
    json_object_set_new(object, key, json_string(text));
}

static void add_maker(json_t *object, const struct xapi_remnant *r)
{
    const struct xapi_maker *m = &r->maker;

    json_object_set_new(object, "run", report_text(m->run));
    json_object_set_new(object, "host", report_text(m->host));
    json_object_set_new(object, "program", report_text(m->program));
    add_time(object, "start", m->start);
    add_time(object, "heartbeat", m->heartbeat);
    json_object_set_new(object, "age", report_number(r->age_s));
    if (*m->state)
        json_object_set_new(object, "state", report_text(m->state));
}

/* xe has no command that destroys a task; XAPI does it by itself. */
static void add_command(json_t *object, const struct xapi_remnant *r)
{
    char command[XAPI_UUID_SIZE + 32];

    if (r->kind == XAPI_MADE_TASK)
        return;
    (void)snprintf(command, sizeof(command), "xe vdi-destroy uuid=%s", r->uuid);
    json_object_set_new(object, "command", report_text(command));
}

int report_remnant(const struct xapi_remnant *r, json_t *items, struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(object, "what", json_string(xapi_making_name(r->kind)));
    json_object_set_new(object, "uuid", report_text(r->uuid));
    json_object_set_new(object, "name_label", report_text(r->label));
    if (r->kind != XAPI_MADE_TASK)
        add_disk(object, &r->vdi);
    if (r->sound)
        add_maker(object, r);
    json_object_set_new(object, "fate", json_string(fates[r->fate]));
    if (*r->why)
        json_object_set_new(object, "why", report_text(r->why));
    if (r->fate != XAPI_REMOVED)
        add_command(object, r);
    if (json_array_append_new(items, object) < 0)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    return 0;
}

int report_clean(const struct place *p, const struct options *o, json_t *items,
                 const unsigned count[XAPI_FATES], bool own_clock,
                 json_t **result, struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(object, "place", report_text(p->name));
    json_object_set_new(object, "dry_run", json_boolean(o->dry_run));
    json_object_set_new(object, "older_than", report_number(o->older_than_s));
    json_object_set_new(object, "clock",
                        json_string(own_clock ? "own" : "pool"));
    for (int i = 0; i < XAPI_FATES; i++)
        json_object_set_new(object, fates[i], report_number(count[i]));
    json_object_set(object, "items", items);
    return report_keep(object, result, e);
}
