/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_state.h"

#include "copy/state.h"
#include "xapi/xapi_import.h"

#include <stdio.h>
#include <string.h>

enum { CHECKPOINT_STEP = 64 * 1024 * 1024 };

/* --- reading ---------------------------------------------------------------*/

/* Goes on with the transfer of an earlier run. That one's task may still be
 * under way. */
static int adopt(struct pool_output *pool, const struct state *st,
                 struct err *e)
{
    struct xapi_task task = {.x = pool->x};
    struct xapi_verdict verdict;

    (void)snprintf(task.ref, sizeof(task.ref), "%s", st->task);
    if (task.ref[0])
        TRY(xapi_task_wait(&task, XAPI_NORMAL, xapi_settle_s(pool->x), &verdict,
                           e));
    if (!pool->existing)
        TRY(xapi_disk_adopt(&pool->disk, pool->x, st->vdi, st->run, e));
    (void)snprintf(pool->run, sizeof(pool->run), "%s", st->run);
    xapi_task_drop(&task, false);
    pool->vdi = pool->disk->vdi;
    pool->shape = st->shape;
    pool->begun = true;
    pool->rest = st->rest;
    pool->has_state = pool->adopted = true;
    pool->v->verify |= pool_output_is_rest(pool);
    return 0;
}

static int check_state(const struct pool_output *pool, const struct place *p,
                       const struct state *st, struct err *e)
{
    const struct vhdstream *v = pool->v;

    if (!v->opt.resume)
        return err_set(e, ERR_USAGE,
                       "%s: tells of a transfer that --resume goes on with; "
                       "remove the file to begin another",
                       v->opt.state);
    if (strcmp(st->destination, p->name) != 0 ||
        (pool->existing && strcmp(st->vdi, pool->vdi.uuid) != 0))
        return err_set(e, ERR_USAGE,
                       "%s: tells of a transfer to %s, VDI %s, not to %s",
                       v->opt.state, st->destination, st->vdi, p->name);
    if (strcmp(st->base, pool->base.uuid) != 0)
        return err_set(e, ERR_USAGE,
                       "%s: tells of a transfer over %s, and --base names %s",
                       v->opt.state, *st->base ? st->base : "no base",
                       *pool->base.uuid ? pool->base.uuid : "none");
    return 0;
}

int pool_state_read(struct pool_output *pool, const struct place *p,
                    struct err *e)
{
    struct vhdstream *v = pool->v;
    struct state st;
    int found = state_read(&st, v->opt.state, &v->wait, e);

    TRY(found);
    if (!found && v->opt.resume)
        notice_say(&v->notice,
                   "%s: there is no such file, so the transfer begins at its "
                   "beginning",
                   v->opt.state);
    if (!found)
        return 0;
    TRY(check_state(pool, p, &st, e));
    return adopt(pool, &st, e);
}

/* --- writing ---------------------------------------------------------------*/

static int write_state(const struct output *out,
                       const struct encoder_rest *rest, struct err *e)
{
    const struct pool_output *pool = out->xapi;
    const struct vhdstream *v = pool->v;
    struct state st = {.shape = pool->shape, .rest = *rest};

    (void)snprintf(st.destination, sizeof(st.destination), "%s",
                   out->place->name);
    (void)snprintf(st.vdi, sizeof(st.vdi), "%s", pool->vdi.uuid);
    (void)snprintf(st.base, sizeof(st.base), "%s", pool->base.uuid);
    (void)snprintf(st.run, sizeof(st.run), "%s", pool->run);
    if (out->sink)
        (void)snprintf(st.task, sizeof(st.task), "%s",
                       xapi_import_task(pool->import));
    return state_write(&st, v->opt.state, &v->wait, e);
}

/* A transfer that cannot be noted any more goes on: the file that is there is
 * behind, and not wrong. */
void pool_state_note(const struct output *out, const struct encoder_rest *rest)
{
    struct pool_output *pool = out->xapi;
    struct err why = {0};

    if (!pool->has_state || pool->deaf || write_state(out, rest, &why) >= 0)
        return;
    pool->deaf = true;
    notice_say(&pool->v->notice, "%s; the transfer goes on", why.text);
}

static int on_checkpoint(void *ctx, uint64_t pos, struct err *e)
{
    const struct output *out = ctx;
    struct encoder_rest rest = {0};

    (void)e;
    if (out->xapi->provable && pos > XAPI_ON_THE_WAY &&
        encoder_reached(out->enc, pos - XAPI_ON_THE_WAY, &rest))
        pool_state_note(out, &rest);
    return 0;
}

int pool_state_begin(struct output *out, struct err *e)
{
    struct pool_output *pool = out->xapi;

    if (!pool->v->opt.state)
        return 0;
    TRY(write_state(out, &pool->rest, e));
    pool->has_state = true;
    if (!out->sink)
        return 0;
    return sink_checkpoint(&out->sink, CHECKPOINT_STEP, on_checkpoint, out, e);
}

int pool_state_end(struct pool_output *pool, struct err *e)
{
    if (!pool->has_state)
        return 0;
    pool->has_state = false;
    return state_remove(pool->v->opt.state, e);
}

/* What a later run may go on with: whatever stopped this one may have passed
 * then, or it was stopped before it did anything. */
static bool may_go_on(const struct pool_output *pool, int code)
{
    return (pool->adopted && !pool->import) || code == ERR_CANCELLED ||
           code == ERR_TEMPORARY || code == ERR_UNSETTLED;
}

void pool_state_settle(struct pool_output *pool, struct err *why)
{
    struct err e = {0};

    if (!pool->has_state || !why)
        return;
    if (may_go_on(pool, why->code))
        pool->disk->kept = true;
    else if (pool_state_end(pool, &e) < 0)
        (void)err_append(why, "; %s", e.text);
}
