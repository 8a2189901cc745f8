/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_search.h"

#include "base/mem.h"
#include "image/format.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_parent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const struct vhd_header *header_of(const struct vhd_search *s)
{
    return &s->child->vhd->header;
}

/* Byte of the child's file where the parent's uuid stands. */
static uint64_t uuid_field(const struct vhd_search *s)
{
    return s->child->vhd->footer.data_offset + 40;
}

/* --- one file ------------------------------------------------------------- */

static int fail(struct vhd_search *s, enum vhd_search_end end, const char *path,
                const char *why, struct err *e)
{
    s->end = end;
    return err_set(e, ERR_CORRUPT, "%s: its parent (byte %" PRIu64 ") %s %s",
                   s->child->name, uuid_field(s), path, why);
}

static const char *kind_of(mode_t mode, bool any_kind)
{
    if (S_ISDIR(mode))
        return "is a folder";
    if (S_ISFIFO(mode))
        return "is a FIFO";
    if (S_ISSOCK(mode))
        return "is a socket";
    if (any_kind)
        return "is a character device; a parent is a file or a block device";
    return "is a device, which is opened only when --parent names it";
}

static bool is_named_raw(const char *path)
{
    static const char *const suffixes[] = {".raw", ".img", ".iso", ".bin"};
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
        if (len > 4 && !strcasecmp(path + len - 4, suffixes[i]))
            return true;
    return false;
}

static int open_raw(struct vhd_search *s, struct source **src, const char *path,
                    struct err *e)
{
    uint8_t head[CONTENT_HEAD];
    const char *name;
    size_t len;

    TRY(source_head(src, head, sizeof(head), &len, e));
    if (content_of(head, len, &name) == CONTENT_VHD && !is_named_raw(path))
        return fail(s, SEARCH_AMBIGUOUS, path,
                    "begins as a VHD, but its uuid is null, which means a raw "
                    "disk; a raw one has the suffix .raw or .img",
                    e);
    return raw_decode(src, -1, &s->parent, e);
}

/* The user insists on a disk that is not the one that the child names. */
static int accept_forced(struct vhd_search *s, const char *path,
                         const char *why)
{
    notice_say(s->notice,
               "%s: NOT the parent it was made against: %s %s; taken all the "
               "same by --force-base, and the content is most likely wrong "
               "wherever the two differ",
               s->child->name, path, why);
    return 0;
}

static int open_vhd(struct vhd_search *s, struct source **src, const char *path,
                    struct err *e)
{
    const struct vhd_origin origin = {.notice = s->notice};
    char has[UUID_TEXT_SIZE], wants[UUID_TEXT_SIZE], why[160];
    int result = vhd_decode(src, &origin, &s->parent, e);

    if (result < 0) {
        err_append(e, "; it is the parent that %s names", s->child->name);
        return result;
    }
    if (uuid_equal(&s->parent->vhd->footer.uuid, &header_of(s)->parent_uuid))
        return 0;
    uuid_format(&s->parent->vhd->footer.uuid, has);
    uuid_format(&header_of(s)->parent_uuid, wants);
    (void)snprintf(why, sizeof(why), "has the uuid %s, expected %s", has,
                   wants);
    if (s->forced && s->named)
        return accept_forced(s, path, why);
    return fail(s, SEARCH_FOREIGN, path, why, e);
}

static bool begins_as_vhd(struct source **src)
{
    uint8_t head[CONTENT_HEAD] = {0};
    const char *name;
    size_t len;

    return source_head(src, head, sizeof(head), &len, NULL) == 0 &&
           (content_of(head, len, &name) == CONTENT_VHD ||
            !memcmp(head, "v_poison", 8));
}

/* The disk in a file that may be opened. */
static int open_disk(struct vhd_search *s, const char *path, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;
    int result;

    TRY(source_open_file(&src, path, s->wait, e));
    if (!source_is_seekable(src))
        return fail(s, SEARCH_NO_DISK, path,
                    "is neither a file nor a block device", e);
    src->meter = s->meter;
    src->rate = s->rate;
    src->stage = s->stage;
    if (uuid_is_null(&header_of(s)->parent_uuid))
        return open_raw(s, &src, path, e);
    s->end = begins_as_vhd(&src) ? SEARCH_BROKEN : SEARCH_NO_DISK;
    if (s->end == SEARCH_NO_DISK && s->forced && s->named) {
        TRY(accept_forced(s, path, "is a raw disk, which has no uuid"));
        return raw_decode(&src, -1, &s->parent, e);
    }
    result = open_vhd(s, &src, path, e);
    if (result < 0) {
        image_close(s->parent);
        s->parent = NULL;
    }
    return result;
}

/* 1: this is it; 0: nothing there; else what is wrong with it. */
static int try_path(struct vhd_search *s, const char *path, bool any_kind,
                    struct err *e)
{
    struct stat info;

    if (stat(path, &info) < 0) {
        if (errno == ELOOP)
            return fail(s, SEARCH_NO_DISK, path, "is a symbolic link to itself",
                        e);
        if (any_kind || errno == EACCES)
            return err_errno(e, errno, "%s: its parent %s", s->child->name,
                             path);
        return 0;
    }
    if (!S_ISREG(info.st_mode) && !(any_kind && S_ISBLK(info.st_mode)))
        return fail(s, SEARCH_NO_DISK, path, kind_of(info.st_mode, any_kind),
                    e);
    TRY(open_disk(s, path, e));
    TRY(mem_copy_text(&s->found, path, e));
    s->dev = info.st_dev;
    s->ino = info.st_ino;
    s->end = SEARCH_FOUND;
    return 1;
}

/* --- all that are named --------------------------------------------------- */

/* As try_path, for a path from the child's folder on. */
static int try_inside(struct vhd_search *s, const char *relative, struct err *e)
{
    const char *slash = strrchr(s->path, '/');
    FREE char *path = NULL;

    TRY(mem_format(&path, e, "%.*s%s", slash ? (int)(slash + 1 - s->path) : 0,
                   s->path, relative));
    return try_path(s, path, false, e);
}

static void list_names(const char *intro, char *const *names, unsigned count,
                       struct err *e)
{
    for (unsigned i = 0; i < count; i++)
        err_append(e, "%s%.100s", i ? ", " : intro, names[i]);
}

static int not_at_hand(struct vhd_search *s, const struct vhd_parent *p,
                       struct err *e)
{
    char wants[UUID_TEXT_SIZE];

    uuid_format(&header_of(s)->parent_uuid, wants);
    s->end = SEARCH_NOTHING;
    err_set(e, ERR_NOT_FOUND,
            "%s: a differencing disk, and its parent (byte %" PRIu64
            ", uuid %s) is not at hand",
            s->child->name, uuid_field(s), wants);
    if (s->path)
        list_names("; not there: ", p->inside, p->ninside, e);
    else
        err_append(e, ": it comes from no file, so there is no folder to look "
                      "in");
    list_names("; outside its folder and not opened unasked: ", p->outside,
               p->noutside, e);
    return err_append(e, "; name it with --parent, or copy the difference "
                         "alone with --keep-parent");
}

static int try_all(struct vhd_search *s, const struct vhd_parent *p,
                   struct err *e)
{
    enum vhd_search_end first_end = SEARCH_NOTHING;
    struct err first = {0};

    for (unsigned i = 0; s->path && i < p->ninside; i++) {
        struct err now = {0};
        int result = try_inside(s, p->inside[i], &now);

        if (result > 0)
            return 0;
        TRY(wait_check(s->wait, e));
        /* What is wrong with the first one is told, if none is right. */
        if (result < 0 && !first.code) {
            first = now;
            first_end = s->end;
        }
    }
    if (!first.code)
        return not_at_hand(s, p, e);
    s->end = first_end;
    if (e)
        *e = first;
    return first.code;
}

int vhd_search_run(struct vhd_search *s, struct err *e)
{
    CLEANUP(vhd_parent) struct vhd_parent p = {0};
    int result;

    s->end = SEARCH_NOTHING;
    if (s->named)
        result = try_path(s, s->named, true, e);
    else if (!(result = vhd_parent_read(vhd_decode_source(s->child),
                                        s->child->vhd, &p, e)))
        result = try_all(s, &p, e);
    if (result < 0) {
        enum vhd_search_end end = s->end;

        vhd_search_free(s);
        s->end = end;
        return result;
    }
    return 0;
}

void vhd_search_free(struct vhd_search *s)
{
    image_close(s->parent);
    s->parent = NULL;
    free(s->found);
    s->found = NULL;
}
