/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/links/link_send.h"

#include "copy/verify.h"
#include "image/digest/digest.h"
#include "xapi/xapi_import.h"

static bool is_rest(const struct link_send *s)
{
    return s->rest.blocks || s->rest.holes;
}

/* --- one try ---------------------------------------------------------------*/

static int check_same(struct link_send *s, const struct image *img,
                      struct err *e)
{
    struct image_shape shape;

    TRY(image_shape_take(img, &shape, e));
    if (!s->begun)
        s->shape = shape;
    else if (!image_shape_is_same(&s->shape, &shape))
        return err_set(e, ERR_FAILED,
                       "%s: the disk has changed since it began to be sent, so "
                       "the transfer cannot go on",
                       img->name);
    s->begun = true;
    return 0;
}

/* What an SR hands out unzeroed has to be written: all of the first link, and
 * the part by which a later one is larger. */
static int encode_records(struct link_send *s, struct err *e)
{
    const struct xapi_vdi *vdi = &s->disk->vdi;

    if (!vdi->takes_vhd && !s->known)
        return chunked_encoder(&s->enc, s->img, vdi->size, &s->rest, e);
    return chunked_runs_rest(&s->enc, s->img,
                             vdi->takes_vhd ? vdi->size : s->known, vdi->size,
                             &s->rest, e);
}

static int encode(struct link_send *s, enum xapi_format *form, struct err *e)
{
    /* XAPI lays it over the disk, whatever it says that it stands on. */
    static const struct uuid unsaid;
    const struct vhd_options opt = {
        .clear_zeros = true,
        .overlay = is_rest(s),
        .rest = s->rest,
        .parent_uuid = s->img->vhd ? NULL : &unsaid,
    };

    *form = XAPI_CHUNKED;
    if (!s->disk->vdi.takes_vhd || !image_can_reblock(s->img))
        return encode_records(s, e);
    *form = XAPI_VHD;
    TRY(image_reblock(&s->img, e));
    return vhd_encoder(&s->enc, s->img, &opt, e);
}

static int prove(struct link_send *s, struct err *e)
{
    const struct pool_written disk = {
        .x = s->disk->x, .vdi = &s->disk->vdi, .base = s->base};

    if (!s->hashing.wanted)
        return 0;
    return verify_disk(s->v, &disk, &s->hashing, s->img->size, e);
}

int link_send(struct link_send *s, struct image **img, struct err *e)
{
    struct vhdstream *v = s->v;
    struct xapi_import how = {0};

    s->img = *img;
    *img = NULL;
    v->verify |= is_rest(s);
    s->hashing.wanted = v->verify;
    s->hashing.part = s->base != NULL;
    TRY(hashing_fit(&s->hashing, &s->img, e));
    TRY(check_same(s, s->img, e));
    s->provable = digest_is_arranged(s->img);
    TRY(encode(s, &how.format, e));
    how.length = s->enc->size;
    TRY(xapi_import_open(&s->sink, s->disk, &how, e));
    s->sink->meter = &v->progress.written;
    s->sink->rate = v->rate_out;
    TRY(image_async(&s->img, v->opt.threads, e));
    TRY(hashing_begin(v, &s->hashing, &s->img, e));
    TRY(image_copy(s->img, s->enc, s->sink, &v->progress, &v->wait, e));
    TRY(hashing_end(&s->hashing, e));
    TRY(sink_finish(s->sink, e));
    *s->data += progress_next(&v->progress);
    TRY(prove(s, e));
    (void)progress_next(&v->progress);
    return 0;
}

/* --- another one -----------------------------------------------------------*/

/* Waits until the server has let go of the disk. */
static int break_off(struct link_send *s, struct err *e)
{
    const struct encoder_rest before = s->rest;
    uint64_t sure = 0;

    if (!s->sink || s->sink->finished)
        return 0;
    TRY(xapi_import_break(s->sink, &sure, e));
    if (s->provable)
        (void)encoder_reached(s->enc, sure, &s->rest);
    if (s->rest.blocks > before.blocks || s->rest.holes > before.holes)
        retry_progress(&s->v->retry);
    return 0;
}

static void close_stream(struct link_send *s, struct err *why)
{
    sink_close(s->sink, why);
    encoder_close(s->enc);
    s->sink = NULL;
    s->enc = NULL;
}

int link_send_again(struct link_send *s, struct err *e)
{
    struct vhdstream *v = s->v;
    struct err why = {0};

    if (e->code != ERR_TEMPORARY || !v->retry.max)
        return e->code;
    if (break_off(s, &why) < 0)
        return why.code == ERR_CANCELLED ? (*e = why, e->code)
                                         : err_append(e, "; %s", why.text);
    close_stream(s, e);
    cancel_request(v->halt);
    link_send_close(s, e);
    links_rewind(s->links);
    cancel_withdraw(v->halt);
    if (s->disk)
        xapi_beat_resume(s->disk->x);
    return retry_pause(&v->retry, e);
}

void link_send_close(struct link_send *s, struct err *why)
{
    close_stream(s, why);
    image_close(s->img);
    hashing_close(&s->hashing, why);
    s->img = NULL;
}
