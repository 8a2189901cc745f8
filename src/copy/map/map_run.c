/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/input.h"
#include "copy/map/map_model.h"
#include "copy/map/map_svg.h"
#include "copy/operation.h"
#include "copy/place.h"
#include "copy/report/report.h"
#include "io/sink.h"

#include <stdlib.h>

struct mapping {
    struct vhdstream *v;
    vhdstream_extent_fn *take;
    void *ctx;
    struct place place;
    struct input in;
    struct sink *picture;
    struct map_model *model;
};

static int take_extent(void *ctx, const struct extent *x, struct err *e)
{
    struct mapping *m = ctx;
    struct vhdstream_extent out = {x->start, x->len, report_kind(x->kind)};

    map_model_add(m->model, x);
    if (m->take && m->take(m->ctx, &out))
        return err_set(e, ERR_FAILED, "%s: the caller wants no more",
                       m->place.name);
    return 0;
}

static int draw(struct mapping *m, struct err *e)
{
    if (!m->picture)
        return 0;
    TRY(map_svg_draw(m->model, m->place.name, m->in.img->format, m->picture,
                     e));
    return sink_finish(m->picture, e);
}

/* With --chain or --parent the disk with its parents, else what is in it alone.
 */
static int open_disk(struct mapping *m, struct err *e)
{
    struct vhdstream *v = m->v;

    if (v->opt.image)
        TRY(sink_open_file(&m->picture, v->opt.image, v->opt.force, &v->wait,
                           e));
    TRY(input_open(v, &m->place, &m->in, e));
    if (!v->opt.chain && !v->opt.nparents)
        return 0;
    return input_complete(v, &m->place, &m->in, e);
}

static int map(struct mapping *m, struct err *e)
{
    struct vhdstream *v = m->v;
    struct image *img;

    TRY(open_disk(m, e));
    img = m->in.img;
    map_model_init(m->model, img);
    m->model->looked = image_is_seekable(img) && !v->opt.quick;
    m->model->unit = image_extents_unit(img);
    TRY(image_extents(img, m->model->looked, take_extent, m, &v->progress,
                      &v->wait, e));
    TRY(map_model_add_file(m->model, img, e));
    return draw(m, e);
}

int map_run(struct vhdstream *v, const char *place, vhdstream_extent_fn *take,
            void *ctx, json_t **result, struct err *e)
{
    struct mapping m = {.v = v, .take = take, .ctx = ctx};
    int code;

    TRY(place_parse(&m.place, place, "source", e));
    code = mem_alloc(&m.model, sizeof(*m.model), "a picture", e);
    if (code >= 0)
        code = map(&m, e);
    if (code >= 0)
        code = report_map(&m.place, &m.in, m.model, result, e);
    cancel_request(v->halt);
    input_close(&m.in, code < 0 ? e : NULL);
    sink_close(m.picture, code < 0 ? e : NULL);
    free(m.model);
    place_cleanup(&m.place);
    return code < 0 ? e->code : 0;
}
