/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool_output.h"

#include "base/mem.h"
#include "copy/pool_login.h"
#include "image/image_shape.h"
#include "xapi/xapi_disk.h"
#include "xapi/xapi_import.h"

#include <inttypes.h>
#include <stdlib.h>

struct pool_output {
    struct xapi *x;
    struct xapi_sr sr;
    struct xapi_disk *disk;
    struct xapi_vdi vdi;      /* of that disk */
    bool existing;            /* it was there before */
    bool ready;               /* all was found */
    enum xapi_format form;    /* of the transfer under way */
    struct image_shape shape; /* of what is sent */
    bool begun;               /* shape is known */
    struct encoder_rest rest; /* what is left after the transfers that broke */
};

static int find_existing(struct vhdstream *v, const struct place *p,
                         struct pool_output *pool, struct err *e)
{
    if (!v->opt.force)
        return err_set(e, ERR_USAGE,
                       "%s: exists, and all its content would be replaced; "
                       "--force does that",
                       p->name);
    TRY(xapi_disk_open(&pool->disk, pool->x, p->xapi.ref, e));
    pool->vdi = pool->disk->vdi;
    pool->existing = true;
    if (pool->vdi.read_only || pool->vdi.is_snapshot)
        return err_set(e, ERR_FAILED, "%s: a read-only disk or a snapshot",
                       p->name);
    return 0;
}

int pool_output_prepare(struct vhdstream *v, struct output *out, struct err *e)
{
    const struct place *p = out->place;
    struct pool_output *pool;

    if (p->xapi.kind == XAPI_POOL)
        return err_set(e, ERR_USAGE,
                       "%s: as a destination it has to name an SR: "
                       "xapi://HOST/sr/NAME, or /sr/default",
                       p->name);
    if (v->opt.to)
        return err_set(e, ERR_USAGE,
                       "--to has no meaning for a pool: it is sent what the "
                       "SR takes");
    TRY(mem_alloc(&out->xapi, sizeof(*out->xapi), "a pool", e));
    pool = out->xapi;
    TRY(pool_login(v, SIDE_DST, p, &pool->x, e));
    if (p->xapi.kind == XAPI_VDI)
        TRY(find_existing(v, p, pool, e));
    else
        TRY(xapi_sr_find(pool->x, p->xapi.ref, &pool->sr, e));
    pool->ready = true;
    return 0;
}

bool pool_output_is_ready(const struct pool_output *pool)
{
    return pool && pool->ready;
}

static bool is_rest(const struct pool_output *pool)
{
    return pool->rest.blocks || pool->rest.holes;
}

/* A VHD leaves holes out, so it is for new disks on SRs that hand out zeroed
 * ones. Everything else gets every byte: in order where it comes in order, and
 * from its beginning. */
static enum xapi_format choose_form(const struct pool_output *pool,
                                    const struct image *img)
{
    if (!pool->existing && pool->sr.takes_vhd && image_can_reblock(img) &&
        !img->has_parent)
        return XAPI_VHD;
    return image_is_ascending(img) && !is_rest(pool) ? XAPI_RAW : XAPI_CHUNKED;
}

static int create(struct vhdstream *v, struct pool_output *pool,
                  const struct image *img, const char *label, struct err *e)
{
    const struct xapi_new how = {
        .sr = &pool->sr,
        .size = img->size,
        .label = v->opt.name_label ? v->opt.name_label : label,
        .description = v->opt.description,
    };

    TRY(xapi_disk_create(&pool->disk, pool->x, &how, e));
    pool->vdi = pool->disk->vdi;
    return 0;
}

/* Of an image that comes again after a break. */
static int check_same(struct pool_output *pool, const struct image *img,
                      struct err *e)
{
    struct image_shape shape;

    TRY(image_shape_take(img, &shape, e));
    if (!pool->begun)
        pool->shape = shape;
    else if (!image_shape_is_same(&pool->shape, &shape))
        return err_set(e, ERR_FAILED,
                       "%s: the disk has changed since the transfer to %s "
                       "began, so it cannot go on",
                       img->name, xapi_name(pool->x));
    pool->begun = true;
    return 0;
}

static int encode(struct output *out, struct image **img, struct err *e)
{
    struct pool_output *pool = out->xapi;
    const struct vhd_options opt = {
        .clear_zeros = true, .overlay = is_rest(pool), .rest = pool->rest};

    switch (pool->form) {
    case XAPI_VHD:
        TRY(image_reblock(img, e));
        return vhd_encoder(&out->enc, *img, &opt, e);
    case XAPI_RAW:
        return raw_encoder(&out->enc, *img, pool->vdi.size, e);
    case XAPI_CHUNKED:
    default:
        return chunked_encoder(&out->enc, *img, pool->vdi.size, &pool->rest, e);
    }
}

int pool_output_begin(struct vhdstream *v, struct output *out,
                      struct image **img, const char *label, struct err *e)
{
    struct pool_output *pool = out->xapi;
    struct xapi_import how = {0};

    TRY(check_same(pool, *img, e));
    pool->form = choose_form(pool, *img);
    if (!pool->disk)
        TRY(create(v, pool, *img, label, e));
    TRY(encode(out, img, e));
    how.format = pool->form;
    how.length = out->enc->size;
    TRY(xapi_import_open(&out->sink, pool->disk, &how, e));
    out->sink->meter = &v->progress.written;
    return 0;
}

int pool_output_finish(struct output *out, struct err *e)
{
    TRY(sink_finish(out->sink, e));
    return xapi_disk_complete(out->xapi->disk, e);
}

int pool_output_break(struct output *out, bool *further, struct err *e)
{
    struct pool_output *pool = out->xapi;
    const struct encoder_rest before = pool->rest;
    uint64_t sure = 0;

    *further = false;
    if (!out->sink)
        return 0;
    TRY(xapi_import_break(out->sink, &sure, e));
    (void)encoder_reached(out->enc, sure, &pool->rest);
    *further =
        pool->rest.blocks > before.blocks || pool->rest.holes > before.holes;
    return 0;
}

void pool_output_close(struct pool_output *pool, struct err *why)
{
    if (!pool)
        return;
    xapi_disk_close(pool->disk, why);
    xapi_close(pool->x);
    free(pool);
}

const char *pool_output_uuid(const struct pool_output *pool)
{
    return pool ? pool->vdi.uuid : NULL;
}

const char *pool_output_form(const struct pool_output *pool)
{
    switch (pool->form) {
    case XAPI_VHD:
        return "vhd";
    case XAPI_RAW:
        return "raw";
    case XAPI_CHUNKED:
    default:
        return "chunked";
    }
}
