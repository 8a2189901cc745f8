/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/*
 * The members of an image. Where it can be read again it is read once to learn
 * what is in it, and once more for its members; and anew from its beginning for
 * each one that is in front of the last. Elsewhere they have to come as they
 * are wanted, the base first.
 */

#include "base/mem.h"
#include "copy/input.h"
#include "copy/links/links.h"
#include "copy/links/links_note.h"
#include "image/image_open.h"
#include "image/vhd/vhd_chain.h"
#include "image/vhd/vhd_head.h"
#include "io/tar_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_NAME = 128 };

struct archive_links {
    struct links base;
    struct source *archive;       /* NULL: to be opened anew */
    bool fresh;                   /* it stands at the beginning of a member */
    char (*members)[MEMBER_NAME]; /* by link */
    struct link last;             /* of a stream: the one that came last */
    struct tar_side note;
};

static struct image_open_options member_options(struct vhdstream *v)
{
    return (struct image_open_options){
        .size = -1,
        .size_from_chs = v->opt.size_from_chs,
        .any_member = v->opt.any_member,
        .threads = v->opt.threads,
        .notice = &v->notice,
        .halt = v->halt,
    };
}

int links_open_archive(struct vhdstream *v, const struct place *p, bool again,
                       struct source **archive, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;
    struct image_open_options opt = member_options(v);
    struct source *untar = NULL;
    enum disk disk;

    if (again)
        opt.notice = NULL;
    opt.from = v->opt.from;
    opt.suffix = p->suffix;
    opt.archive = &untar;
    TRY(input_source(v, SIDE_SRC, p, &src, e));
    TRY(image_unpack(&src, &opt, &disk, e));
    if (!untar)
        return err_set(e, ERR_USAGE,
                       "--chain: %s is no image; a chain is a VDI, an image, "
                       "or a VHD file by its suffix",
                       p->name);
    *archive = src;
    src = NULL;
    return 0;
}

/* --- one member ------------------------------------------------------------*/

static int check_link(const struct image *img, struct link *link, struct err *e)
{
    if (!strcmp(img->format, "vhd-fixed"))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a fixed VHD, whose uuid comes at its end, too late "
                       "for a link in an image; unpack it, and name the leaf's "
                       "file",
                       img->name);
    if (!img->vhd || uuid_is_null(&img->vhd->footer.uuid))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a link of a chain has to be a VHD with a uuid; "
                       "copy the disk without --chain",
                       img->name);
    if (img->has_parent && uuid_is_null(&img->vhd->header.parent_uuid))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: its parent is a raw disk, which an image has no "
                       "room for",
                       img->name);
    *link = (struct link){.uuid = img->vhd->footer.uuid, .size = img->size};
    if (img->has_parent)
        link->parent = img->vhd->header.parent_uuid;
    return 0;
}

/* The member that the archive stands on; it is the image's then. */
static int open_member(struct archive_links *l, struct image **img,
                       struct link *link, struct err *e)
{
    const struct image_open_options opt = member_options(l->base.v);
    struct source *src = l->archive;
    int code = image_open_member(&src, &opt, img, e);

    l->fresh = false;
    if (src)
        source_close(src);
    TRY(code);
    return check_link(*img, link, e);
}

static void begin_archive(struct archive_links *l)
{
    tar_source_apart(l->archive);
    tar_source_keep(l->archive, &l->note);
    l->fresh = true;
}

static void end_archive(struct archive_links *l)
{
    if (l->fresh)
        source_close(l->archive);
    tar_source_end(l->archive);
    l->archive = NULL;
    l->fresh = false;
}

/* On to the next member: 1, or 0 after the last. */
static int step(struct archive_links *l, struct err *e)
{
    int more;

    if (l->fresh)
        source_close(l->archive);
    l->fresh = false;
    more = tar_source_next(l->archive, e);
    TRY(more);
    l->fresh = more;
    return more;
}

/* --- members that are known ------------------------------------------------*/

/* 1: the archive stands on it; 0: it is not in what is left of it. */
static int seek_member(struct archive_links *l, const char *name, struct err *e)
{
    int more = 1;

    if (!l->fresh)
        more = step(l, e);
    while (more > 0 && strcmp(tar_source_member(l->archive), name) != 0)
        more = step(l, e);
    if (!more)
        end_archive(l);
    return more;
}

static int archive_open(struct links *base, unsigned which, struct image **img,
                        struct err *e)
{
    struct archive_links *l = (struct archive_links *)base;
    struct link link;
    int found = 0;

    if (l->archive)
        found = seek_member(l, l->members[which], e);
    TRY(found);
    if (!found) {
        TRY(links_open_archive(base->v, base->place, true, &l->archive, e));
        begin_archive(l);
        found = seek_member(l, l->members[which], e);
        TRY(found);
    }
    if (found) {
        TRY(open_member(l, img, &link, e));
        if (uuid_equal(&link.uuid, &base->known[which].uuid))
            return 0;
    }
    return err_set(e, ERR_FAILED,
                   "%s: member %s is not what it was: the image has changed "
                   "while it was read",
                   base->place->name, l->members[which]);
}

/* --- learning what there is ------------------------------------------------*/

static int check_twins(const struct archive_links *l, unsigned a, unsigned b,
                       struct err *e)
{
    if (uuid_equal(&l->base.known[a].uuid, &l->base.known[b].uuid))
        return err_set(e, ERR_CORRUPT,
                       "%s: members %s and %s are the same disk",
                       l->base.place->name, l->members[a], l->members[b]);
    if (!strcmp(l->members[a], l->members[b]))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: two members are called %s, so neither can be found "
                       "again; unpack it, and name the leaf's file",
                       l->base.place->name, l->members[a]);
    return 0;
}

static int list_member(struct archive_links *l, struct err *e)
{
    CLEANUP(image) struct image *img = NULL;
    unsigned i = l->base.count;
    const char *name = tar_source_member(l->archive);

    if (i == CHAIN_DISKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: more than %d disks in the chain",
                       l->base.place->name, CHAIN_DISKS_MAX);
    if (strlen(name) >= MEMBER_NAME)
        return err_set(e, ERR_UNSUPPORTED, "%s: a member's name is too long",
                       l->base.place->name);
    (void)snprintf(l->members[i], MEMBER_NAME, "%s", name);
    TRY(open_member(l, &img, &l->base.known[i], e));
    for (unsigned k = 0; k < i; k++)
        TRY(check_twins(l, k, i, e));
    l->base.count++;
    return 0;
}

static void swap_links(struct archive_links *l, unsigned a, unsigned b)
{
    struct link link = l->base.known[a];
    char name[MEMBER_NAME];

    l->base.known[a] = l->base.known[b];
    l->base.known[b] = link;
    memcpy(name, l->members[a], sizeof(name));
    memcpy(l->members[a], l->members[b], sizeof(name));
    memcpy(l->members[b], name, sizeof(name));
}

/* The base goes to the end, before it the one that stands on it, and so on. */
static int sort_links(struct archive_links *l, struct err *e)
{
    struct uuid wanted = {0};
    char text[UUID_TEXT_SIZE];

    for (unsigned end = l->base.count; end; end--) {
        unsigned i = 0;

        while (i < end && !uuid_equal(&l->base.known[i].parent, &wanted))
            i++;
        if (i == end) {
            uuid_format(&wanted, text);
            return err_set(e, ERR_CORRUPT,
                           "%s: no chain: %s %s, and %s stands on another disk",
                           l->base.place->name,
                           uuid_is_null(&wanted) ? "there is no base"
                                                 : "nothing stands on",
                           uuid_is_null(&wanted) ? "in it" : text,
                           l->members[0]);
        }
        swap_links(l, i, end - 1);
        wanted = l->base.known[end - 1].uuid;
    }
    return 0;
}

static int learn(struct archive_links *l, struct err *e)
{
    int more = 1;

    TRY(mem_alloc_array(&l->members, CHAIN_DISKS_MAX, MEMBER_NAME, "a chain",
                        e));
    TRY(mem_alloc_array(&l->base.known, CHAIN_DISKS_MAX, sizeof(struct link),
                        "a chain", e));
    while (more > 0) {
        TRY(list_member(l, e));
        more = step(l, e);
    }
    TRY(more);
    end_archive(l);
    TRY(sort_links(l, e));
    return links_note_read(&l->note, l->base.place->name, l->base.known,
                           l->base.count, e);
}

/* --- a stream --------------------------------------------------------------*/

static int check_turn(const struct archive_links *l, const struct link *link,
                      struct err *e)
{
    if (uuid_equal(&link->parent, &l->last.uuid))
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: member %s does not stand on the one before it; in a "
                   "pipe the links of a chain have to come one after the "
                   "other, the base first: save it to a file, or copy the disk "
                   "without --chain",
                   l->base.place->name, tar_source_member(l->archive));
}

/* Known too late to be sorted, but in time to be named. */
static int end_stream(struct archive_links *l, struct err *e)
{
    return links_note_read(&l->note, l->base.place->name, l->base.known,
                           l->base.count, e);
}

static int archive_next(struct links *base, struct image **img,
                        struct link *link, struct err *e)
{
    struct archive_links *l = (struct archive_links *)base;

    if (!l->fresh) {
        int more = step(l, e);

        TRY(more);
        if (!more)
            return end_stream(l, e);
    }
    if (base->count == CHAIN_DISKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: more than %d disks in the chain", base->place->name,
                       CHAIN_DISKS_MAX);
    TRY(open_member(l, img, link, e));
    TRY(check_turn(l, link, e));
    l->last = base->known[base->count++] = *link;
    return 1;
}

/* --- opening ---------------------------------------------------------------*/

static void archive_rewind(struct links *base)
{
    struct archive_links *l = (struct archive_links *)base;

    if (l->archive)
        end_archive(l);
}

static void archive_close(struct links *base)
{
    struct archive_links *l = (struct archive_links *)base;

    archive_rewind(base);
    free(l->members);
    free(l);
}

static const struct links_ops known_ops = {
    .open = archive_open,
    .rewind = archive_rewind,
    .close = archive_close,
};

static const struct links_ops stream_ops = {
    .next = archive_next,
    .close = archive_close,
};

int links_of_archive(struct links **out, struct vhdstream *v,
                     const struct place *p, struct source *src, struct err *e)
{
    bool again = place_is_lasting(p);
    CLEANUP(links) struct links *kept = NULL;
    struct archive_links *l = NULL;
    int code = mem_alloc(&l, sizeof(*l), "a chain", e);

    if (code < 0) {
        source_close(src);
        return code;
    }
    l->base = (struct links){
        .ops = again ? &known_ops : &stream_ops, .v = v, .place = p};
    l->archive = src;
    l->note.name = TAR_CHAIN_NOTE;
    kept = &l->base;
    begin_archive(l);
    if (again)
        TRY(learn(l, e));
    else
        TRY(mem_alloc_array(&l->base.known, CHAIN_DISKS_MAX,
                            sizeof(struct link), "a chain", e));
    *out = kept;
    kept = NULL;
    return 0;
}
