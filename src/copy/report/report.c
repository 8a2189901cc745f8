/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/report/report.h"

#include "copy/pool/pool_output.h"
#include "copy/store_output.h"

#include <stdio.h>

static int keep(json_t *object, json_t **result, struct err *e)
{
    if (!object)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    *result = object;
    return 0;
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Names of files may be no UTF-8: then their bytes are shown as '?'. */
json_t *report_text(const char *value)
{
    char plain[2 * NAME_SIZE];
    json_t *string = json_string(value);

    if (string)
        return string;
    (void)snprintf(plain, sizeof(plain), "%s", value);
    for (char *p = plain; *p; p++)
        if (*p & 0x80)
            *p = '?';
    return json_string(plain);
}

int report_copy(const struct place *src, const struct input *in,
                const struct place *dst, const struct output *out,
                const struct progress *p, double seconds, json_t **result,
                struct err *e)
{
    json_t *object = json_object();
    const char *uuid =
        out->store ? store_output_id(out->store) : pool_output_uuid(out->xapi);

    json_object_set_new(object, "source", report_text(src->name));
    json_object_set_new(object, "destination", report_text(dst->name));
    json_object_set_new(object, "format",
                        report_text(out->format ? out->format->name
                                                : pool_output_form(out->xapi)));
    json_object_set_new(object, "virtual_size", number(in->img->size));
    json_object_set_new(object, "data", number(p->done - p->zeros));
    json_object_set_new(object, "read", number(p->read));
    json_object_set_new(object, "written", number(p->written));
    json_object_set_new(object, "seconds", json_real(seconds));
    if (uuid)
        json_object_set_new(object, "uuid", report_text(uuid));
    return keep(object, result, e);
}
