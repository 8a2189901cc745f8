/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/output.h"

#include "base/checked.h"
#include "copy/pool_output.h"
#include "io/http.h"

#include <inttypes.h>
#include <unistd.h>

static int choose_format(const struct vhdstream *v, struct output *out,
                         struct err *e)
{
    out->format = v->opt.to ? v->opt.to : out->place->suffix;
    if (v->opt.azure && !v->opt.to)
        out->format = format_by_name("vhd-fixed");
    if (!out->format)
        return err_set(e, ERR_USAGE,
                       "%s: its name says no format; give one with --to (%s)",
                       out->place->name, format_names());
    if (v->opt.azure && out->format->disk != DISK_VHD_FIXED)
        return err_set(e, ERR_USAGE,
                       "--azure and --to %s: Azure takes fixed VHDs only "
                       "(--to vhd-fixed)",
                       out->format->name);
    if (v->opt.keep_parent && out->format->disk != DISK_VHD)
        return err_set(e, ERR_USAGE,
                       "--keep-parent: %s is to be %s, which cannot stand on a "
                       "parent; a vhd can",
                       out->place->name, out->format->name);
    return 0;
}

int output_prepare(struct vhdstream *v, const struct place *p,
                   struct output *out, struct err *e)
{
    out->place = p;
    if (pool_output_is_ready(out->xapi)) /* kept over a break */
        return 0;
    if (v->opt.resume && !v->opt.state)
        return err_set(e, ERR_USAGE,
                       "--resume needs --state FILE, which tells of the "
                       "transfer");
    if (p->kind == PLACE_XAPI && (v->opt.keep_parent || v->opt.azure))
        return err_set(e, ERR_USAGE, "--%s has no meaning for a pool",
                       v->opt.azure ? "azure" : "keep-parent");
    if (p->kind == PLACE_XAPI)
        return pool_output_prepare(v, out, e);
    if (v->opt.state)
        return err_set(e, ERR_USAGE,
                       "--state: only a transfer into a pool can be gone on "
                       "with by another run; %s is begun anew",
                       p->name);
    TRY(choose_format(v, out, e));
    if (p->kind == PLACE_FILE)
        TRY(sink_open_file(&out->sink, p->path, v->opt.force, &v->wait, e));
    else if (p->kind == PLACE_STDIO)
        TRY(sink_open_fd(&out->sink, STDOUT_FILENO, p->name, &v->wait, e));
    return 0;
}

/* Plain content goes to its places, or in ascending order. */
static int order_plain(const struct output *out, struct image **img,
                       struct err *e)
{
    bool places = out->sink && sink_is_seekable(out->sink);

    return places || !image_is_seekable(*img) ? 0 : image_ascend(img, e);
}

static int begin_raw(struct output *out, struct image **img, struct err *e)
{
    TRY(order_plain(out, img, e));
    return raw_encoder(&out->enc, *img, (*img)->size, e);
}

static int begin_fixed(struct vhdstream *v, struct output *out,
                       struct image **img, struct err *e)
{
    const uint64_t mib = 1024 * 1024;
    uint64_t size = (*img)->size;

    if (v->opt.azure && size % mib) {
        size = round_up(size, mib);
        notice_say(&v->notice,
                   "%s: %" PRIu64 " bytes are padded with zeros to %" PRIu64
                   ", since Azure takes whole MiB",
                   (*img)->name, (*img)->size, size);
    }
    TRY(order_plain(out, img, e));
    return vhd_fixed_encoder(&out->enc, *img, size, NULL, e);
}

static int begin_vhd(struct output *out, struct image **img, struct err *e)
{
    const struct vhd_options opt = {.clear_zeros = true, .parent = out->parent};

    TRY(image_reblock(img, e));
    return vhd_encoder(&out->enc, *img, &opt, e);
}

/* Puts gzip and tar around the sink; the tar header already has the size. */
static int pack(struct vhdstream *v, struct output *out, struct err *e)
{
    if (out->format->pack == PACK_NONE)
        return 0;
    if (out->format->pack == PACK_TGZ) {
        TRY(operation_pool(v, e));
        TRY(sink_gzip(&out->sink, v->opt.level, v->pool, e));
    }
    return sink_tar(&out->sink, "0.vhd", out->enc->size, e);
}

/* The exact length of what a server gets; -1 where compression decides it. */
static int64_t upload_size(const struct output *out)
{
    switch (out->format->pack) {
    case PACK_NONE:
        return (int64_t)out->enc->size;
    case PACK_TAR:
        return (int64_t)sink_tar_size(out->enc->size);
    case PACK_TGZ:
    default:
        return -1;
    }
}

int output_begin(struct vhdstream *v, struct output *out, struct image **img,
                 const char *label, struct err *e)
{
    if (out->place->kind == PLACE_XAPI)
        return pool_output_begin(v, out, img, label, e);
    if (out->format->disk == DISK_RAW)
        TRY(begin_raw(out, img, e));
    else if (out->format->disk == DISK_VHD_FIXED)
        TRY(begin_fixed(v, out, img, e));
    else
        TRY(begin_vhd(out, img, e));
    if (out->place->kind == PLACE_HTTP)
        TRY(sink_open_http(&out->sink, &v->http[SIDE_DST], out->place->path,
                           upload_size(out), e));
    out->sink->meter = &v->progress.written;
    return pack(v, out, e);
}

int output_finish(struct output *out, struct err *e)
{
    return out->xapi ? pool_output_finish(out, e) : sink_finish(out->sink, e);
}

static void close_stream(struct output *out, struct err *why)
{
    sink_close(out->sink, why);
    out->sink = NULL;
    encoder_close(out->enc);
    out->enc = NULL;
}

int output_break(struct output *out, bool *further, struct err *why)
{
    struct err e = {0};
    int code = 0;

    *further = false;
    if (pool_output_is_ready(out->xapi)) {
        code = pool_output_break(out, further, &e);
        close_stream(out, why);
    } else {
        output_close(out, why);
    }
    if (code == ERR_CANCELLED)
        *why = e;
    else if (code < 0)
        (void)err_append(why, "; %s", e.text);
    return code;
}

void output_close(struct output *out, struct err *why)
{
    close_stream(out, why);
    pool_output_close(out->xapi, why);
    out->xapi = NULL;
}
