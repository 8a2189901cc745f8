/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/chain_copy.h"

#include "base/checked.h"
#include "base/mem.h"
#include "copy/pool/pool_canvas.h"
#include "image/chain/canvas.h"
#include "image/chain/chain_roll.h"
#include "image/chain/image_cover.h"
#include "image/image_retry.h"
#include "io/tar_source.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct chain_run {
    struct vhdstream *v;
    struct input *in;
    struct output *out;
    bool dirty; /* what no member has is not zeros by itself */
    struct chain_roll *roll;
    struct coverage *coverage;
    struct canvas *canvas;
    uint64_t size; /* of the largest member so far: of the leaf at the end */
    uint64_t data; /* bytes of blocks that have come */
};

enum { AZURE_UNIT = 1024 * 1024 };

bool chain_fits(const struct output *out)
{
    if (out->xapi)
        return true;
    if (!out->sink || out->format->pack != PACK_NONE ||
        !sink_is_seekable(out->sink))
        return false;
    return out->format->disk != DISK_VHD || sink_can_pread(out->sink);
}

/* --- the destination ------------------------------------------------------*/

static uint32_t fixed_unit(const struct vhdstream *v, const struct output *out)
{
    if (out->format->disk != DISK_VHD_FIXED)
        return 0;
    return v->opt.azure ? AZURE_UNIT : SECTOR_SIZE;
}

static int open_file_canvas(struct chain_run *r, struct err *e)
{
    struct vhdstream *v = r->v;
    struct output *out = r->out;

    out->sink->meter = &v->progress.written;
    out->sink->rate = v->rate_out;
    if (hashing_is_wanted(v) && !out->held) {
        out->held = out->sink;
        TRY(sink_hold(out->held, e));
    }
    if (out->format->disk == DISK_VHD)
        return vhd_canvas(&r->canvas, out->sink, e);
    return raw_canvas(&r->canvas, out->sink, fixed_unit(v, out), e);
}

static int prepare(struct chain_run *r, const char *label, struct err *e)
{
    const char *archive = tar_source_archive(r->in->archive);
    const struct coverage_options opt = {
        .budget = r->v->opt.memory, .keep = r->dirty, .name = archive};

    if (r->v->opt.state)
        return err_set(e, ERR_USAGE,
                       "--state: %s holds a chain of disks, and the transfer "
                       "of a chain cannot be gone on with; it is begun anew",
                       archive);
    r->out->is_chain = true;
    TRY(chain_roll_open(&r->roll, archive, r->v->opt.any_member, e));
    TRY(coverage_open(&r->coverage, &opt, e));
    if (r->out->xapi)
        return pool_canvas(&r->canvas, r->out, r->coverage, label, e);
    return open_file_canvas(r, e);
}

/* --- members --------------------------------------------------------------*/

/* What is to be seen of it, read ahead. */
static int wrap(struct chain_run *r, struct err *e)
{
    struct image **img = &r->in->img;
    bool solid = r->dirty && !(*img)->has_parent;

    if (image_can_reblock(*img))
        TRY(image_reblock(img, e));
    TRY(image_cover(img, r->coverage, solid, e));
    return image_async(img, r->v->opt.threads, e);
}

static int lay(struct chain_run *r, unsigned rank, struct err *e)
{
    struct progress *p = &r->v->progress;
    const struct lay_how how = {
        .over = coverage_is_over(r->coverage),
        .is_leaf = !rank,
        .progress = p,
        .wait = &r->v->wait,
    };
    char name[NAME_SIZE];
    int code;

    (void)snprintf(name, sizeof(name), "%s", tar_source_member(r->in->archive));
    code = canvas_lay(r->canvas, r->in->img, &how, e);
    if (code < 0 && code != ERR_CANCELLED && r->out->xapi)
        return err_append(e, "; this was member %s of the chain", name);
    r->data += progress_next(p);
    return code;
}

static int take_member(struct chain_run *r, struct err *e)
{
    struct input *in = r->in;
    struct image *bare = in->img; /* in the wrappers, as long as these are */
    unsigned rank;

    TRY(chain_roll_add(r->roll, tar_source_member(in->archive), bare, &rank,
                       e));
    r->size = max_u64(r->size, bare->size);
    TRY(coverage_grow(r->coverage, r->size, e));
    TRY(canvas_grow(r->canvas, r->size, e));
    coverage_begin(r->coverage, rank, !bare->has_parent);
    TRY(wrap(r, e));
    TRY(lay(r, rank, e));
    coverage_end(r->coverage);
    TRY(chain_roll_end(r->roll, rank, bare, e));
    image_close(in->img);
    in->img = NULL;
    return 0;
}

static int take_members(struct chain_run *r, struct err *e)
{
    int more;

    do {
        TRY(take_member(r, e));
        more = input_next_member(r->in, e);
    } while (more > 0);
    TRY(more);
    return chain_roll_check(r->roll, e);
}

/* --- the whole disk -------------------------------------------------------*/

static void close_whole(struct image *img)
{
    image_free_base(img);
    free(img);
}

static const struct image_ops whole_ops = {.close = close_whole};

/* What is said of it from now on is said of this. */
static int make_whole(struct chain_run *r, struct err *e)
{
    struct image *img = NULL;
    int code;

    TRY(mem_alloc(&img, sizeof(*img), "an image", e));
    code = image_init(img, &whole_ops, tar_source_archive(r->in->archive),
                      "vhd", r->size, BLOCK_SIZE_DEFAULT, e);
    if (code < 0)
        close_whole(img);
    else
        r->in->img = img;
    return code;
}

static void count_all(struct chain_run *r)
{
    struct progress *p = &r->v->progress;

    p->past_done = p->past_zeros = 0;
    atomic_store(&p->total, r->size);
    atomic_store(&p->done, r->size);
    atomic_store(&p->zeros, r->size - min_u64(r->size, r->data));
}

static void tell_of_padding(const struct chain_run *r)
{
    uint64_t size = round_up(r->size, AZURE_UNIT);

    if (r->v->opt.azure && size != r->size)
        notice_say(&r->v->notice,
                   "%s: %" PRIu64 " bytes are padded with zeros to %" PRIu64
                   ", since Azure takes whole MiB",
                   r->in->img->name, r->size, size);
}

static int copy_all(struct chain_run *r, const char *label, struct err *e)
{
    TRY(prepare(r, label, e));
    TRY(take_members(r, e));
    TRY(make_whole(r, e));
    tell_of_padding(r);
    TRY(canvas_finish(r->canvas, r->in->img, e));
    if (r->out->sink)
        TRY(output_finish(r->out, e));
    count_all(r);
    return 0;
}

int chain_copy(struct vhdstream *v, struct input *in, struct output *out,
               const char *label, struct err *e)
{
    struct chain_run r = {
        .v = v,
        .in = in,
        .out = out,
        .dirty = out->xapi && pool_canvas_is_dirty(out->xapi),
    };
    int code;

    v->progress.past_done = v->progress.past_zeros = 0;
    code = copy_all(&r, label, e);
    /* What reads ahead may still note what it reads. */
    if (code < 0) {
        cancel_request(v->halt);
        image_close(in->img);
        in->img = NULL;
        cancel_withdraw(v->halt);
    }
    canvas_close(r.canvas);
    coverage_close(r.coverage);
    chain_roll_close(r.roll);
    return code;
}

/* --- the digest -----------------------------------------------------------*/

struct way_back {
    struct vhdstream *v;
    struct output *out;
    struct tar_tail tail;
};

static int read_back(void *ctx, struct image **img, struct err *e)
{
    struct way_back *w = ctx;

    return output_read_back(w->v, w->out, &w->tail, img, e);
}

static int take_digest(struct way_back *w, struct hashing *h, uint64_t size,
                       struct image **img, struct err *e)
{
    struct vhdstream *v = w->v;

    TRY(read_back(w, img, e));
    if ((*img)->size < size)
        return err_set(e, ERR_CORRUPT,
                       "%s: what is read back is a disk of %" PRIu64
                       " bytes, but one of %" PRIu64 " was written",
                       (*img)->name, (*img)->size, size);
    if (w->out->xapi)
        TRY(image_retry(img, read_back, w, &v->retry, e));
    TRY(image_cut(img, size, e));
    TRY(hashing_fit(h, img, e));
    TRY(image_async(img, v->opt.threads, e));
    TRY(hashing_begin(v, h, img, e));
    TRY(image_drain(*img, &v->progress, &v->wait, e));
    return hashing_end(h, e);
}

int chain_digest(struct vhdstream *v, struct input *in, struct output *out,
                 struct hashing *h, struct err *e)
{
    struct way_back w = {.v = v, .out = out};
    struct image *img = NULL;
    int code;

    if (v->verify && !in->tail.found)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: --verify compares a chain's disk with the %s of "
                       "its image, and this image has none; copy without it, "
                       "and compare the disk with one that is known",
                       in->img->name, TAR_TAIL_NAME);
    if (!h->wanted)
        return input_check_note(v, in, NULL, e);
    h->alone = true;
    code = take_digest(&w, h, in->img->size, &img, e);
    if (code < 0)
        cancel_request(v->halt);
    image_close(img);
    if (code < 0)
        cancel_withdraw(v->halt);
    TRY(code);
    TRY(input_check_note(v, in, &h->result, e));
    output_note(out, in->img->size, &h->result);
    return 0;
}
