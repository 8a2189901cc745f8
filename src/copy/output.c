/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/output.h"

#include "base/checked.h"
#include "copy/hashing.h"
#include "copy/pool/pool_output.h"
#include "copy/store_output.h"
#include "io/http.h"
#include "io/tar_tail.h"

#include <inttypes.h>
#include <unistd.h>

static int choose_format(const struct vhdstream *v, struct output *out,
                         struct err *e)
{
    out->format = v->opt.to    ? v->opt.to
                  : out->store ? store_output_format(out->store)
                               : out->place->suffix;
    if (v->opt.azure && !v->opt.to && out->format &&
        (out->format->pack != PACK_NONE || out->format->disk == DISK_RAW))
        return err_set(e, ERR_USAGE,
                       "--azure: %s is to be %s by its %s, and Azure takes "
                       "fixed VHDs; say --to vhd-fixed if it is to be one",
                       out->place->name, out->format->name,
                       out->store ? "record" : "name");
    if (v->opt.azure && !v->opt.to)
        out->format = format_by_name("vhd-fixed");
    if (!out->format)
        return err_set(e, ERR_USAGE,
                       "%s: its name says no format; give one with --to (%s)",
                       out->place->name, format_names());
    if (out->format->pack == PACK_TZST && v->opt.zstd_level == GZIP_LEVEL_AUTO)
        return err_set(e, ERR_USAGE,
                       "--level auto is for tgz: %s is to be %s, which takes "
                       "1 to 9",
                       out->place->name, out->format->name);
    if (v->opt.azure && out->format->disk != DISK_VHD_FIXED)
        return err_set(e, ERR_USAGE,
                       "--azure and --to %s: Azure takes fixed VHDs only "
                       "(--to vhd-fixed)",
                       out->format->name);
    if (out->child && out->format->disk != DISK_VHD)
        return err_set(e, ERR_USAGE,
                       "--%s: %s is to be %s, which cannot stand on a parent; "
                       "a vhd can",
                       out->child, out->place->name, out->format->name);
    return 0;
}

static int choose_note(const struct vhdstream *v, struct output *out,
                       struct err *e)
{
    bool packed = out->format->pack != PACK_NONE;

    if (v->opt.plain && !packed)
        return err_set(
            e, ERR_USAGE,
            "--plain is for tar, tgz and tzst: %s is to be %s, which has "
            "no room for more than the disk",
            out->place->name, out->format->name);
    out->noted = packed && !v->opt.plain && hashing_is_wanted(v);
    return 0;
}

static int open_caller(const struct vhdstream *v, struct output *out,
                       struct err *e)
{
    if (!v->writer)
        return err_set(e, ERR_USAGE,
                       "caller: is for programs that use the library: "
                       "vhdstream_on_write was not called");
    return sink_open_caller(&out->sink, v->writer, v->writer_ctx,
                            out->place->name, e);
}

static int open_place(struct vhdstream *v, struct output *out, struct err *e)
{
    const struct place *p = out->place;

    if (p->kind == PLACE_FD)
        return sink_open_fd(&out->sink, p->fd, p->name, &v->wait, e);
    if (p->kind == PLACE_CALLER)
        return open_caller(v, out, e);
    if (p->kind != PLACE_FILE)
        return 0;
    if (v->opt.verify && !sink_file_reads_back(p->path))
        return sink_refuse_hold(p->name, e);
    return sink_open_file(&out->sink, p->path, v->opt.force, &v->wait, e);
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
    if (p->kind == PLACE_XAPI &&
        (v->opt.keep_parent || v->opt.azure || v->opt.plain))
        return err_set(e, ERR_USAGE, "--%s has no meaning for a pool",
                       v->opt.azure         ? "azure"
                       : v->opt.keep_parent ? "keep-parent"
                                            : "plain");
    if (p->kind == PLACE_XAPI)
        return pool_output_prepare(v, out, e);
    if (v->opt.state)
        return err_set(e, ERR_USAGE,
                       "--state: only a transfer into a pool can be gone on "
                       "with by another run; %s is begun anew",
                       p->name);
    if (p->kind == PLACE_GLANCE)
        TRY(store_output_prepare(v, out, e));
    TRY(choose_format(v, out, e));
    if (out->store)
        TRY(store_output_check_format(out, e));
    TRY(choose_note(v, out, e));
    TRY(open_place(v, out, e));
    if (!v->opt.verify || !out->sink)
        return 0;
    out->held = out->sink;
    return sink_hold(out->held, e);
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

static const struct uuid *uuid_or_null(const struct uuid *u)
{
    return uuid_is_null(u) ? NULL : u;
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
    return vhd_fixed_encoder(&out->enc, *img, size, uuid_or_null(&out->uuid),
                             e);
}

static int begin_vhd(struct output *out, struct image **img, struct err *e)
{
    const struct vhd_options opt = {
        .clear_zeros = true,
        .uuid = uuid_or_null(&out->uuid),
        .parent_uuid = uuid_or_null(&out->parent_uuid),
        .parent = out->parent,
    };

    TRY(image_reblock(img, e));
    return vhd_encoder(&out->enc, *img, &opt, e);
}

/* What is compressed is compressed for that stage. */
static int compress(struct vhdstream *v, struct output *out, struct err *e)
{
    struct stage *before;
    int code;

    TRY(operation_pool(v, e));
    before = stage_enter_if(operation_stage(v, STAGE_COMPRESS));
    code = out->format->pack == PACK_TGZ
               ? sink_gzip(&out->sink, v->opt.level, v->pool, e)
               : sink_zstd(&out->sink, v->opt.zstd_level, v->pool, e);
    stage_leave(before);
    return code;
}

/* Puts compression and tar around the sink; the tar header already has the
 * size. */
static int pack(struct vhdstream *v, struct output *out, struct err *e)
{
    if (out->format->pack == PACK_NONE)
        return 0;
    if (out->format->pack != PACK_TAR)
        TRY(compress(v, out, e));
    return sink_tar(&out->sink, "0.vhd", out->enc->size, e);
}

/* The exact length of what a server or the caller gets; -1 where compression
 * decides it. */
static int64_t upload_size(const struct output *out)
{
    int64_t note = out->noted ? TAR_TAIL_SIZE : 0;

    if (out->several)
        return -1;
    switch (out->format->pack) {
    case PACK_NONE:
        return (int64_t)out->enc->size;
    case PACK_TAR:
        return (int64_t)sink_tar_size(out->enc->size) + note;
    case PACK_TGZ:
    case PACK_TZST:
    default:
        return -1;
    }
}

static int tell_size(const struct vhdstream *v, const struct output *out,
                     struct err *e)
{
    int n = v->sizer ? v->sizer(v->sizer_ctx, upload_size(out)) : 0;

    if (!n)
        return 0;
    return err_set(e, ERR_FAILED,
                   "%s: the caller's function failed when it was told the size "
                   "(result %d)",
                   out->place->name, n);
}

int output_begin(struct vhdstream *v, struct output *out, struct image **img,
                 const char *label, struct err *e)
{
    if (out->place->kind == PLACE_XAPI)
        return pool_output_begin(v, out, img, label, e);
    out->noted = out->noted && !(*img)->has_parent; /* that has no digest */
    if (out->format->disk == DISK_RAW)
        TRY(begin_raw(out, img, e));
    else if (out->format->disk == DISK_VHD_FIXED)
        TRY(begin_fixed(v, out, img, e));
    else
        TRY(begin_vhd(out, img, e));
    if (out->place->kind == PLACE_HTTP)
        TRY(sink_open_http(&out->sink, &v->http[SIDE_DST], out->place->path,
                           upload_size(out), e));
    if (out->place->kind == PLACE_CALLER)
        TRY(tell_size(v, out, e));
    if (out->store)
        TRY(store_output_begin(out, (*img)->size, upload_size(out), label, e));
    out->sink->meter = &v->progress.written;
    out->sink->stage = operation_stage(v, STAGE_SINK);
    out->sink->rate = v->rate_out;
    return pack(v, out, e);
}

int output_next(struct output *out, struct image **img, const char *name,
                struct err *e)
{
    TRY(begin_vhd(out, img, e));
    return sink_tar_next(out->sink, name, out->enc->size, e);
}

void output_note(struct output *out, uint64_t size,
                 const struct leaf_hash *digest)
{
    const struct digest_note note = {size, *digest};

    if (out->xapi)
        digest_note_value(&note, out->note);
    if (out->store)
        store_output_note(out->store, &note);
    if (out->noted)
        sink_tar_tail(out->sink, out->note, digest_note_json(&note, out->note));
}

int output_finish(struct output *out, struct err *e)
{
    return sink_finish(out->sink, e);
}

int output_complete(struct output *out, struct err *e)
{
    if (out->xapi)
        return pool_output_complete(out->xapi, out->note, e);
    if (out->store)
        return store_output_complete(out->store, e);
    return out->held ? sink_release(out->held, e) : 0;
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
    if (pool_output_is_ready(out->xapi) && !out->is_chain) {
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
    store_output_close(out->store, why);
    out->store = NULL;
    out->held = NULL;
    out->is_chain = false;
    pool_output_close(out->xapi, why);
    out->xapi = NULL;
}
