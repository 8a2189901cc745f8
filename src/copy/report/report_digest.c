/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/report/report.h"

#include "copy/report/report_json.h"

void report_add_digest(const struct hashing *h, json_t *result)
{
    char hex[LEAF_HASH_TEXT_SIZE];

    leaf_hash_format(&h->result, hex);
    json_object_set_new(result, "digest", json_string(hex));
}

void report_add_note(const struct digest_note *n, json_t *result)
{
    char hex[LEAF_HASH_TEXT_SIZE];

    leaf_hash_format(&n->digest, hex);
    json_object_set_new(result, "recorded_digest", json_string(hex));
}

int report_digest(const struct place *p, const struct input *in,
                  const struct hashing *h, const struct progress *progress,
                  double seconds, json_t **result, struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(object, "place", report_text(p->name));
    json_object_set_new(object, "format", report_text(in->img->format));
    json_object_set_new(object, "virtual_size", report_number(in->img->size));
    report_add_digest(h, object);
    json_object_set_new(object, "algorithm", json_string("blkhash-sha256"));
    json_object_set_new(object, "block_size", report_number(LEAF_SIZE));
    json_object_set_new(object, "data",
                        report_number(progress->done - progress->zeros));
    json_object_set_new(object, "read", report_number(progress->read));
    json_object_set_new(object, "seconds", json_real(seconds));
    return report_keep(object, result, e);
}

static void add_difference(json_t *object, const struct comparison *found)
{
    json_object_set_new(object, "first_difference",
                        report_number(found->first));
    json_object_set_new(object, "within", report_number(found->span));
    if (found->rest_is_zero)
        json_object_set_new(object, "rest_is_zero", json_true());
}

int report_compare(const struct place places[2],
                   const struct compared compared[2],
                   const struct comparison *found, json_t **result,
                   struct err *e)
{
    json_t *object = json_object();
    json_t *names = json_array(), *sizes = json_array();

    for (int i = 0; i < 2; i++) {
        json_array_append_new(names, report_text(places[i].name));
        json_array_append_new(sizes,
                              report_number(compared_size(&compared[i])));
    }
    json_object_set_new(object, "places", names);
    json_object_set_new(object, "sizes", sizes);
    json_object_set_new(object, "identical", json_boolean(found->same));
    if (!found->same)
        add_difference(object, found);
    return report_keep(object, result, e);
}
