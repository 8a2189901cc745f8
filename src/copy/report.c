/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/report.h"

#include "base/mem.h"
#include "copy/pool_input.h"
#include "copy/pool_output.h"
#include "image/vhd_head.h"
#include "io/sink.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
    const char *uuid = pool_output_uuid(out->xapi);

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

static json_t *creator(const struct vhd_footer *f)
{
    char name[5] = {0};

    for (int i = 0; i < 4 && f->creator[i]; i++)
        name[i] = isprint((unsigned char)f->creator[i]) ? f->creator[i] : '?';
    return json_string(name);
}

static json_t *vhd_time(uint32_t timestamp)
{
    time_t seconds = (time_t)timestamp + VHD_EPOCH;
    struct tm tm;
    char formatted[32];

    gmtime_r(&seconds, &tm);
    (void)strftime(formatted, sizeof(formatted), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(formatted);
}

static json_t *uuid_text(const struct uuid *u)
{
    char formatted[UUID_TEXT_SIZE];

    uuid_format(u, formatted);
    return json_string(formatted);
}

static const char *type_name(uint32_t type)
{
    return type == VHD_FIXED          ? "fixed"
           : type == VHD_DYNAMIC      ? "dynamic"
           : type == VHD_DIFFERENCING ? "differencing"
                                      : "unknown";
}

json_t *report_footer(const struct vhd_footer *f)
{
    json_t *object = json_object();
    char geometry[32];

    (void)snprintf(geometry, sizeof(geometry), "%u/%u/%u", f->cylinders,
                   f->heads, f->sectors_per_track);
    json_object_set_new(object, "type", json_string(type_name(f->type)));
    json_object_set_new(object, "uuid", uuid_text(&f->uuid));
    json_object_set_new(object, "creator", creator(f));
    json_object_set_new(object, "created", vhd_time(f->timestamp));
    json_object_set_new(object, "original_size", number(f->original_size));
    json_object_set_new(object, "geometry", json_string(geometry));
    return object;
}

static json_t *vhd_object(const struct vhd_head *h)
{
    json_t *object = report_footer(&h->footer);

    if (h->footer.type == VHD_DIFFERENCING)
        json_object_set_new(object, "parent_uuid",
                            uuid_text(&h->header.parent_uuid));
    return object;
}

static void size_as(json_t *object, const char *name, const struct encoder *enc)
{
    json_object_set_new(object, name, number(enc->size));
}

int report_info(const struct place *p, const struct input *in, json_t **result,
                struct err *e)
{
    const struct image *img = in->img;
    json_t *object = json_object();

    json_object_set_new(object, "place", report_text(p->name));
    json_object_set_new(object, "format", report_text(img->format));
    json_object_set_new(object, "virtual_size", number(img->size));
    json_object_set_new(object, "block_size", number(img->block_size));
    json_object_set_new(object, "blocks", number(img->nblocks));
    json_object_set_new(object, "allocated_blocks", number(img->nmapped));
    if (in->pool)
        json_object_set_new(object, "vdi", pool_input_describe(in->pool));
    if (img->vhd)
        json_object_set_new(object, "vhd", vhd_object(img->vhd));
    return keep(object, result, e);
}

void report_sizes(const struct image *img, json_t *result)
{
    CLEANUP(encoder) struct encoder *vhd = NULL;
    CLEANUP(encoder) struct encoder *fixed = NULL;
    CLEANUP(encoder) struct encoder *raw = NULL;
    const struct vhd_options opt = {0};
    json_t *object = json_object();

    if (!vhd_encoder(&vhd, img, &opt, NULL)) {
        size_as(object, "vhd", vhd);
        json_object_set_new(object, "tar", number(sink_tar_size(vhd->size)));
    }
    if (!vhd_fixed_encoder(&fixed, img, img->size, NULL, NULL))
        size_as(object, "vhd-fixed", fixed);
    if (!raw_encoder(&raw, img, img->size, NULL))
        size_as(object, "raw", raw);
    json_object_set_new(result, "size_as", object);
}
