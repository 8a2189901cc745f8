/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/links/links.h"

#include "base/mem.h"
#include "image/format.h"
#include "io/source.h"

#include <stdlib.h>
#include <string.h>

static int refuse_parents(const struct place *p, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "--parent: %s is no VHD file, and has its links by itself",
                   p->name);
}

/* A VHD file, or an image of several. */
static int open_file(struct links **out, struct vhdstream *v,
                     const struct place *p, struct err *e)
{
    struct source *archive = NULL;

    if (p->kind == PLACE_FILE && p->suffix && p->suffix->pack == PACK_NONE)
        return links_of_files(out, v, p, e);
    if (v->opt.nparents)
        return refuse_parents(p, e);
    TRY(links_open_archive(v, p, false, &archive, e));
    return links_of_archive(out, v, p, archive, e);
}

int links_open(struct links **out, struct vhdstream *v, const struct place *p,
               struct err *e)
{
    if (p->kind == PLACE_XAPI && v->opt.nparents)
        return refuse_parents(p, e);
    if (p->kind == PLACE_XAPI)
        return links_of_pool(out, v, p, e);
    return open_file(out, v, p, e);
}

void links_rewind(struct links *l)
{
    if (l->ops->rewind)
        l->ops->rewind(l);
}

uint64_t links_size(const struct links *l)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < l->count; i++) {
        if (!l->known[i].size)
            return 0;
        sum += l->known[i].size;
    }
    return sum;
}

void links_close(struct links *l)
{
    if (!l)
        return;
    free(l->known);
    l->ops->close(l);
}

void links_cleanup(struct links **l)
{
    links_close(*l);
    *l = NULL;
}

const char *links_label(const struct links *l, const struct uuid *uuid)
{
    for (unsigned i = 0; i < l->count; i++)
        if (uuid_equal(&l->known[i].uuid, uuid))
            return l->known[i].has_label ? l->known[i].label : NULL;
    return NULL;
}
