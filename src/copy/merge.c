/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A merge is a copy of the last delta, laid over all before it. */

#include "base/mem.h"
#include "copy/operation.h"
#include "copy/place.h"
#include "image/vhd/vhd_chain.h"

#include <stdlib.h>

/* Those under the last delta, which goes through as a copy's source does. */
static int name_layer(const char *text, char **path, struct err *e)
{
    CLEANUP(place) struct place p = {0};

    TRY(place_parse(&p, text, "source", e));
    if (p.kind != PLACE_FILE)
        return err_set(e, ERR_USAGE,
                       "%s: what is under the last delta of a merge is read in "
                       "any order; copy it to a file first",
                       p.name);
    *path = p.path;
    p.path = NULL;
    return 0;
}

static int name_layers(const char *const *places, unsigned count, char **stack,
                       struct err *e)
{
    for (unsigned i = 0; i < count; i++)
        TRY(name_layer(places[count - 1 - i], &stack[i], e));
    return 0;
}

static int check_merge(const struct options *o, unsigned count, struct err *e)
{
    if (count < 3 || count > CHAIN_DISKS_MAX + 1)
        return err_set(e, ERR_USAGE,
                       "a merge needs a base, a delta or more, and a "
                       "destination; at most %d disks",
                       CHAIN_DISKS_MAX);
    if (o->base || o->nparents || o->keep_parent)
        return err_set(e, ERR_USAGE,
                       "what is merged is named in its order, not by --base, "
                       "--parent or --keep-parent");
    return 0;
}

int merge_run(struct vhdstream *v, const char *const *places, unsigned count,
              json_t **result, struct err *e)
{
    FREE char **stack = NULL;
    unsigned n = count - 2;
    int code;

    TRY(check_merge(&v->opt, count, e));
    TRY(mem_alloc_array(&stack, n, sizeof(*stack), "a chain", e));
    code = name_layers(places, n, stack, e);
    if (code >= 0)
        code = copy_over_run(v, (const char *const *)stack, n, places[n],
                             places[n + 1], result, e);
    for (unsigned i = 0; i < n; i++)
        free(stack[i]);
    return code;
}
