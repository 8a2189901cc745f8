/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/report/report.h"

#include "copy/report/report_json.h"

#include <string.h>

const char *report_kind(enum extent_kind kind)
{
    static const char *const names[] = {"data", "zero", "hole", "parent"};

    return names[kind];
}

static json_t *picture(const struct map_text *t)
{
    json_t *object = json_object();

    json_object_set_new(object, "cell", report_number(t->cell));
    json_object_set_new(object, "cells", json_string(t->text));
    return object;
}

static json_t *disk_totals(const struct map_cells *c)
{
    json_t *object = json_object();

    for (enum extent_kind k = EXTENT_DATA; k <= EXTENT_PARENT; k++)
        json_object_set_new(object, report_kind(k),
                            report_number(c->totals[k]));
    return object;
}

static json_t *file_object(const struct map_model *m)
{
    const uint64_t *totals = m->file.totals;
    json_t *object = json_object();
    struct map_text text;

    map_text_file(m, &text);
    json_object_set_new(object, "size", report_number(m->file.size));
    json_object_set_new(object, "blocks", report_number(totals[REGION_BLOCK]));
    json_object_set_new(object, "metadata", report_number(totals[REGION_META]));
    json_object_set_new(object, "gaps", report_number(totals[REGION_GAP]));
    json_object_set_new(object, "runs", report_number(m->runs));
    json_object_set_new(object, "picture", picture(&text));
    return object;
}

int report_map(const struct place *p, const struct input *in,
               const struct map_model *m, json_t **result, struct err *e)
{
    json_t *object = json_object();
    struct map_text text;

    map_text_disk(m, &text);
    json_object_set_new(object, "place", report_text(p->name));
    json_object_set_new(object, "format", report_text(in->img->format));
    json_object_set_new(object, "virtual_size", report_number(in->img->size));
    json_object_set_new(object, "zeros_told", json_boolean(m->looked));
    if (m->looked)
        json_object_set_new(object, "unit", report_number(m->unit));
    json_object_set_new(object, "bytes", disk_totals(&m->disk));
    json_object_set_new(object, "picture", picture(&text));
    if (m->has_file)
        json_object_set_new(object, "file", file_object(m));
    return report_keep(object, result, e);
}
