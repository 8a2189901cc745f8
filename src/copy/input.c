/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/input.h"

#include "base/mem.h"
#include "copy/digest_note.h"
#include "copy/pool/pool_input.h"
#include "copy/store_side.h"
#include "image/chain/chain_roll.h"
#include "image/image_open.h"
#include "image/image_retry.h"
#include "image/vhd/vhd_chain.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_parent.h"
#include "io/tar_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_caller(const struct vhdstream *v, const struct place *p,
                       struct source **out, struct err *e)
{
    if (!v->reader)
        return err_set(e, ERR_USAGE,
                       "caller: is for programs that use the library: "
                       "vhdstream_on_read was not called");
    return source_open_caller(out, v->reader, v->reader_ctx, p->name, e);
}

int input_source(struct vhdstream *v, int side, const struct place *p,
                 struct source **out, struct err *e)
{
    if (p->kind == PLACE_FILE)
        TRY(source_open_file(out, p->path, &v->wait, e));
    else if (p->kind == PLACE_FD)
        TRY(source_open_fd(out, p->fd, p->name, &v->wait, e));
    else if (p->kind == PLACE_CALLER)
        TRY(open_caller(v, p, out, e));
    else if (p->kind == PLACE_GLANCE)
        TRY(store_source(v, side, p, out, e));
    else
        TRY(source_open_http(out, &v->http[side], p->path, e));
    (*out)->meter = &v->progress.read;
    (*out)->stage = operation_stage(v, STAGE_SOURCE);
    (*out)->rate = v->rate_in;
    return 0;
}

static struct image_open_options open_options(struct vhdstream *v, int side,
                                              const struct place *p)
{
    return (struct image_open_options){
        .from = v->opt.from,
        .suffix = p->kind == PLACE_GLANCE ? store_format(v, side) : p->suffix,
        .any_member = v->opt.any_member,
        .vhd_inside =
            p->kind == PLACE_GLANCE && !v->opt.from && store_says_vhd(v, side),
        .size = v->opt.size,
        .size_from_chs = v->opt.size_from_chs,
        .threads = v->opt.threads,
        .pool = v->pool,
        .inflate = operation_stage(v, STAGE_INFLATE),
        .notice = &v->notice,
        .halt = v->halt,
    };
}

/* in->tail is written when the image comes to its end. */
static int decode(struct vhdstream *v, const struct place *p,
                  struct source **src, struct input *in, struct image **out,
                  struct err *e)
{
    struct image_open_options opt;

    TRY(operation_pool(v, e));
    opt = open_options(v, in->side, p);
    opt.tail = &in->tail;
    opt.archive = &in->archive;
    return image_open(src, &opt, out, e);
}

int input_decode(struct vhdstream *v, const struct place *p,
                 struct source **src, struct input *out, struct err *e)
{
    return decode(v, p, src, out, &out->img, e);
}

int input_next_member(struct input *in, struct err *e)
{
    struct image_open_options opt = open_options(in->v, in->side, in->place);
    struct source *src = in->archive;
    int more = tar_source_next(in->archive, e);

    opt.size = -1;
    if (more <= 0)
        return more;
    TRY(image_open_member(&src, &opt, &in->img, e));
    return 1;
}

enum disk input_member_disk(const struct input *in)
{
    const struct image_open_options opt =
        open_options(in->v, in->side, in->place);

    return image_member_disk(&opt, in->archive);
}

int input_trim(struct vhdstream *v, struct input *in, struct err *e)
{
    return strcmp(in->img->format, "raw") ? 0
                                          : image_trim(in->img, &v->wait, e);
}

static int open_image(struct vhdstream *v, const struct place *p,
                      struct input *out, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;

    if (p->kind == PLACE_XAPI)
        return pool_input_open(v, p, out, e);
    TRY(input_source(v, out->side, p, &src, e));
    return input_decode(v, p, &src, out, e);
}

/* The stream broke: the same image anew. in->img is the user's wrapper of it
 * and stays. */
static int reopen(void *ctx, struct image **out, struct err *e)
{
    struct input *in = ctx;
    CLEANUP(source) struct source *src = NULL;

    if (in->pool)
        return pool_input_export(in->v, in->pool, out, e);
    TRY(input_source(in->v, in->side, in->place, &src, e));
    return decode(in->v, in->place, &src, in, out, e);
}

int input_find(struct vhdstream *v, const struct place *p, struct input *in,
               struct err *e)
{
    in->v = v;
    in->place = p;
    return p->kind == PLACE_XAPI ? pool_input_find(v, p, in, e) : 0;
}

static int open_place(struct vhdstream *v, const struct place *p,
                      struct input *out, struct err *e)
{
    out->v = v;
    out->place = p;
    out->archive = NULL;
    return open_image(v, p, out, e);
}

/* A child whose parent the user names, or that shall stay one, is alone. */
static bool may_be_of_chain(const struct input *in)
{
    const struct options *opt = &in->v->opt;

    return in->archive && !opt->keep_parent && !opt->nparents && !in->stack &&
           !in->kept;
}

static bool is_of_chain(const struct input *in)
{
    return may_be_of_chain(in) &&
           chain_name_is_part(tar_source_member(in->archive), in->img);
}

int input_refuse_chain(const struct input *in, const char *to, struct err *e)
{
    if (!may_be_of_chain(in) ||
        !chain_name_is_surely_part(tar_source_member(in->archive), in->img))
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: one disk of a chain, whose sectors come in no order "
                   "that %s could take; copy the chain into a pool, or into a "
                   "raw or VHD file and then that",
                   in->img->name, to);
}

int input_hint_chain(const struct input *in, struct err *e)
{
    if (e->code != ERR_NOT_FOUND || !in->img->has_parent || !is_of_chain(in))
        return e->code;
    return err_append(e,
                      "; where its parent is a member of the same image, copy "
                      "it into a pool, or into a raw or VHD file, which makes "
                      "one disk of all members");
}

static int retry_image(struct vhdstream *v, const struct place *p,
                       struct input *out, struct err *e)
{
    if (!place_is_remote(p))
        return 0;
    return image_retry(&out->img, reopen, out, &v->retry, e);
}

int input_open_chain(struct vhdstream *v, const struct place *p,
                     struct input *out, struct err *e)
{
    TRY(open_place(v, p, out, e));
    out->is_chain = is_of_chain(out);
    if (!out->is_chain)
        return retry_image(v, p, out, e);
    tar_source_apart(out->archive);
    return 0;
}

int input_open(struct vhdstream *v, const struct place *p, struct input *out,
               struct err *e)
{
    TRY(open_place(v, p, out, e));
    return retry_image(v, p, out, e);
}

int input_open_bytes(struct vhdstream *v, const struct place *p,
                     struct input *in, struct source **src, enum disk *disk,
                     struct err *e)
{
    struct image_open_options opt;

    in->v = v;
    in->place = p;
    TRY(operation_pool(v, e));
    *disk = DISK_VHD;
    if (p->kind == PLACE_XAPI)
        return pool_input_open_bytes(v, p, in, src, e);
    TRY(input_source(v, in->side, p, src, e));
    opt = open_options(v, in->side, p);
    opt.archive = &in->archive;
    return image_unpack(src, &opt, disk, e);
}

/* The user's word, or what the disk itself says. */
static int name_parent(struct vhdstream *v, struct input *in, struct err *e)
{
    CLEANUP(vhd_parent) struct vhd_parent p = {0};

    if (v->opt.nparents)
        return mem_copy_text(&in->parent, v->opt.parents[0], e);
    TRY(vhd_parent_read(vhd_decode_source(in->img), in->img->vhd, &p, e));
    if (p.ninside)
        return mem_copy_text(&in->parent, p.inside[0], e);
    notice_say(&v->notice,
               "%s: names no parent that its copy could name; the copy has its "
               "uuid only",
               in->img->name);
    return 0;
}

/* The file that its base was copied to: as an SR calls it, where the user does
 * not say. */
static int name_base(struct vhdstream *v, struct input *in, struct err *e)
{
    char name[UUID_TEXT_SIZE + 4];

    if (v->opt.nparents)
        return mem_copy_text(&in->parent, v->opt.parents[0], e);
    uuid_format(&in->parent_uuid, name);
    memcpy(name + UUID_TEXT_SIZE - 1, ".vhd", sizeof(".vhd"));
    return mem_copy_text(&in->parent, name, e);
}

int input_complete(struct vhdstream *v, const struct place *p, struct input *in,
                   struct err *e)
{
    struct vhd_chain_options opt = {
        .path = p->kind == PLACE_FILE && vhd_decode_source(in->img) ? p->path
                                                                    : NULL,
        .parents = (const char *const *)v->opt.parents,
        .nparents = v->opt.nparents,
        .forced = v->opt.force_base,
        .notice = &v->notice,
        .wait = &v->wait,
        .meter = &v->progress.read,
        .rate = v->rate_in,
        .stage = operation_stage(v, STAGE_SOURCE),
    };

    if (in->base)
        return name_base(v, in, e);
    if (in->kept)
        return 0;
    if (in->listed && !in->img->has_parent)
        return v->opt.nparents
                   ? mem_copy_text(&in->parent, v->opt.parents[0], e)
                   : 0;
    if (in->stack && !in->img->has_parent)
        return err_set(e, ERR_USAGE,
                       "%s is a whole disk, and is not to be laid over %s",
                       p->name, in->stack[0]);
    if (in->stack) {
        opt.parents = in->stack;
        opt.nparents = in->nstack;
    }
    if (in->img->has_parent && v->opt.keep_parent)
        return name_parent(v, in, e);
    return vhd_chain_open(&in->img, &opt, e) ? input_hint_chain(in, e) : 0;
}

/* With --size-from chs the disk is taken for another than it was written as. */
int input_check_note(const struct vhdstream *v, const struct input *in,
                     const struct leaf_hash *digest, struct err *e)
{
    if (v->opt.size_from_chs)
        return 0;
    return digest_note_check(&in->tail, in->img, digest, &v->notice, e);
}

int input_finish(struct input *in, struct err *e)
{
    return in->pool ? pool_input_finish(in->pool, e) : 0;
}

void input_rewind(struct input *in, struct err *why)
{
    image_close(in->img);
    in->img = NULL;
    if (in->is_chain)
        tar_source_end(in->archive);
    in->archive = NULL;
    in->is_chain = false;
    free(in->parent);
    in->parent = NULL;
    if (pool_input_is_ready(in->pool))
        return;
    pool_input_close(in->pool, why);
    in->pool = NULL;
}

void input_close(struct input *in, struct err *why)
{
    input_rewind(in, why);
    pool_input_close(in->pool, why);
    in->pool = NULL;
}
