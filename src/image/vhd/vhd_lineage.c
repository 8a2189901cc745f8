/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_lineage.h"

#include "base/mem.h"
#include "image/vhd/vhd_chain.h"
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
    struct vhd_judge *j;
    const struct vhd_lineage_options *opt;
    struct image *disk; /* whose parent comes next */
    char *path;         /* of its file, or NULL */
    uint64_t at;        /* byte of the first disk that names its parent */
    uint64_t size;      /* of the first disk */
    unsigned count;     /* disks passed */
    struct file_id *passed;
};

static bool has_null_parent(const struct image *img)
{
    return uuid_is_null(&img->vhd->header.parent_uuid);
}

static enum vhd_finding_id finding_of(enum vhd_search_end end)
{
    switch (end) {
    case SEARCH_NOTHING:
        return FOUND_PARENT_NOT_AT_HAND;
    case SEARCH_FOREIGN:
        return FOUND_PARENT_FOREIGN;
    case SEARCH_AMBIGUOUS:
        return FOUND_PARENT_AMBIGUOUS;
    case SEARCH_BROKEN:
        return FOUND_PARENT_BROKEN;
    default:
        return FOUND_PARENT_NOT_A_DISK;
    }
}

static int judge_absence(struct walk *w, struct err *e)
{
    const struct vhd_head *h = w->disk->vhd;
    char uuid[UUID_TEXT_SIZE];

    uuid_format(&h->header.parent_uuid, uuid);
    return vhd_find(w->j, FOUND_PARENT_NOT_AT_HAND, w->at, e,
                    "the parent of %.200s, uuid %s, is not at hand",
                    w->disk->name, uuid);
}

/* The search came to nothing: a finding, unless the search itself failed. */
static int judge_failure(struct walk *w, const struct vhd_search *s,
                         const struct err *why, struct err *e)
{
    if (why->code != ERR_CORRUPT && why->code != ERR_UNSUPPORTED &&
        why->code != ERR_NOT_FOUND) {
        if (e)
            *e = *why;
        return why->code;
    }
    if (s->end == SEARCH_NOTHING && !s->named)
        return judge_absence(w, e);
    return vhd_find(w->j, finding_of(s->end), w->at, e, "%s", why->text);
}

static int judge_size(struct walk *w, const struct image *parent, struct err *e)
{
    /* A raw disk's last, partial sector counts for no disk above it. */
    if (w->count > 1 || parent->size == w->size)
        return 0;
    return vhd_find(w->j, FOUND_PARENT_SIZE, w->at, e,
                    "the disk has %" PRIu64 " bytes, its parent %" PRIu64,
                    w->size, parent->size);
}

/* 1: this file was not passed before. */
static int pass(struct walk *w, dev_t dev, ino_t ino, struct err *e)
{
    for (unsigned i = 0; i < w->count; i++)
        if (w->passed[i].dev == dev && w->passed[i].ino == ino)
            return vhd_find(w->j, FOUND_PARENT_LOOP, w->at, e,
                            "the chain of parents comes back to a disk that it "
                            "has passed, after %u",
                            w->count);
    return 1;
}

/* Goes on from the parent that was found: 1, or 0 where the chain ends. */
static int descend(struct walk *w, struct vhd_search *s, struct err *e)
{
    int fresh = pass(w, s->dev, s->ino, e);

    if (fresh <= 0)
        return fresh;
    TRY(judge_size(w, s->parent, e));
    w->passed[w->count++] = (struct file_id){s->dev, s->ino};
    image_close(w->disk);
    w->disk = s->parent;
    s->parent = NULL;
    free(w->path);
    w->path = s->found;
    s->found = NULL;
    return w->disk->has_parent;
}

/* One disk down. */
static int step(struct walk *w, struct err *e)
{
    struct vhd_search s = {
        .child = w->disk,
        .path = w->path,
        .named = w->count <= w->opt->nparents && w->count
                     ? w->opt->parents[w->count - 1]
                     : NULL,
        .wait = w->opt->wait,
    };
    struct err why = {0};
    int result;

    TRY(wait_check(w->opt->wait, e));
    result = vhd_search_run(&s, &why);
    result = result < 0 ? judge_failure(w, &s, &why, e) : descend(w, &s, e);
    vhd_search_free(&s);
    return result;
}

/* The base was reached, and the user has named more. */
static int check_named(const struct walk *w, struct err *e)
{
    const struct vhd_lineage_options *opt = w->opt;

    if (w->disk->has_parent || w->count > opt->nparents)
        return 0;
    return err_set(e, ERR_USAGE,
                   "--parent %s: %s has no parent, since it is no differencing "
                   "disk",
                   opt->parents[w->count - 1], w->disk->name);
}

static int walk_down(struct walk *w, struct err *e)
{
    int more = 1;

    while (more > 0) {
        if (w->count >= CHAIN_DISKS_MAX)
            return vhd_find(w->j, FOUND_CHAIN_TOO_DEEP, w->at, e,
                            "more than %d disks in the chain of parents",
                            CHAIN_DISKS_MAX);
        more = step(w, e);
    }
    TRY(more);
    return check_named(w, e);
}

static int start(struct walk *w, struct err *e)
{
    struct stat info = {0};

    TRY(mem_alloc_array(&w->passed, CHAIN_DISKS_MAX + 1, sizeof(*w->passed),
                        "a chain", e));
    if (w->opt->path) {
        TRY(mem_copy_text(&w->path, w->opt->path, e));
        (void)stat(w->path, &info);
    }
    w->passed[w->count++] = (struct file_id){info.st_dev, info.st_ino};
    if (has_null_parent(w->disk))
        TRY(vhd_find(w->j, FOUND_RAW_PARENT, w->at, e,
                     "the parent's uuid is null: the parent is a raw disk"));
    return walk_down(w, e);
}

int vhd_lineage_judge(struct image **img, struct vhd_judge *j,
                      const struct vhd_lineage_options *opt, struct err *e)
{
    struct walk w = {
        .j = j,
        .opt = opt,
        .disk = *img,
        .at = (*img)->vhd->footer.data_offset + 40,
        .size = (*img)->size,
    };
    int result;

    *img = NULL;
    result = start(&w, e);
    image_close(w.disk);
    free(w.path);
    free(w.passed);
    return result;
}
