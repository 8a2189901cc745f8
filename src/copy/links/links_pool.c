/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A disk in a pool and the snapshots before it: each is what differs from the
 * one before, as the pool tells, or as is found by reading both. */

#include "base/mem.h"
#include "copy/delta/found_image.h"
#include "copy/links/links.h"
#include "copy/pool/pool_base.h"
#include "copy/pool/pool_export.h"
#include "copy/pool/pool_login.h"
#include "image/image_retry.h"
#include "xapi/xapi_lineage.h"

#include <stdio.h>
#include <stdlib.h>

struct pool_links {
    struct links base;
    struct xapi *x;
    struct xapi_vdi *vdis;
    unsigned at;   /* the one that is open */
    bool compared; /* the pool cannot tell what differs */
};

static const struct xapi_vdi *base_of(const struct pool_links *l, unsigned i)
{
    return i + 1 < l->base.count ? &l->vdis[i + 1] : NULL;
}

static int reopen_link(void *ctx, struct image **img, struct err *e)
{
    struct pool_links *l = ctx;

    return pool_export_open(l->base.v, l->x, &l->vdis[l->at], base_of(l, l->at),
                            &l->base.v->progress.read, img, e);
}

static int export_whole(const struct pool_links *l, unsigned which,
                        struct image **img, struct err *e)
{
    return pool_export_open(l->base.v, l->x, &l->vdis[which], NULL,
                            &l->base.v->progress.read, img, e);
}

static int reopen_whole(void *ctx, struct image **img, struct err *e)
{
    const struct pool_links *l = ctx;

    return export_whole(l, l->at, img, e);
}

static int reopen_base(void *ctx, struct image **img, struct err *e)
{
    const struct pool_links *l = ctx;

    return export_whole(l, l->at + 1, img, e);
}

static int pool_links_open(struct links *base, unsigned which,
                           struct image **img, struct err *e)
{
    struct pool_links *l = (struct pool_links *)base;

    l->at = which;
    if (l->compared && base_of(l, which))
        return found_image(img, base->v, reopen_base, reopen_whole, l, e);
    TRY(reopen_link(l, img, e));
    return image_retry(img, reopen_link, l, &base->v->retry, e);
}

static void pool_links_close(struct links *base)
{
    struct pool_links *l = (struct pool_links *)base;

    xapi_close(l->x);
    free(l->vdis);
    free(l);
}

static const struct links_ops pool_links_ops = {
    .open = pool_links_open,
    .close = pool_links_close,
};

/* One link that the pool cannot tell, and all of them are looked for. */
static int check_base(struct pool_links *l, const struct xapi_vdi *base,
                      const struct xapi_vdi *vdi, struct err *e)
{
    struct vhdstream *v = l->base.v;
    struct err why;

    TRY(pool_base_check(v, l->x, base, vdi, e));
    if (l->compared || pool_base_can_tell(l->x, base, vdi, &why))
        return 0;
    l->compared = true;
    notice_say(&v->notice,
               "%s; each disk of the chain is read and compared with the one "
               "before it",
               why.text);
    return 0;
}

static int describe_link(struct pool_links *l, unsigned i, struct err *e)
{
    const struct xapi_vdi *vdi = &l->vdis[i];
    struct link *link = &l->base.known[i];

    if (vdi->unfinished)
        return err_set(e, ERR_FAILED,
                       "%s: VDI %s cannot be a link: a transfer into it has "
                       "not ended, or was killed (vhdstream clean)",
                       xapi_name(l->x), vdi->uuid);
    (void)uuid_parse(vdi->uuid, &link->uuid);
    (void)snprintf(link->label, sizeof(link->label), "%s", vdi->label);
    link->has_label = true;
    link->size = vdi->size;
    if (!base_of(l, i))
        return 0;
    (void)uuid_parse(base_of(l, i)->uuid, &link->parent);
    return check_base(l, base_of(l, i), vdi, e);
}

static int find_links(struct pool_links *l, struct err *e)
{
    struct vhdstream *v = l->base.v;
    const struct place *p = l->base.place;

    if (p->xapi.kind != XAPI_VDI)
        return err_set(e, ERR_USAGE,
                       "%s: as a source it has to name a disk: "
                       "xapi://HOST/vdi/UUID",
                       p->name);
    TRY(pool_login(v, SIDE_SRC, p, &l->x, e));
    TRY(xapi_lineage_read(l->x, p->xapi.ref, &l->vdis, &l->base.count, e));
    TRY(mem_alloc_array(&l->base.known, l->base.count, sizeof(struct link),
                        "a chain", e));
    for (unsigned i = 0; i < l->base.count; i++)
        TRY(describe_link(l, i, e));
    return 0;
}

int links_of_pool(struct links **out, struct vhdstream *v,
                  const struct place *p, struct err *e)
{
    CLEANUP(links) struct links *kept = NULL;
    struct pool_links *l = NULL;

    TRY(mem_alloc(&l, sizeof(*l), "a chain", e));
    l->base = (struct links){.ops = &pool_links_ops, .v = v, .place = p};
    kept = &l->base;
    TRY(find_links(l, e));
    *out = kept;
    kept = NULL;
    return 0;
}
