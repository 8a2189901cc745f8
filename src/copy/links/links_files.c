/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A VHD file and its parents, which are files, too. */

#include "base/mem.h"
#include "base/utf16.h"
#include "copy/links/links.h"
#include "image/image_open.h"
#include "image/vhd/vhd_chain.h"
#include "image/vhd/vhd_decode.h"
#include "io/source.h"

#include <stdlib.h>
#include <string.h>

struct file_links {
    struct links base;
    char **paths;
    struct err failure; /* of the walk; code 0: none */
};

static int open_image(struct file_links *l, const char *path,
                      struct image **img, struct err *e)
{
    struct vhdstream *v = l->base.v;
    const struct image_open_options opt = {
        .from = v->opt.from,
        .suffix = format_by_suffix(path),
        .size = -1,
        .size_from_chs = v->opt.size_from_chs,
        .threads = v->opt.threads,
        .notice = &v->notice,
        .halt = v->halt,
    };
    CLEANUP(source) struct source *src = NULL;

    TRY(source_open_file(&src, path, &v->wait, e));
    src->meter = &v->progress.read;
    src->rate = v->rate_in;
    TRY(image_open(&src, &opt, img, e));
    if ((*img)->vhd)
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: a link of a chain has to be a VHD, since others tell "
                   "no uuid; %s is none",
                   l->base.place->name, path);
}

static int file_links_open(struct links *base, unsigned which,
                           struct image **img, struct err *e)
{
    struct file_links *l = (struct file_links *)base;

    return open_image(l, l->paths[which], img, e);
}

static void file_links_close(struct links *base)
{
    struct file_links *l = (struct file_links *)base;

    for (unsigned i = 0; l->paths && i < base->count; i++)
        free(l->paths[i]);
    free(l->paths);
    free(l);
}

static const struct links_ops file_links_ops = {
    .open = file_links_open,
    .close = file_links_close,
};

/* Takes one more into the list. */
static int add_file(struct file_links *l, const char *path,
                    const struct image *img, struct err *e)
{
    unsigned i = l->base.count;
    struct link *link = &l->base.known[i];
    const char *slash = strrchr(path, '/');
    size_t len;

    TRY(mem_copy_text(&l->paths[i], path, e));
    l->base.count++;
    if (!img->vhd)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a link of a chain has to be a VHD, since others "
                       "tell no uuid; %s is none",
                       l->base.place->name, path);
    link->uuid = img->vhd->footer.uuid;
    link->size = img->size;
    if (img->has_parent)
        link->parent = img->vhd->header.parent_uuid;
    path = slash ? slash + 1 : path;
    len = format_stem_len(path);
    link->has_label = len < sizeof(link->label) && utf8_is_sound(path, len);
    if (link->has_label)
        memcpy(link->label, path, len);
    return 0;
}

static void on_parent(void *ctx, const char *path, const struct image *parent)
{
    struct file_links *l = ctx;

    if (!l->failure.code)
        (void)add_file(l, path, parent, &l->failure);
}

static int find_files(struct file_links *l, struct err *e)
{
    CLEANUP(image) struct image *img = NULL;
    struct vhdstream *v = l->base.v;
    const struct vhd_chain_options opt = {
        .path = l->base.place->path,
        .parents = (const char *const *)v->opt.parents,
        .nparents = v->opt.nparents,
        .notice = &v->notice,
        .wait = &v->wait,
        .tell = on_parent,
        .ctx = l,
    };

    TRY(mem_alloc_array(&l->paths, CHAIN_DISKS_MAX, sizeof(char *), "a chain",
                        e));
    TRY(mem_alloc_array(&l->base.known, CHAIN_DISKS_MAX, sizeof(struct link),
                        "a chain", e));
    TRY(open_image(l, l->base.place->path, &img, e));
    TRY(add_file(l, l->base.place->path, img, e));
    TRY(vhd_chain_open(&img, &opt, e));
    if (l->failure.code && e)
        *e = l->failure;
    return l->failure.code;
}

int links_of_files(struct links **out, struct vhdstream *v,
                   const struct place *p, struct err *e)
{
    CLEANUP(links) struct links *kept = NULL;
    struct file_links *l = NULL;

    TRY(mem_alloc(&l, sizeof(*l), "a chain", e));
    l->base = (struct links){.ops = &file_links_ops, .v = v, .place = p};
    kept = &l->base;
    TRY(find_files(l, e));
    *out = kept;
    kept = NULL;
    return 0;
}
