/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/digest_note.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/report/report.h"
#include "image/encoder.h"
#include "image/vhd/vhd_chain.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_parent.h"

/* The digest stands at the very end of an image. */
static int read_note(struct vhdstream *v, struct input *in, json_t *result,
                     struct err *e)
{
    struct digest_note n;
    int known;

    if (!v->opt.digest || !in->tail.archive)
        return 0;
    TRY(image_drain(in->img, &v->progress, &v->wait, e));
    TRY(input_check_note(v, in, NULL, e));
    known = digest_note_read(&in->tail, in->img->name, NULL, &n, e);
    if (known > 0)
        report_add_note(&n, result);
    return known;
}

/* --- a child by itself ---------------------------------------------------- */

/* The path by which a copy that stays a child names its parent, or NULL. */
static int parent_of_copy(struct vhdstream *v, const struct image *img,
                          struct source *src, char **out, struct err *e)
{
    CLEANUP(vhd_parent) struct vhd_parent p = {0};

    if (v->opt.nparents)
        return mem_copy_text(out, v->opt.parents[0], e);
    TRY(vhd_parent_read(src, img->vhd, &p, e));
    return p.ninside ? mem_copy_text(out, p.inside[0], e) : 0;
}

static int tell_child_sizes(struct vhdstream *v, struct image **img,
                            json_t *result, struct err *e)
{
    FREE char *parent = NULL;

    if (!image_can_reblock(*img))
        return 0;
    TRY(parent_of_copy(v, *img, vhd_decode_source(*img), &parent, e));
    TRY(image_reblock(img, e));
    return report_child_sizes(*img, parent, result, e);
}

/* Joining small blocks wraps the image, which a chain cannot be laid under; so
 * a file is opened once more for that. */
static int tell_child(struct vhdstream *v, const struct place *p,
                      struct input *in, json_t *result, struct err *e)
{
    struct input again = {.side = in->side};
    int code;

    if (in->img->block_size == BLOCK_SIZE_DEFAULT || p->kind != PLACE_FILE)
        return tell_child_sizes(v, &in->img, result, e);
    code = input_open(v, p, &again, e);
    if (!code)
        code = tell_child_sizes(v, &again.img, result, e);
    input_close(&again, code < 0 ? e : NULL);
    return code;
}

/* --- the chain ------------------------------------------------------------ */

static void tell_parent(void *ctx, const char *path, const struct image *img)
{
    report_parent(ctx, path, img);
}

/* What is wrong with the place, not with this run: it belongs into the answer.
 * A parent that the user named has to be right. */
static bool is_answer(const struct vhdstream *v, int code)
{
    return !v->opt.nparents && (code == ERR_NOT_FOUND || code == ERR_CORRUPT ||
                                code == ERR_UNSUPPORTED);
}

/* Lays *img over its parents; true where all are there. */
static int tell_chain(struct vhdstream *v, const struct place *p,
                      struct input *in, json_t *result, struct err *e)
{
    struct image **img = &in->img;
    json_t *chain = json_array();
    const struct vhd_chain_options opt = {
        .path =
            p->kind == PLACE_FILE && vhd_decode_source(*img) ? p->path : NULL,
        .parents = (const char *const *)v->opt.parents,
        .nparents = v->opt.nparents,
        .notice = &v->notice,
        .wait = &v->wait,
        .meter = &v->progress.read,
        .tell = tell_parent,
        .ctx = chain,
    };
    struct err why = {0};
    int code = vhd_chain_open(img, &opt, &why);

    json_object_set_new(result, "chain", chain);
    if (!code)
        return 0;
    if (!is_answer(v, code)) {
        if (e)
            *e = why;
        return code;
    }
    (void)input_hint_chain(in, &why);
    json_object_set_new(result, "chain_broken", report_text(why.text));
    return 0;
}

/* --- all of it ------------------------------------------------------------ */

static int look_at_child(struct vhdstream *v, const struct place *p,
                         struct input *in, json_t *result, struct err *e)
{
    TRY(tell_child(v, p, in, result, e));
    return tell_chain(v, p, in, result, e);
}

/* The map is enough: no block is read, and what is still to come is broken off;
 * but for a digest. */
static int look(struct vhdstream *v, const struct place *p, struct input *in,
                json_t **result, struct err *e)
{
    TRY(input_open(v, p, in, e));
    TRY(input_trim(v, in, e));
    TRY(report_info(p, in, result, e));
    if (in->img->has_parent)
        TRY(look_at_child(v, p, in, *result, e));
    else if (v->opt.nparents)
        return err_set(e, ERR_USAGE,
                       "--parent %s: %s is no differencing disk, so it has no "
                       "parent",
                       v->opt.parents[0], p->name);
    if (!in->img->has_parent && image_can_reblock(in->img)) {
        TRY(image_reblock(&in->img, e));
        TRY(report_sizes(in->img, *result, e));
    }
    return read_note(v, in, *result, e);
}

int info_run(struct vhdstream *v, const char *place, json_t **result,
             struct err *e)
{
    CLEANUP(place) struct place p = {0};
    struct input in = {0};
    int code;

    TRY(place_parse(&p, place, "source", e));
    code = look(v, &p, &in, result, e);
    cancel_request(v->halt);
    input_close(&in, code < 0 ? e : NULL);
    if (code < 0) {
        json_decref(*result);
        *result = NULL;
    }
    return code;
}
