/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/operation.h"
#include "copy/place.h"
#include "copy/pool/pool_login.h"
#include "copy/report/report_clean.h"

#include <stdio.h>

struct cleaning {
    struct vhdstream *v;
    struct place place;
    struct xapi *x;
    json_t *items;
    unsigned count[XAPI_FATES];
    bool own_clock;
};

static int tell(void *ctx, const struct xapi_remnant *r, struct err *e)
{
    struct cleaning *c = ctx;

    c->count[r->fate]++;
    return report_remnant(r, c->items, e);
}

static int clean(struct cleaning *c, const char *place, struct err *e)
{
    const struct options *o = &c->v->opt;
    const struct xapi_clean how = {.older_than_s = o->older_than_s,
                                   .dry_run = o->dry_run,
                                   .force = o->force};

    TRY(place_parse(&c->place, place, "place", e));
    if (c->place.kind != PLACE_XAPI || c->place.xapi.kind != XAPI_POOL)
        return err_set(e, ERR_USAGE,
                       "%s: what is cleaned is a pool: xapi://HOST",
                       c->place.name);
    TRY(pool_login(c->v, SIDE_SRC, &c->place, &c->x, e));
    TRY(xapi_clean(c->x, &how, &c->own_clock, tell, c, e));
    if (c->own_clock)
        notice_say(&c->v->notice,
                   "%s: the pool does not tell its time; ages are by the clock "
                   "of this machine",
                   c->place.name);
    if (!c->count[XAPI_NOT_REMOVED])
        return 0;
    return err_set(e, ERR_UNSETTLED,
                   "%s: %u of what killed runs left could not be removed",
                   c->place.name, c->count[XAPI_NOT_REMOVED]);
}

int clean_run(struct vhdstream *v, const char *place, json_t **result,
              struct err *e)
{
    struct cleaning c = {.v = v, .items = json_array()};
    struct err failure = {0};
    int code = clean(&c, place, &failure);

    /* What was done is told also where the rest failed. */
    if (c.x)
        (void)report_clean(&c.place, &v->opt, c.items, c.count, c.own_clock,
                           result, e);
    if (code < 0)
        *e = failure;
    xapi_close(c.x);
    json_decref(c.items);
    place_cleanup(&c.place);
    return code < 0 ? code : *result ? 0 : e->code;
}
