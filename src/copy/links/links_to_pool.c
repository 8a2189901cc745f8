/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/mem.h"
#include "copy/links/link_send.h"
#include "copy/links/links_copy.h"
#include "copy/pool/pool_login.h"
#include "image/vhd/vhd_chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A chain that is being rebuilt. */
struct rebuild {
    struct vhdstream *v;
    struct links *links;
    const char *label;
    struct xapi *x;
    struct xapi_sr sr;
    struct xapi_disk *disk;    /* NULL: no link has come */
    struct uuid last;          /* of the link that is in it */
    struct xapi_disk **frozen; /* snapshots, in the order of their making */
    struct uuid *uuids;        /* of the links in them */
    unsigned count;
    uint64_t size;
    uint64_t known;        /* bytes of the disk whose content is ours */
    uint64_t data;         /* bytes of the links that were not left out */
    bool told;             /* that the SR has no snapshots */
    struct link_send send; /* the link under way */
    bool is_frozen;        /* what the disk had before it has its snapshot */
    bool is_placed;        /* ... and the disk is ready for it */
};

/* --- one link --------------------------------------------------------------*/

static uint64_t asked_size(const struct rebuild *r)
{
    return r->v->opt.size > 0 ? (uint64_t)r->v->opt.size : 0;
}

static int create(struct rebuild *r, const struct image *img, struct err *e)
{
    const struct options *opt = &r->v->opt;
    const struct xapi_new how = {
        .sr = &r->sr,
        .size = max_u64(img->size, asked_size(r)),
        .label = r->label,
        .description = opt->description,
        .other_config = opt->other_config,
    };

    return xapi_disk_create(&r->disk, r->x, &how, e);
}

static int freeze(struct rebuild *r, struct err *e)
{
    const struct xapi_sr *sr = &r->sr;
    bool whole;

    TRY(xapi_disk_freeze(&r->frozen[r->count], r->disk, &whole, e));
    r->uuids[r->count++] = r->last;
    r->is_frozen = true;
    if (whole && !r->told)
        notice_say(&r->v->notice,
                   "%s: the SR \"%s\" (%s) has no snapshots, so each point in "
                   "time becomes a whole disk of its own, of %" PRIu64
                   " bytes or more",
                   xapi_name(r->x), sr->label, sr->type, r->disk->vdi.size);
    r->told |= whole;
    return 0;
}

/* Past its end there are zeros, whatever lies below; a VDI cannot have that. */
static int refuse_shrinking(const char *name, uint64_t size, uint64_t below,
                            struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: has %" PRIu64 " bytes, and the link below it %" PRIu64
                   ": a chain that shrinks is not rebuilt; merge makes one "
                   "disk of it",
                   name, size, below);
}

/* Before anything is made, as far as the sizes are known. */
static int check_sizes(const struct links *l, struct err *e)
{
    for (unsigned i = 0; i + 1 < l->count; i++)
        if (l->known[i].size && l->known[i].size < l->known[i + 1].size)
            return refuse_shrinking(l->place->name, l->known[i].size,
                                    l->known[i + 1].size, e);
    return 0;
}

static int grow(struct rebuild *r, const struct image *img, struct err *e)
{
    if (xapi_disk_grow(r->disk, img->size, e) < 0)
        return e->code == ERR_UNSUPPORTED
                   ? err_append(e, "; --size makes the disk large enough from "
                                   "the beginning")
                   : e->code;
    return 0;
}

/* What is in the disk becomes a snapshot, and the link goes on top of it. */
static int place_link(struct rebuild *r, const struct image *img,
                      const struct uuid *uuid, struct err *e)
{
    if (img->size < r->size)
        return refuse_shrinking(img->name, img->size, r->size, e);
    if (!r->disk)
        TRY(create(r, img, e));
    else if (r->known && !r->is_frozen)
        TRY(freeze(r, e));
    TRY(grow(r, img, e));
    r->last = *uuid;
    r->size = img->size;
    r->send = (struct link_send){
        .v = r->v,
        .links = r->links,
        .disk = r->disk,
        .data = &r->data,
        .base = r->count ? &r->frozen[r->count - 1]->vdi : NULL,
        .known = r->known,
    };
    r->is_placed = true;
    return 0;
}

static int add_link(struct rebuild *r, struct image **img,
                    const struct uuid *uuid, struct err *e)
{
    if (!r->is_placed)
        TRY(place_link(r, *img, uuid, e));
    return link_send(&r->send, img, e);
}

static void end_link(struct rebuild *r)
{
    link_send_close(&r->send, NULL);
    r->known = r->disk->vdi.size;
    r->is_frozen = r->is_placed = false;
}

static int try_known(struct rebuild *r, unsigned i, struct err *e)
{
    CLEANUP(image) struct image *img = NULL;

    TRY(r->links->ops->open(r->links, i, &img, e));
    return add_link(r, &img, &r->links->known[i].uuid, e);
}

static int add_known(struct rebuild *r, unsigned i, struct err *e)
{
    while (try_known(r, i, e) < 0)
        TRY(link_send_again(&r->send, e));
    end_link(r);
    return 0;
}

static int add_next(struct rebuild *r, struct err *e)
{
    CLEANUP(image) struct image *img = NULL;
    struct link link;
    int more = r->links->ops->next(r->links, &img, &link, e);

    if (more <= 0)
        return more;
    if (add_link(r, &img, &link.uuid, e) >= 0) {
        end_link(r);
        return more;
    }
    if (e->code != ERR_TEMPORARY || !r->v->retry.max)
        return e->code;
    return err_append(e,
                      "; not tried again, since a pipe cannot be read twice");
}

static int add_all(struct rebuild *r, struct err *e)
{
    int more = 1;

    if (!r->links->ops->next) {
        for (unsigned i = r->links->count; i-- > 0;)
            TRY(add_known(r, i, e));
        return 0;
    }
    while (more > 0)
        more = add_next(r, e);
    return more;
}

/* --- names and notes -------------------------------------------------------*/

static int note_link(struct rebuild *r, const struct xapi_disk *d,
                     const struct uuid *uuid, struct err *e)
{
    char value[2 * UUID_TEXT_SIZE];

    uuid_format(uuid, value);
    value[UUID_TEXT_SIZE - 1] = '/';
    (void)snprintf(value + UUID_TEXT_SIZE, UUID_TEXT_SIZE, "%s", d->vdi.uuid);
    return xapi_vdi_note(r->x, d->vdi.ref, XAPI_NOTE_IMAGE, value, e);
}

/* The user's name is that of the disk; snapshots keep their own. */
static int finish_link(struct rebuild *r, struct xapi_disk *d,
                       const struct uuid *uuid, struct err *e)
{
    const char *label = links_label(r->links, uuid);

    if (d == r->disk && r->v->opt.name_label)
        label = r->v->opt.name_label;
    if (label)
        TRY(xapi_vdi_set_label(r->x, d->vdi.ref, label, e));
    return note_link(r, d, uuid, e);
}

static int finish_links(struct rebuild *r, struct err *e)
{
    for (unsigned i = 0; i < r->count; i++)
        TRY(finish_link(r, r->frozen[i], &r->uuids[i], e));
    return finish_link(r, r->disk, &r->last, e);
}

static int finish(struct rebuild *r, struct err *e)
{
    while (finish_links(r, e) < 0)
        TRY(retry_pause(&r->v->retry, e));
    for (unsigned i = 0; i < r->count; i++)
        TRY(xapi_disk_complete(r->frozen[i], e));
    return xapi_disk_complete(r->disk, e);
}

static int tell_made(const struct rebuild *r, struct links_made *made,
                     struct err *e)
{
    TRY(mem_alloc_array(&made->uuids, r->count + 1, UUID_TEXT_SIZE, "a chain",
                        e));
    made->count = r->count + 1;
    made->size = max_u64(r->size, asked_size(r));
    made->data = r->data;
    (void)snprintf(made->uuids[0], UUID_TEXT_SIZE, "%s", r->disk->vdi.uuid);
    for (unsigned i = 0; i < r->count; i++)
        (void)snprintf(made->uuids[i + 1], UUID_TEXT_SIZE, "%s",
                       r->frozen[r->count - 1 - i]->vdi.uuid);
    return 0;
}

/* --- all of it -------------------------------------------------------------*/

static int open_pool(struct rebuild *r, const struct place *dst, struct err *e)
{
    if (dst->xapi.kind != XAPI_SR)
        return err_set(e, ERR_USAGE,
                       "%s: a chain is rebuilt as a new disk; name the SR: "
                       "xapi://HOST/sr/NAME",
                       dst->name);
    TRY(mem_alloc_array(&r->frozen, CHAIN_DISKS_MAX, sizeof(*r->frozen),
                        "a chain", e));
    TRY(mem_alloc_array(&r->uuids, CHAIN_DISKS_MAX, sizeof(*r->uuids),
                        "a chain", e));
    TRY(pool_login(r->v, SIDE_DST, dst, &r->x, e));
    return xapi_sr_find(r->x, dst->xapi.ref, &r->sr, e);
}

static void close_rebuild(struct rebuild *r, int code, struct err *e)
{
    struct err *why = code < 0 ? e : NULL;

    if (code < 0)
        cancel_request(r->v->halt);
    link_send_close(&r->send, why);
    xapi_disk_close(r->disk, why);
    while (r->count)
        xapi_disk_close(r->frozen[--r->count], why);
    free(r->frozen);
    free(r->uuids);
    xapi_close(r->x);
}

int links_to_pool(struct vhdstream *v, struct links *l, const struct place *dst,
                  const char *label, struct links_made *made, struct err *e)
{
    struct rebuild r = {
        .v = v,
        .links = l,
        .label = v->opt.name_label ? v->opt.name_label : label,
        .send = {.v = v, .links = l},
    };
    int code = check_sizes(l, e);

    v->progress.whole = links_size(l) * (v->opt.verify ? 2 : 1);
    if (code >= 0)
        code = open_pool(&r, dst, e);
    if (code >= 0)
        code = add_all(&r, e);
    if (code >= 0)
        code = tell_made(&r, made, e);
    if (code >= 0)
        code = finish(&r, e);
    close_rebuild(&r, code, e);
    return code < 0 ? e->code : 0;
}
