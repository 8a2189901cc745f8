/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_patch.h"

#include "base/checked.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static uint64_t patch_end(const struct vhd_patch *p)
{
    return p->offset + p->len;
}

static void patch_free(struct vhd_patch *p)
{
    free(p->fresh);
    free(p->old);
    *p = (struct vhd_patch){0};
}

static struct vhd_patch *find(struct vhd_patches *p, uint64_t offset,
                              uint32_t len)
{
    for (int i = 0; i < p->count; i++)
        if (p->list[i].offset == offset && p->list[i].len == len)
            return &p->list[i];
    return NULL;
}

int vhd_patches_put(struct vhd_patches *p, uint64_t offset, const uint8_t *data,
                    uint32_t len, struct err *e)
{
    struct vhd_patch *patch = find(p, offset, len);

    if (!patch) {
        if (p->count == VHD_PATCHES || len > VHD_PATCH_MAX)
            return err_set(e, ERR_FAILED, "too much to mend at once");
        patch = &p->list[p->count];
        TRY(mem_alloc(&patch->fresh, len, "what is to be written", e));
        patch->offset = offset;
        patch->len = len;
        p->count++;
    }
    memcpy(patch->fresh, data, len);
    return 0;
}

void vhd_patches_drop_last(struct vhd_patches *p)
{
    patch_free(&p->list[--p->count]);
}

uint64_t vhd_patches_size(const struct vhd_patches *p)
{
    uint64_t size = p->size;

    for (int i = 0; i < p->count; i++)
        size = max_u64(size, patch_end(&p->list[i]));
    return size;
}

/* --- the file as it would be ----------------------------------------------*/

struct view {
    struct source base;
    struct source *inner;
    const struct vhd_patches *patches;
};

/* Lays the patches from number `first` on over buf, which holds [offset, offset
 * + len). */
static void lay_over(const struct vhd_patches *p, int first, uint8_t *buf,
                     size_t len, uint64_t offset)
{
    for (int i = first; i < p->count; i++) {
        const struct vhd_patch *patch = &p->list[i];
        uint64_t from = max_u64(offset, patch->offset);
        uint64_t to = min_u64(offset + len, patch_end(patch));

        if (from < to)
            memcpy(buf + (from - offset), patch->fresh + (from - patch->offset),
                   (size_t)(to - from));
    }
}

static int64_t view_pread(struct source *s, void *buf, size_t len,
                          uint64_t offset, struct err *e)
{
    struct view *v = (struct view *)s;
    uint64_t inner = (uint64_t)v->inner->size;
    size_t there;

    if (offset >= (uint64_t)s->size)
        return 0;
    len = (size_t)min_u64(len, (uint64_t)s->size - offset);
    there = offset < inner ? (size_t)min_u64(len, inner - offset) : 0;
    memset((uint8_t *)buf + there, 0, len - there);
    if (there)
        TRY(source_pread_full(v->inner, buf, there, offset, "the file", e));
    lay_over(v->patches, 0, buf, len, offset);
    return (int64_t)len;
}

static int64_t view_read(struct source *s, void *buf, size_t len, struct err *e)
{
    return view_pread(s, buf, len, s->pos, e);
}

/* The file's own extents, and each patch. */
static int view_data(struct source *s, uint64_t from, uint64_t *start,
                     uint64_t *end, struct err *e)
{
    struct view *v = (struct view *)s;
    int more = source_data(v->inner, from, start, end, e);

    TRY(more);
    for (int i = 0; i < v->patches->count; i++) {
        const struct vhd_patch *p = &v->patches->list[i];

        if (patch_end(p) <= from || (more && p->offset >= *start))
            continue;
        *start = max_u64(from, p->offset);
        *end = patch_end(p);
        more = 1;
    }
    return more;
}

static void view_close(struct source *s)
{
    free(s);
}

static const struct source_ops view_ops = {
    .read = view_read,
    .pread = view_pread,
    .data = view_data,
    .close = view_close,
};

int vhd_patches_view(struct source **out, struct source *src,
                     const struct vhd_patches *p, struct err *e)
{
    struct view *v = NULL;

    TRY(mem_alloc(&v, sizeof(*v), "a source", e));
    v->inner = src;
    v->patches = p;
    source_init(&v->base, &view_ops, src->name, (int64_t)vhd_patches_size(p));
    *out = &v->base;
    return 0;
}

/* --- before they are written ----------------------------------------------*/

static int settle_one(struct vhd_patches *p, int i, struct source *src,
                      struct err *e)
{
    struct vhd_patch *patch = &p->list[i];

    lay_over(p, i + 1, patch->fresh, patch->len, patch->offset);
    patch->old_len =
        patch->offset < p->size
            ? (uint32_t)min_u64(patch->len, p->size - patch->offset)
            : 0;
    if (!patch->old)
        TRY(mem_alloc(&patch->old, patch->len, "what was there", e));
    return source_pread_full(src, patch->old, patch->old_len, patch->offset,
                             "what is to be overwritten", e);
}

static bool changes_nothing(const struct vhd_patch *p)
{
    return p->old_len == p->len && !memcmp(p->old, p->fresh, p->len);
}

int vhd_patches_settle(struct vhd_patches *p, struct source *src, struct err *e)
{
    int kept = 0;

    for (int i = 0; i < p->count; i++)
        TRY(settle_one(p, i, src, e));
    for (int i = 0; i < p->count; i++) {
        struct vhd_patch patch = p->list[i];

        if (changes_nothing(&patch)) {
            patch_free(&patch);
            continue;
        }
        p->list[kept++] = patch;
    }
    p->count = kept;
    return 0;
}

void vhd_patches_free(struct vhd_patches *p)
{
    for (int i = 0; i < p->count; i++)
        patch_free(&p->list[i]);
    p->count = 0;
}

void vhd_patches_cleanup(struct vhd_patches *p)
{
    vhd_patches_free(p);
}
