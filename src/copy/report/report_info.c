/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/pool/pool_input.h"
#include "copy/report/report.h"
#include "copy/store_side.h"
#include "image/vhd/vhd_creator.h"
#include "image/vhd/vhd_head.h"
#include "image/vhd/vhd_parent.h"
#include "io/sink.h"
#include "io/tar_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* --- what a VHD says of itself -------------------------------------------- */

static json_t *creator(const struct vhd_footer *f)
{
    char name[5] = {0};

    for (int i = 0; i < 4 && f->creator[i]; i++)
        name[i] = isprint((unsigned char)f->creator[i]) ? f->creator[i] : '?';
    return json_string(name);
}

/* Who made it, with which version, and where. */
static void add_maker(json_t *object, const struct vhd_footer *f)
{
    const char *program = vhd_creator_program(f->creator);
    const char *host = vhd_creator_host(f->creator_os);
    char version[32];

    (void)snprintf(version, sizeof(version), "%u.%u",
                   (unsigned)(f->creator_version >> 16),
                   (unsigned)(f->creator_version & 0xffff));
    json_object_set_new(object, "creator", creator(f));
    json_object_set_new(object, "creator_version", json_string(version));
    json_object_set_new(object, "made_by",
                        json_string(program ? program : "an unknown program"));
    if (host)
        json_object_set_new(object, "made_on", json_string(host));
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
    add_maker(object, f);
    json_object_set_new(object, "created", vhd_time(f->timestamp));
    json_object_set_new(object, "original_size", number(f->original_size));
    json_object_set_new(object, "geometry", json_string(geometry));
    return object;
}

static int add_parent(json_t *object, const struct vhd_header *h, struct err *e)
{
    FREE char *name = NULL;

    json_object_set_new(object, "parent_uuid", uuid_text(&h->parent_uuid));
    TRY(vhd_parent_name(h, &name, e));
    if (name)
        json_object_set_new(object, "parent_name", report_text(name));
    return 0;
}

/* --- the place ------------------------------------------------------------ */

/* Bytes of the disk that the blocks of the map hold. */
static uint64_t stored(const struct image *img)
{
    struct image_cursor cursor = {0};
    struct block piece = {0};
    uint64_t bytes = 0;

    while (image_step_piece(img, &cursor, &piece))
        bytes += piece.len;
    return bytes;
}

static int add_vhd(json_t *object, const struct vhd_head *h, struct err *e)
{
    json_t *vhd = report_footer(&h->footer);

    json_object_set_new(object, "vhd", vhd);
    return h->footer.type == VHD_DIFFERENCING ? add_parent(vhd, &h->header, e)
                                              : 0;
}

int report_info(const struct place *p, const struct input *in, json_t **result,
                struct err *e)
{
    const struct image *img = in->img;
    json_t *object = json_object();
    uint64_t data = stored(img);

    if (!object)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    *result = object;
    json_object_set_new(object, "place", report_text(p->name));
    if (in->archive)
        json_object_set_new(object, "member",
                            report_text(tar_source_member(in->archive)));
    json_object_set_new(object, "format", report_text(img->format));
    json_object_set_new(object, "virtual_size", number(img->size));
    json_object_set_new(object, "block_size", number(img->block_size));
    json_object_set_new(object, "blocks", number(img->nblocks));
    json_object_set_new(object, "allocated_blocks", number(img->nmapped));
    json_object_set_new(object, "allocated_size", number(data));
    json_object_set_new(
        object, "sparse_ratio",
        json_real((double)(img->size - data) / (double)img->size));
    if (in->pool)
        json_object_set_new(object, "vdi", pool_input_describe(in->pool));
    if (in->place->kind == PLACE_GLANCE)
        json_object_set_new(object, "image", store_describe(in->v, in->side));
    return img->vhd ? add_vhd(object, img->vhd, e) : 0;
}

/* --- as what it could be written ------------------------------------------ */

static void size_as(json_t *object, const char *name, const struct encoder *enc)
{
    json_object_set_new(object, name, number(enc->size));
}

static int add_vhd_sizes(json_t *object, const struct image *img,
                         const char *parent, struct err *e)
{
    CLEANUP(encoder) struct encoder *vhd = NULL;
    const struct vhd_options opt = {.parent = parent};

    if (img->size > VHD_SIZE_MAX)
        return 0;
    TRY(vhd_encoder(&vhd, img, &opt, e));
    size_as(object, "vhd", vhd);
    json_object_set_new(object, "tar", number(sink_tar_size(vhd->size)));
    return 0;
}

static int add_plain_sizes(json_t *object, const struct image *img,
                           struct err *e)
{
    CLEANUP(encoder) struct encoder *fixed = NULL;
    CLEANUP(encoder) struct encoder *raw = NULL;

    if (img->size <= VHD_SIZE_MAX) {
        TRY(vhd_fixed_encoder(&fixed, img, img->size, NULL, e));
        size_as(object, "vhd-fixed", fixed);
    }
    TRY(raw_encoder(&raw, img, img->size, e));
    size_as(object, "raw", raw);
    return 0;
}

int report_sizes(const struct image *img, json_t *result, struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(result, "size_as", object);
    TRY(add_vhd_sizes(object, img, NULL, e));
    return add_plain_sizes(object, img, e);
}

int report_child_sizes(const struct image *img, const char *parent,
                       json_t *result, struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(result, "size_as_child", object);
    return add_vhd_sizes(object, img, parent, e);
}

/* --- the chain ------------------------------------------------------------ */

void report_parent(json_t *chain, const char *path, const struct image *img)
{
    json_t *object = json_object();

    json_object_set_new(object, "place", report_text(path));
    json_object_set_new(object, "format", report_text(img->format));
    json_object_set_new(object, "virtual_size", number(img->size));
    if (img->vhd) {
        const struct vhd_footer *f = &img->vhd->footer;

        json_object_set_new(object, "type", json_string(type_name(f->type)));
        json_object_set_new(object, "uuid", uuid_text(&f->uuid));
    }
    json_array_append_new(chain, object);
}
