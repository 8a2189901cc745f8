/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_chain.h"

#include "base/bits.h"
#include "base/mem.h"
#include "image/vhd/vhd_head.h"
#include "image/vhd/vhd_search.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

struct file_id {
    dev_t dev;
    ino_t ino;
};

struct walk {
    const struct vhd_chain_options *opt;
    struct image *top;
    struct image **layers; /* the parents found so far */
    unsigned count;
    struct file_id *passed; /* the files of the chain, the disk's own first */
    unsigned npassed;
    uint64_t memory; /* of the tables of all */
};

/* About what an open disk takes. */
static uint64_t memory_of(const struct image *img)
{
    uint64_t bitmap = img->vhd ? img->vhd->bitmap_size : 0;

    return sizeof(struct image) + sizeof(struct vhd_head) +
           bits_size(img->nblocks) + 8 * (uint64_t)img->nmapped + 2 * bitmap;
}

/* Where the search stands: the disk whose parent comes next. */
static struct image *last_disk(const struct walk *w)
{
    return w->count ? w->layers[w->count - 1] : w->top;
}

static int pass(struct walk *w, dev_t dev, ino_t ino, struct err *e)
{
    for (unsigned i = 0; i < w->npassed; i++)
        if (w->passed[i].dev == dev && w->passed[i].ino == ino)
            return err_set(e, ERR_CORRUPT,
                           "%s: its chain of parents is a loop: %s comes back "
                           "to a disk of the chain",
                           w->top->name, last_disk(w)->name);
    w->passed[w->npassed].dev = dev;
    w->passed[w->npassed++].ino = ino;
    return 0;
}

static int check_limits(const struct walk *w, struct err *e)
{
    if (w->count + 1 >= CHAIN_DISKS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: more than %d disks in its chain of parents; merge "
                       "some first",
                       w->top->name, CHAIN_DISKS_MAX);
    if (w->memory > CHAIN_MEMORY_MAX)
        return err_set(e, ERR_NO_SPACE,
                       "%s: the block tables of the %u disks of its chain need "
                       "more than %d MiB of memory; merge some first",
                       w->top->name, w->count + 1,
                       CHAIN_MEMORY_MAX / (1024 * 1024));
    return 0;
}

/* Takes what a search found. */
static int add_layer(struct walk *w, struct vhd_search *s, struct err *e)
{
    TRY(pass(w, s->dev, s->ino, e));
    if (w->opt->tell)
        w->opt->tell(w->opt->ctx, s->found, s->parent);
    w->layers[w->count++] = s->parent;
    w->memory += memory_of(s->parent);
    s->parent = NULL;
    return 0;
}

static int find_one(struct walk *w, char **path, struct err *e)
{
    const struct vhd_chain_options *opt = w->opt;
    struct vhd_search s = {
        .child = last_disk(w),
        .path = *path,
        .named = w->count < opt->nparents ? opt->parents[w->count] : NULL,
        .forced = opt->forced,
        .notice = opt->notice,
        .wait = opt->wait,
        .meter = opt->meter,
        .rate = opt->rate,
        .stage = opt->stage,
    };
    int result;

    TRY(check_limits(w, e));
    result = vhd_search_run(&s, e);
    if (!result)
        result = add_layer(w, &s, e);
    if (!result) {
        free(*path);
        *path = s.found;
        s.found = NULL;
    }
    vhd_search_free(&s);
    return result;
}

static int too_many_named(const struct walk *w, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "--parent %s: %s has no parent, since it is no differencing "
                   "disk",
                   w->opt->parents[w->count], last_disk(w)->name);
}

static int find_all(struct walk *w, struct err *e)
{
    FREE char *path = NULL;
    struct stat info;

    if (w->opt->path) {
        TRY(mem_copy_text(&path, w->opt->path, e));
        if (stat(path, &info) == 0)
            TRY(pass(w, info.st_dev, info.st_ino, e));
    }
    while (last_disk(w)->has_parent) {
        TRY(wait_check(w->opt->wait, e));
        TRY(find_one(w, &path, e));
    }
    return w->count < w->opt->nparents ? too_many_named(w, e) : 0;
}

static int walk(struct walk *w, struct image **img, struct err *e)
{
    TRY(mem_alloc_array(&w->layers, CHAIN_DISKS_MAX, sizeof(struct image *),
                        "a chain", e));
    TRY(mem_alloc_array(&w->passed, CHAIN_DISKS_MAX, sizeof(*w->passed),
                        "a chain", e));
    TRY(find_all(w, e));
    if (!w->count)
        return 0;
    TRY(image_chain(img, w->layers, w->count, e));
    w->count = 0;
    return 0;
}

int vhd_chain_open(struct image **img, const struct vhd_chain_options *opt,
                   struct err *e)
{
    struct walk w = {.opt = opt, .top = *img, .memory = memory_of(*img)};
    int result = walk(&w, img, e);

    for (unsigned i = 0; i < w.count; i++)
        image_close(w.layers[i]);
    free(w.layers);
    free(w.passed);
    return result;
}
