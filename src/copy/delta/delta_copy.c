/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/delta/delta_copy.h"

#include "copy/pool/pool_input.h"
#include "copy/verify.h"
#include "image/digest/image_hash.h"

#include <string.h>

/* A delta against a list: the source is read twice, since what differs has to
 * be known before the first byte is written. */
int delta_place_list(struct copy *c, struct err *e)
{
    const struct options *opt = &c->v->opt;

    if (!place_is_lasting(&c->src))
        return err_set(e, ERR_USAGE,
                       "--base %s: a list of block digests, for which the disk "
                       "is read twice, and %s cannot be; copy it to a file "
                       "first",
                       opt->base, c->src.name);
    if (c->dst.kind == PLACE_XAPI)
        return err_set(e, ERR_USAGE,
                       "--base %s: a list of block digests, which makes a "
                       "delta in a file, and none in a pool",
                       opt->base);
    c->list = opt->base;
    c->in.listed = true;
    c->out.child = "base";
    return 0;
}

static int open_base(void *ctx, struct image **out, struct err *e)
{
    const struct copy *c = ctx;

    return pool_input_export_base(c->v, c->in.pool, out, e);
}

int delta_read_base(struct copy *c, struct err *e)
{
    if (!c->in.base || c->base)
        return 0;
    TRY(input_find(c->v, &c->src, &c->in, e));
    if (!pool_input_is_compared(c->in.pool))
        return 0;
    return base_blocks_read(&c->base, c->v, open_base, c, e);
}

bool delta_is_found(const struct copy *c)
{
    return c->list || c->base;
}

/* --- the two readings ------------------------------------------------------*/

static int open_whole(struct copy *c, struct err *e)
{
    TRY(input_open(c->v, &c->src, &c->in, e));
    TRY(input_refuse_chain(&c->in, c->dst.name, e));
    TRY(input_trim(c->v, &c->in, e));
    TRY(input_complete(c->v, &c->src, &c->in, e));
    return copy_identify(c, e);
}

static int open_changes(struct copy *c, struct err *e)
{
    uint64_t size = c->in.img->size;

    changes_close(&c->changes);
    if (c->list)
        return changes_open(&c->changes, c->v, c->list, size, e);
    return changes_open_base(&c->changes, c->base, &c->in.parent_uuid, size, e);
}

/* The first time: what differs. */
static int find_changes(struct copy *c, struct err *e)
{
    struct vhdstream *v = c->v;

    TRY(open_whole(c, e));
    TRY(open_changes(c, e));
    TRY(hashing_fit(&c->hashing, &c->in.img, e));
    TRY(image_async(&c->in.img, v->opt.threads, e));
    TRY(hashing_begin(v, &c->hashing, &c->in.img, e));
    digest_watch(c->hashing.digest, changes_add, &c->changes);
    TRY(image_drain(c->in.img, &v->progress, &v->wait, e));
    TRY(hashing_end(&c->hashing, e));
    TRY(changes_end(&c->changes, e));
    TRY(input_check_note(v, &c->in, &c->hashing.result, e));
    input_rewind(&c->in, e);
    digest_close(c->hashing.digest);
    c->hashing.digest = NULL;
    return 0;
}

static void name_parent_file(struct copy *c, char name[UUID_TEXT_SIZE + 4])
{
    uuid_format(&c->changes.uuid, name);
    memcpy(name + UUID_TEXT_SIZE - 1, ".vhd", sizeof(".vhd"));
    c->out.parent = c->in.parent ? c->in.parent : name;
    c->out.uuid = c->in.uuid;
    c->out.parent_uuid = c->changes.uuid;
}

static int watch_changes(struct copy *c, struct err *e)
{
    if (!c->part.wanted)
        return image_hash(&c->in.img, c->v->pool, changes_take, &c->changes, e);
    TRY(hashing_begin(c->v, &c->part, &c->in.img, e));
    digest_watch(c->part.digest, changes_take_line, &c->changes);
    return 0;
}

/* The second time: that and no more. */
int delta_transfer(struct copy *c, struct err *e)
{
    char label[NAME_SIZE], name[UUID_TEXT_SIZE + 4];
    struct vhdstream *v = c->v;

    c->hashing.alone = true;
    c->part = (struct hashing){.wanted = v->verify, .part = true};
    TRY(find_changes(c, e));
    TRY(open_whole(c, e));
    TRY(image_reblock(&c->in.img, e));
    TRY(image_pick(&c->in.img, c->changes.picked, e));
    TRY(hashing_fit(&c->part, &c->in.img, e));
    name_parent_file(c, name);
    copy_name_disk(c, label);
    TRY(output_begin(v, &c->out, &c->in.img, label, e));
    TRY(image_async(&c->in.img, v->opt.threads, e));
    TRY(watch_changes(c, e));
    TRY(copy_move_blocks(c, e));
    TRY(changes_check(&c->changes, c->in.img->name, e));
    TRY(hashing_end(&c->part, e));
    TRY(output_finish(&c->out, e));
    copy_note_moved(c);
    TRY(verify_copy(v, &c->out, &c->part, c->in.img->size, e));
    TRY(output_complete(&c->out, e));
    TRY(hashing_finish(&c->hashing, e));
    return input_finish(&c->in, e);
}
