/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_canvas.h"

#include "base/checked.h"
#include "base/mem.h"
#include "copy/hashing.h"
#include "copy/pool/pool_output_inner.h"
#include "image/chain/chunked_gaps.h"
#include "xapi/xapi_import.h"

#include <inttypes.h>
#include <stdlib.h>

struct pool_canvas {
    struct canvas base;
    struct pool_output *pool;
    const struct coverage *coverage;
    const char *label;
    bool laid; /* something is on the disk */
};

bool pool_canvas_is_dirty(const struct pool_output *pool)
{
    return pool->existing || !pool->sr.takes_vhd;
}

/* --- the size -------------------------------------------------------------*/

static int make_disk(struct pool_canvas *c, uint64_t size, struct err *e)
{
    struct pool_output *pool = c->pool;
    const struct vhdstream *v = pool->v;

    pool->noted = hashing_is_wanted(v);
    if (v->opt.size > 0)
        size = max_u64(size, (uint64_t)v->opt.size);
    return pool_output_create(pool, size, c->label, e);
}

static int enlarge(struct pool_output *pool, uint64_t size, struct err *e)
{
    int code;

    if (pool->existing)
        return err_set(e, ERR_NO_SPACE,
                       "%s: VDI %s has %" PRIu64
                       " bytes, and a member of the chain %" PRIu64,
                       xapi_name(pool->x), pool->vdi.uuid, pool->vdi.size,
                       size);
    code = xapi_vdi_resize(pool->x, &pool->vdi, size, e);
    pool->disk->vdi = pool->vdi;
    if (code < 0 && code != ERR_CANCELLED && code != ERR_TEMPORARY)
        (void)err_append(e,
                         "; a member of the chain has %" PRIu64
                         " bytes, more than those before it: --size %" PRIu64
                         " makes the disk large enough from the beginning",
                         size, size);
    return code;
}

static int pool_canvas_grow(struct canvas *canvas, uint64_t size, struct err *e)
{
    struct pool_canvas *c = (struct pool_canvas *)canvas;

    if (!c->pool->disk)
        return make_disk(c, size, e);
    return size > c->pool->vdi.size ? enlarge(c->pool, size, e) : 0;
}

/* --- one transfer ---------------------------------------------------------*/

static int open_transfer(struct pool_canvas *c, enum xapi_format form,
                         uint64_t length, struct sink **out, struct err *e)
{
    const struct xapi_import how = {.format = form, .length = length};
    struct pool_output *pool = c->pool;

    if (!c->laid && pool->existing)
        TRY(pool_output_drop_notes(pool, e));
    c->laid = true;
    pool->form = form;
    pool->noted = hashing_is_wanted(pool->v);
    TRY(xapi_import_open(out, pool->disk, &how, e));
    (*out)->meter = &pool->v->progress.written;
    (*out)->rate = pool->v->rate_out;
    return 0;
}

static int encode_member(const struct pool_canvas *c, struct image *img,
                         const struct lay_how *how, struct encoder **out,
                         enum xapi_format *form, struct err *e)
{
    const struct vhd_options opt = {.clear_zeros = !how->over,
                                    .overlay = c->laid};

    *form = XAPI_CHUNKED;
    if (pool_canvas_is_dirty(c->pool) || img->block_size != BLOCK_SIZE_DEFAULT)
        return chunked_runs_encoder(out, img, 0, 0, e);
    *form = XAPI_VHD;
    return vhd_encoder(out, img, &opt, e);
}

static int pool_canvas_lay(struct canvas *canvas, struct image *img,
                           const struct lay_how *how, struct err *e)
{
    struct pool_canvas *c = (struct pool_canvas *)canvas;
    CLEANUP(encoder) struct encoder *enc = NULL;
    CLEANUP(sink) struct sink *s = NULL;
    enum xapi_format form;

    if (how->is_leaf)
        pool_output_note_image(c->pool, img, &(const struct uuid){0});
    if (!img->nmapped)
        return image_drain(img, how->progress, how->wait, e);
    TRY(encode_member(c, img, how, &enc, &form, e));
    TRY(open_transfer(c, form, enc->size, &s, e));
    TRY(image_copy(img, enc, s, how->progress, how->wait, e));
    return sink_finish(s, e);
}

static int pool_canvas_finish(struct canvas *canvas, const struct image *img,
                              struct err *e)
{
    struct pool_canvas *c = (struct pool_canvas *)canvas;
    CLEANUP(sink) struct sink *s = NULL;
    uint64_t size = c->pool->vdi.size, length;

    (void)img;
    if (!pool_canvas_is_dirty(c->pool))
        return 0;
    length = chunked_gaps_size(c->coverage, size);
    if (!length)
        return 0;
    TRY(open_transfer(c, XAPI_CHUNKED, length, &s, e));
    TRY(chunked_gaps_write(s, c->coverage, size, &c->pool->v->wait, e));
    return sink_finish(s, e);
}

static void pool_canvas_close(struct canvas *canvas)
{
    free(canvas);
}

static const struct canvas_ops pool_canvas_ops = {
    .grow = pool_canvas_grow,
    .lay = pool_canvas_lay,
    .finish = pool_canvas_finish,
    .close = pool_canvas_close,
};

int pool_canvas(struct canvas **out, struct output *output,
                const struct coverage *coverage, const char *label,
                struct err *e)
{
    struct pool_canvas *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "a disk of several members", e));
    c->base.ops = &pool_canvas_ops;
    c->pool = output->xapi;
    c->coverage = coverage;
    c->label = label;
    *out = &c->base;
    return 0;
}
