/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/links/links.h"

#include "base/mem.h"
#include "image/format.h"
#include "io/source.h"

#include <stdlib.h>
#include <string.h>

static bool is_vhd_file(const struct place *p)
{
    return p->kind == PLACE_FILE && p->suffix && p->suffix->pack == PACK_NONE;
}

static int open_archive(struct links **out, struct vhdstream *v,
                        const struct place *p, struct err *e)
{
    struct source *archive = NULL;

    TRY(links_open_archive(v, p, false, &archive, e));
    return links_of_archive(out, v, p, archive, e);
}

int links_open(struct links **out, struct vhdstream *v, const struct place *p,
               struct err *e)
{
    if (is_vhd_file(p))
        return links_of_files(out, v, p, e);
    if (v->opt.nparents)
        return err_set(e, ERR_USAGE,
                       "--parent: %s is no VHD file, and has its links by "
                       "itself",
                       p->name);
    return p->kind == PLACE_XAPI ? links_of_pool(out, v, p, e)
                                 : open_archive(out, v, p, e);
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
