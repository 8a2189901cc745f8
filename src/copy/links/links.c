/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/links/links.h"

#include "base/mem.h"
#include "image/format.h"
#include "io/source.h"

#include <stdlib.h>
#include <string.h>

/* A VHD file, or an image of several. */
static int open_file(struct links **out, struct vhdstream *v,
                     const struct place *p, struct err *e)
{
    struct source *archive = NULL;

    if (p->kind == PLACE_FILE && p->suffix && p->suffix->pack == PACK_NONE)
        return links_of_files(out, v, p, e);
    TRY(links_open_archive(v, p, &archive, e));
    return links_of_archive(out, v, p, archive, e);
}

int links_open(struct links **out, struct vhdstream *v, const struct place *p,
               struct err *e)
{
    if (p->kind == PLACE_XAPI)
        return links_of_pool(out, v, p, e);
    return open_file(out, v, p, e);
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
            return l->known[i].label[0] ? l->known[i].label : NULL;
    return NULL;
}
