/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/store_side.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int store_login(struct vhdstream *v, int side, const struct place *p,
                struct err *e)
{
    struct side *s = side == SIDE_SRC ? &v->opt.src : &v->opt.dst;
    struct glance_config cfg = {
        .place = &p->glance,
        .cloud = &s->cloud,
        .notice = &v->notice,
    };

    if (!v->store[side])
        TRY(mem_alloc(&v->store[side], sizeof(*v->store[side]), "a store", e));
    if (v->store[side]->glance)
        return 0;
    TRY(operation_pool(v, e));
    cfg.pool = v->pool;
    v->store[side]->http = v->http[side];
    v->store[side]->http.user = v->store[side]->http.password = NULL;
    cfg.http = &v->store[side]->http;
    return glance_open(&v->store[side]->glance, &cfg, e);
}

/* Of a form that is not taken the bytes may look like a raw disk. */
static int check_taken(const struct vhdstream *v, const struct place *p,
                       const struct glance_image *img, struct err *e)
{
    static const char *const taken[] = {"", "raw", "vhd", "iso"};

    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        if (!strcmp(img->disk_format, taken[i]) || v->opt.from)
            return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: image %s is %s by its record; the forms that are taken "
                   "are vhd and raw (or say with --from what it is)",
                   p->name, img->id, img->disk_format);
}

static int find_image(struct vhdstream *v, struct store_side *s,
                      const struct place *p, struct err *e)
{
    if (s->found)
        return 0;
    if (!*p->glance.ref)
        return err_set(e, ERR_USAGE,
                       "%s: as a source it has to name an image, by its id or "
                       "its name",
                       p->name);
    TRY(glance_find(s->glance, p->glance.ref, &s->image, e));
    TRY(check_taken(v, p, &s->image, e));
    s->found = true;
    return 0;
}

int store_source(struct vhdstream *v, int side, const struct place *p,
                 struct source **out, struct err *e)
{
    TRY(store_login(v, side, p, e));
    TRY(find_image(v, v->store[side], p, e));
    return source_open_glance(out, v->store[side]->glance,
                              &v->store[side]->image, e);
}

bool store_says_vhd(const struct vhdstream *v, int side)
{
    return !strcmp(v->store[side]->image.disk_format, "vhd");
}

/* Raw is raw in any container: what looks like something else inside is the
 * content of a guest's disk. How a VHD is packed its bytes tell. */
const struct format *store_format(const struct vhdstream *v, int side)
{
    const struct glance_image *img = &v->store[side]->image;

    if (!strcmp(img->disk_format, "raw") || !strcmp(img->disk_format, "iso"))
        return format_by_name("raw");
    return store_says_vhd(v, side) && !strcmp(img->container_format, "bare")
               ? format_by_name("vhd")
               : NULL;
}

const char *store_label(const struct vhdstream *v, int side)
{
    return v->store[side]->image.label;
}

json_t *store_describe(const struct vhdstream *v, int side)
{
    const struct glance_image *img = &v->store[side]->image;
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "id", img->id, "name",
                  img->label, "status", img->status, "disk_format",
                  img->disk_format, "container_format", img->container_format,
                  "size", (json_int_t)img->size);

    if (*img->digest)
        json_object_set_new(object, "recorded_digest",
                            json_string(img->digest));
    return object;
}

void store_close(struct vhdstream *v, int side)
{
    if (!v->store[side])
        return;
    glance_close(v->store[side]->glance);
    free(v->store[side]);
    v->store[side] = NULL;
}
