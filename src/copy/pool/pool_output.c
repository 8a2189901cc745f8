/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_output.h"

#include "base/checked.h"
#include "base/mem.h"
#include "copy/hashing.h"
#include "copy/pool/pool_base.h"
#include "copy/pool/pool_login.h"
#include "copy/pool/pool_output_inner.h"
#include "copy/pool/pool_state.h"
#include "image/digest/digest.h"
#include "image/vhd/vhd_head.h"
#include "xapi/xapi_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool pool_output_is_delta(const struct pool_output *pool)
{
    return *pool->base.ref != '\0';
}

bool pool_output_is_rest(const struct pool_output *pool)
{
    return pool->rest.blocks || pool->rest.holes;
}

static int check_usage(const struct vhdstream *v, const struct output *out,
                       struct err *e)
{
    const struct place *p = out->place;

    if (out->base && p->xapi.kind == XAPI_VDI)
        return err_set(e, ERR_USAGE,
                       "%s: with --base it has to name the SR for the new "
                       "disk: xapi://HOST/sr/NAME",
                       p->name);
    if (p->xapi.kind == XAPI_POOL)
        return err_set(e, ERR_USAGE,
                       "%s: as a destination it has to name an SR: "
                       "xapi://HOST/sr/NAME, or /sr/default",
                       p->name);
    if (v->opt.to)
        return err_set(e, ERR_USAGE,
                       "--to has no meaning for a pool: it is sent what the "
                       "SR takes");
    return 0;
}

int pool_output_prepare(struct vhdstream *v, struct output *out, struct err *e)
{
    const struct place *p = out->place;
    struct pool_output *pool;

    TRY(check_usage(v, out, e));
    TRY(mem_alloc(&out->xapi, sizeof(*out->xapi), "a pool", e));
    pool = out->xapi;
    pool->v = v;
    TRY(pool_login(v, SIDE_DST, p, &pool->x, e));
    if (p->xapi.kind == XAPI_VDI)
        TRY(find_existing(v, p, pool, e));
    else
        TRY(xapi_sr_find(pool->x, p->xapi.ref, &pool->sr, e));
    if (out->base)
        TRY(pool_base_find(pool->x, out->base, &pool->base, e));
    if (v->opt.state)
        TRY(pool_state_read(pool, p, e));
    pool->ready = true;
    return 0;
}

bool pool_output_is_ready(const struct pool_output *pool)
{
    return pool && pool->ready;
}

/* A VHD leaves holes out, so it is for new disks on SRs that hand out zeroed
 * ones. Everything else gets every byte: in order where it comes in order, and
 * from its beginning; of a delta every sector that it has. */
static enum xapi_format choose_form(const struct pool_output *pool,
                                    const struct image *img)
{
    if (pool_output_is_delta(pool))
        return pool->vdi.takes_vhd && image_can_reblock(img) &&
                       img->size >= pool->base.size
                   ? XAPI_VHD
                   : XAPI_CHUNKED;
    if (!pool->existing && pool->sr.takes_vhd && image_can_reblock(img) &&
        !img->has_parent)
        return XAPI_VHD;
    return image_is_ascending(img) && !pool_output_is_rest(pool) ? XAPI_RAW
                                                                 : XAPI_CHUNKED;
}

int pool_output_create(struct pool_output *pool, uint64_t size,
                       const char *label, struct err *e)
{
    const struct vhdstream *v = pool->v;
    const struct xapi_new how = {
        .sr = &pool->sr,
        .size = size,
        .label = v->opt.name_label ? v->opt.name_label : label,
        .description = v->opt.description,
        .other_config = v->opt.other_config,
        .state = v->opt.state,
    };

    struct xapi_disk *disk = NULL;

    if (pool_output_is_delta(pool))
        TRY(xapi_disk_clone(&disk, pool->x, &pool->base, &how, e));
    else
        TRY(xapi_disk_create(&disk, pool->x, &how, e));
    pool->disk = disk;
    pool->vdi = disk->vdi;
    (void)snprintf(pool->run, sizeof(pool->run), "%s", xapi_run(pool->x));
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

/* A state that was read, or was edited, has to fit the image. */
static int check_rest(const struct pool_output *pool, const struct image *img,
                      struct err *e)
{
    if (pool->rest.blocks <= img->nmapped)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: says that %" PRIu32 " blocks have arrived, of a disk "
                   "that has %" PRIu32,
                   pool->v->opt.state, pool->rest.blocks, img->nmapped);
}

/* Where the SR hands out disks that are not zeroed, nor is that by which the
 * copy of the base is larger. Nor is in any SR what the base has past the end
 * of a disk that is smaller. */
static int encode_runs(struct output *out, const struct image *img,
                       struct err *e)
{
    const struct pool_output *pool = out->xapi;
    uint64_t end = pool->vdi.size;
    uint64_t at = pool->vdi.takes_vhd ? end : min_u64(pool->base.size, end);

    if (img->size < pool->base.size)
        at = img->size;
    TRY(check_rest(pool, img, e));
    return chunked_runs_rest(&out->enc, img, at, end, &pool->rest, e);
}

static int encode(struct output *out, struct image **img, struct err *e)
{
    struct pool_output *pool = out->xapi;
    const struct vhd_options opt = {.clear_zeros = true,
                                    .overlay = pool_output_is_rest(pool),
                                    .rest = pool->rest};

    switch (pool->form) {
    case XAPI_VHD:
        TRY(image_reblock(img, e));
        TRY(check_rest(pool, *img, e));
        return vhd_encoder(&out->enc, *img, &opt, e);
    case XAPI_RAW:
        return raw_encoder(&out->enc, *img, pool->vdi.size, e);
    case XAPI_CHUNKED:
    default:
        if (pool_output_is_delta(pool))
            return encode_runs(out, *img, e);
        return chunked_encoder(&out->enc, *img, pool->vdi.size, &pool->rest, e);
    }
}

/* --- the transfer ----------------------------------------------------------*/

/* By which deltas to it will know the disk. */
void pool_output_note_image(struct pool_output *pool, const struct image *img,
                            const struct uuid *known)
{
    pool->image = (struct uuid){0};
    if (!uuid_is_null(known))
        pool->image = *known;
    else if (img->vhd)
        pool->image = img->vhd->footer.uuid;
}

int pool_output_drop_notes(struct pool_output *pool, struct err *e)
{
    if (*pool->vdi.digest)
        TRY(xapi_vdi_drop_note(pool->x, pool->vdi.ref, XAPI_NOTE_DIGEST, e));
    if (*pool->vdi.image)
        TRY(xapi_vdi_drop_note(pool->x, pool->vdi.ref, XAPI_NOTE_IMAGE, e));
    return 0;
}

int pool_output_begin(struct vhdstream *v, struct output *out,
                      struct image **img, const char *label, struct err *e)
{
    struct pool_output *pool = out->xapi;
    struct xapi_import how = {0};

    TRY(check_same(pool, *img, e));
    pool->provable = digest_is_arranged(*img);
    if (pool_output_is_delta(pool))
        TRY(pool_base_check_import(v, pool->x, &pool->base, *img, e));
    pool_output_note_image(pool, *img, &out->uuid);
    if (!pool->disk) {
        TRY(pool_output_create(pool, (*img)->size, label, e));
        TRY(pool_state_begin(out, e));
    }
    pool->form = choose_form(pool, *img);
    TRY(encode(out, img, e));
    if (pool->existing)
        TRY(pool_output_drop_notes(pool, e));
    pool->noted = hashing_is_wanted(v) && !pool_output_is_delta(pool);
    how.format = pool->form;
    how.length = out->enc->size;
    TRY(xapi_import_open(&out->sink, pool->disk, &how, e));
    pool->import = out->sink;
    out->sink->meter = &v->progress.written;
    out->sink->stage = operation_stage(v, STAGE_SINK);
    out->sink->rate = v->rate_out;
    return pool_state_begin(out, e);
}

int pool_output_break(struct output *out, bool *further, struct err *e)
{
    struct pool_output *pool = out->xapi;
    const struct encoder_rest before = pool->rest;
    uint64_t sure = 0;

    *further = false;
    if (!out->sink || out->sink->finished)
        return 0;
    TRY(xapi_import_break(pool->import, &sure, e));
    if (pool->provable)
        (void)encoder_reached(out->enc, sure, &pool->rest);
    pool_state_note(out, &pool->rest);
    pool->v->verify |= pool_output_is_rest(pool);
    *further =
        pool->rest.blocks > before.blocks || pool->rest.holes > before.holes;
    return 0;
}

void pool_output_resume(struct pool_output *pool)
{
    if (pool)
        xapi_beat_resume(pool->x);
}

struct pool_written pool_output_written(const struct pool_output *pool)
{
    return (struct pool_written){
        .x = pool->x,
        .vdi = &pool->vdi,
        .base = pool_output_is_delta(pool) ? &pool->base : NULL,
    };
}

static int write_image(struct pool_output *pool, struct err *e)
{
    char value[2 * UUID_TEXT_SIZE];

    uuid_format(&pool->image, value);
    value[UUID_TEXT_SIZE - 1] = '/';
    (void)snprintf(value + UUID_TEXT_SIZE, UUID_TEXT_SIZE, "%s",
                   pool->vdi.uuid);
    return xapi_vdi_note(pool->x, pool->vdi.ref, XAPI_NOTE_IMAGE, value, e);
}

int pool_output_complete(struct pool_output *pool, const char *note,
                         struct err *e)
{
    if (pool->noted)
        TRY(xapi_vdi_note(pool->x, pool->vdi.ref, XAPI_NOTE_DIGEST, note, e));
    if (!uuid_is_null(&pool->image))
        TRY(write_image(pool, e));
    TRY(xapi_disk_complete(pool->disk, e));
    return pool_state_end(pool, e);
}

void pool_output_close(struct pool_output *pool, struct err *why)
{
    if (!pool)
        return;
    pool_state_settle(pool, why);
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
