/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The spine: place → image → encoder → sink → place. */

#include "base/checked.h"
#include "base/mem.h"
#include "base/text.h"
#include "copy/chain_copy.h"
#include "copy/copy_inner.h"
#include "copy/delta/delta_copy.h"
#include "copy/links/links_copy.h"
#include "copy/pool/pool_input.h"
#include "copy/pool/pool_output.h"
#include "copy/report/report.h"
#include "copy/store_side.h"
#include "copy/verify.h"
#include "image/encoder.h"
#include "image/vhd/vhd_head.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* A name for the new disk: that of the VDI or the image, or of the file without
 * folder and suffixes; something at least for a pipe. */
void copy_name_disk(const struct copy *c, char label[NAME_SIZE])
{
    const char *name = c->src.name, *slash = strrchr(name, '/');

    if (c->in.pool) {
        (void)snprintf(label, NAME_SIZE, "%s", pool_input_label(c->in.pool));
        return;
    }
    if (c->src.kind == PLACE_GLANCE) {
        text_copy_cut(label, NAME_SIZE, store_label(c->v, SIDE_SRC));
        return;
    }
    text_copy_cut(label, NAME_SIZE, slash ? slash + 1 : name);
    if (c->src.kind == PLACE_FD || c->src.kind == PLACE_CALLER)
        (void)snprintf(label, NAME_SIZE, "vhdstream import");
    label[format_stem_len(label)] = '\0';
    /* A file's name may be any bytes, a name-label is text. */
    if (!text_is_utf8(label, strlen(label)))
        for (char *p = label; *p; p++)
            if (*p & 0x80)
                *p = '?';
}

/* --limit-rate is for what the network carries: to the destination where that
 * is on it, else from the source. */
static void limit_rate(const struct copy *c)
{
    if (place_is_remote(&c->dst) || !place_is_remote(&c->src))
        operation_limit_output(c->v);
}

/* Bytes of a connection tell little of the disk, so its blocks are told, too,
 * where a pool takes part. */
int copy_move_blocks(struct copy *c, struct err *e)
{
    const struct image *img = c->in.img;
    struct progress *p = &c->v->progress;
    struct stage *before = stage_enter_if(operation_stage(c->v, STAGE_ENCODE));
    int code =
        image_copy(c->in.img, c->out.enc, c->out.sink, p, &c->v->wait, e);

    stage_leave(before);
    if (code >= 0 || code == ERR_CANCELLED || !(c->in.pool || c->out.xapi))
        return code;
    return err_append(
        e, "; %" PRIu64 " of %" PRIu32 " blocks were through",
        div_up(atomic_load(&p->done) - atomic_load(&p->zeros), img->block_size),
        img->nmapped);
}

/* Which side --base speaks of. */
static int place_base(struct copy *c, struct err *e)
{
    struct options *opt = &c->v->opt;

    c->out.child = opt->keep_parent ? "keep-parent" : NULL;
    if (!opt->base)
        return 0;
    if (opt->keep_parent)
        return err_set(e, ERR_USAGE,
                       "--base and --keep-parent: a delta stays what it is "
                       "with the one, is made or used up with the other");
    if (!uuid_is(opt->base) && changes_list_is(c->v, opt->base))
        return delta_place_list(c, e);
    if (c->src.kind != PLACE_XAPI && opt->nparents)
        return err_set(e, ERR_USAGE,
                       "--base and --parent: both say what %s stands on",
                       c->src.name);
    if (c->src.kind != PLACE_XAPI && c->dst.kind != PLACE_XAPI) {
        c->in.stack = (const char *const *)&opt->base;
        c->in.nstack = 1;
        return 0;
    }
    if (c->src.kind != PLACE_XAPI) {
        c->out.base = opt->base;
        c->in.kept = true;
        return 0;
    }
    if (c->dst.kind == PLACE_XAPI)
        return err_set(e, ERR_USAGE,
                       "--base %s: it is to be found in one pool, and two take "
                       "part; join two runs by a pipe: vhdstream copy --base "
                       "... --to vhd %s - | vhdstream copy --base ... - %s",
                       opt->base, c->src.name, c->dst.name);
    c->in.base = opt->base;
    c->out.child = "base";
    return 0;
}

/* All is at the destination; what follows reads it back. */
void copy_note_moved(struct copy *c)
{
    c->moved = wait_now() - c->start;
    progress_copy(&c->sent, &c->v->progress);
}

static int move_chain(struct copy *c, const char *label, struct err *e)
{
    struct stage *before = stage_enter_if(operation_stage(c->v, STAGE_ENCODE));
    int code = chain_copy(c->v, &c->in, &c->out, label, e);

    stage_leave(before);
    return code;
}

/* A chain comes member by member, in any order. */
static int transfer_chain(struct copy *c, struct err *e)
{
    struct vhdstream *v = c->v;
    char label[NAME_SIZE];

    copy_name_disk(c, label);
    TRY(move_chain(c, label, e));
    copy_note_moved(c);
    TRY(chain_digest(v, &c->in, &c->out, &c->hashing, e));
    TRY(output_complete(&c->out, e));
    TRY(hashing_finish(&c->hashing, e));
    return input_finish(&c->in, e);
}

static int open_input(struct copy *c, struct err *e)
{
    if (chain_fits(&c->out))
        return input_open_chain(c->v, &c->src, &c->in, e);
    TRY(input_open(c->v, &c->src, &c->in, e));
    return input_refuse_chain(&c->in, c->dst.name, e);
}

static int begin_hashing(struct copy *c, struct err *e)
{
    struct stage *before = stage_enter_if(
        c->hashing.wanted ? operation_stage(c->v, STAGE_HASH) : NULL);
    int code = hashing_begin(c->v, &c->hashing, &c->in.img, e);

    stage_leave(before);
    return code;
}

/* Of the disk; NULL: it was not taken. */
static const struct leaf_hash *digest_of(const struct copy *c)
{
    const struct hashing *h = &c->hashing;

    return h->wanted && !h->part ? &h->result : NULL;
}

/* By which the next delta will know the copy. */
int copy_identify(struct copy *c, struct err *e)
{
    if (uuid_is_null(&c->in.uuid) && c->in.img->vhd)
        c->in.uuid = c->in.img->vhd->footer.uuid;
    if (uuid_is_null(&c->in.uuid) && c->v->opt.blocks)
        TRY(uuid_make(&c->in.uuid, e));
    if (!c->in.img->has_parent)
        c->hashing.uuid = c->in.uuid;
    return 0;
}

static int transfer(struct copy *c, struct err *e)
{
    struct vhdstream *v = c->v;
    char label[NAME_SIZE];

    TRY(output_prepare(v, &c->dst, &c->out, e));
    TRY(delta_read_base(c, e));
    TRY(hashing_prepare(v, delta_is_found(c) || hashing_is_wanted(v),
                        &c->hashing, e));
    if (delta_is_found(c))
        return delta_transfer(c, e);
    TRY(open_input(c, e));
    if (c->in.is_chain)
        return transfer_chain(c, e);
    TRY(input_trim(v, &c->in, e));
    TRY(input_complete(v, &c->src, &c->in, e));
    TRY(copy_identify(c, e));
    c->out.parent = c->in.parent;
    c->out.uuid = c->in.uuid;
    c->out.parent_uuid = c->in.parent_uuid;
    c->hashing.part = c->in.img->has_parent && !v->opt.digest && !v->opt.blocks;
    TRY(hashing_fit(&c->hashing, &c->in.img, e));
    copy_name_disk(c, label);
    TRY(output_begin(v, &c->out, &c->in.img, label, e));
    c->in.img->stage = operation_stage(v, STAGE_DECODE);
    TRY(image_async(&c->in.img, v->opt.threads, e));
    TRY(begin_hashing(c, e));
    TRY(copy_move_blocks(c, e));
    TRY(hashing_end(&c->hashing, e));
    TRY(input_check_note(v, &c->in, digest_of(c), e));
    if (digest_of(c))
        output_note(&c->out, c->in.img->size, &c->hashing.result);
    TRY(output_finish(&c->out, e));
    copy_note_moved(c);
    TRY(verify_copy(v, &c->out, &c->hashing, c->in.img->size, e));
    TRY(output_complete(&c->out, e));
    TRY(hashing_finish(&c->hashing, e));
    return input_finish(&c->in, e);
}

/* --- another try -----------------------------------------------------------*/

/* Whether what was read of the source can be read again, or nothing was. */
static bool can_read_again(const struct copy *c)
{
    return (!c->in.img && !c->in.is_chain) || place_is_lasting(&c->src);
}

/* Whether the destination can be begun anew: what it got so far can be gone on
 * with or taken back, or it got nothing. */
static bool can_write_again(const struct copy *c)
{
    return !c->out.sink || !c->out.sink->pos || place_is_lasting(&c->dst);
}

static int cannot_repeat(const struct place *p, const char *verb, struct err *e)
{
    return err_append(e, "; not tried again, since %s cannot be %s twice",
                      p->kind == PLACE_FD ? "a pipe" : p->name, verb);
}

/* Ends the try that failed with *e, and waits for the next one. */
static int try_again(struct copy *c, struct err *e)
{
    struct vhdstream *v = c->v;
    bool further;

    if (e->code != ERR_TEMPORARY || (!v->retry.max && !v->opt.state))
        return e->code;
    if (!can_read_again(c))
        return cannot_repeat(&c->src, "read", e);
    if (!can_write_again(c))
        return cannot_repeat(&c->dst, "written", e);
    TRY(output_break(&c->out, &further, e));
    if (further)
        retry_progress(&v->retry);
    cancel_request(v->halt);
    input_rewind(&c->in, e);
    hashing_close(&c->hashing, e);
    hashing_close(&c->part, e);
    cancel_withdraw(v->halt);
    pool_output_resume(c->out.xapi);
    pool_input_resume(c->in.pool);
    return retry_pause(&v->retry, e);
}

static int transfer_in_tries(struct copy *c, struct err *e)
{
    int code;

    while ((code = transfer(c, e)) < 0)
        TRY(try_again(c, e));
    return code;
}

/* After a failure nothing that waits may hold up the end: the stop is asked
 * for, and only cleaning up goes on. */
static void close_all(struct copy *c, int result, struct err *e)
{
    if (result < 0)
        cancel_request(c->v->halt);
    output_close(&c->out, result < 0 ? e : NULL);
    input_close(&c->in, result < 0 ? e : NULL);
    hashing_close(&c->hashing, result < 0 ? e : NULL);
    hashing_close(&c->part, result < 0 ? e : NULL);
    changes_close(&c->changes);
    base_blocks_close(c->base);
    place_cleanup(&c->src);
    place_cleanup(&c->dst);
}

static void report_stages(const struct copy *c, json_t *result)
{
    struct stats s;

    if (!c->v->opt.stats)
        return;
    stats_take(&s, c->v->stages, c->moved, c->v->opt.threads);
    stats_report(&s, result);
}

int copy_over_run(struct vhdstream *v, const char *const *stack,
                  unsigned nstack, const char *source, const char *destination,
                  json_t **result, struct err *e)
{
    struct copy c = {.v = v, .start = wait_now()};
    int code;

    c.in.stack = stack;
    c.in.nstack = nstack;
    code = place_parse(&c.src, source, "source", e);

    if (code >= 0)
        code = place_parse(&c.dst, destination, "destination", e);
    if (code >= 0)
        code = place_base(&c, e);
    limit_rate(&c);
    if (code >= 0)
        code = transfer_in_tries(&c, e);
    if (code >= 0)
        code = report_copy(&c.src, &c.in, &c.dst, &c.out, &c.sent,
                           wait_now() - c.start, result, e);
    if (code >= 0 && digest_of(&c))
        report_add_digest(&c.hashing, *result);
    if (code >= 0 && v->verify)
        json_object_set_new(*result, "verified", json_true());
    if (code >= 0)
        report_stages(&c, *result);
    close_all(&c, code, e);
    return code < 0 ? e->code : 0;
}

int copy_run(struct vhdstream *v, const char *source, const char *destination,
             json_t **result, struct err *e)
{
    if (v->opt.chain)
        return links_copy_run(v, source, destination, result, e);
    return copy_over_run(v, NULL, 0, source, destination, result, e);
}
