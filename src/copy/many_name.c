/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/many_name.h"

#include "base/mem.h"
#include "base/text.h"
#include "copy/place.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A name in a folder, whatever a VDI is called. */
static void make_plain(char *name)
{
    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '_';
}

/* The last part of a path or URL, without query and suffixes. */
static void take_stem(char stem[NAME_SIZE], const char *path)
{
    const char *slash;

    text_copy_cut(stem, NAME_SIZE, path);
    if (strstr(path, "://"))
        stem[strcspn(stem, "?#")] = '\0';
    slash = strrchr(stem, '/');
    if (slash)
        memmove(stem, slash + 1, strlen(slash));
    stem[format_stem_len(stem)] = '\0';
}

static int name_of(char stem[NAME_SIZE], const struct place *p, struct err *e)
{
    *stem = '\0';
    if (p->kind == PLACE_FILE || p->kind == PLACE_HTTP)
        take_stem(stem, p->path);
    if (p->kind == PLACE_XAPI)
        text_copy_cut(stem, NAME_SIZE, p->xapi.ref);
    if (p->kind == PLACE_GLANCE)
        text_copy_cut(stem, NAME_SIZE, p->glance.ref);
    make_plain(stem);
    if (*stem && strcmp(stem, ".") != 0 && strcmp(stem, "..") != 0)
        return 0;
    return err_set(e, ERR_USAGE,
                   "%s: has no name that its copy in a folder could have; copy "
                   "it alone, to a file",
                   p->name);
}

static int refuse_taken(const char *path, bool force, struct err *e)
{
    struct stat st;

    if (force || lstat(path, &st) < 0)
        return 0;
    return err_set(e, ERR_USAGE, "%s: is there already; --force replaces it",
                   path);
}

static int name_file(char **out, const struct place *source, const char *folder,
                     const struct format *to, bool force, struct err *e)
{
    const char *suffix = to && to->suffixes[0] ? to->suffixes[0] : ".vhd";
    size_t len = strlen(folder);
    bool ends = len && folder[len - 1] == '/';
    char stem[NAME_SIZE];
    FREE char *path = NULL;

    TRY(name_of(stem, source, e));
    TRY(mem_format(&path, e, "%s%s%s%s", folder, ends ? "" : "/", stem,
                   suffix));
    TRY(refuse_taken(path, force, e));
    *out = path;
    path = NULL;
    return 0;
}

static bool is_folder(const struct place *p)
{
    struct stat st;

    return p->kind == PLACE_FILE && stat(p->path, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

static int choose(char **out, const struct place *src, const struct place *dst,
                  const char *destination, const struct format *to, bool force,
                  struct err *e)
{
    if (src->kind == PLACE_FD || src->kind == PLACE_CALLER)
        return err_set(e, ERR_USAGE,
                       "%s: a stream is copied alone, to a file or an SR",
                       src->name);
    if (dst->kind == PLACE_XAPI && dst->xapi.kind == XAPI_SR)
        return mem_copy_text(out, destination, e);
    if (is_folder(dst))
        return name_file(out, src, dst->path, to, force, e);
    return err_set(e, ERR_USAGE,
                   "%s: several disks go into a folder that is there, or into "
                   "an SR",
                   dst->name);
}

int many_name(char **out, char name[NAME_SIZE], const char *source,
              const char *destination, const struct format *to, bool force,
              struct err *e)
{
    CLEANUP(place) struct place src = {0}, dst = {0};

    TRY(place_parse(&src, source, "source", e));
    TRY(place_parse(&dst, destination, "destination", e));
    text_copy_cut(name, NAME_SIZE, src.name);
    return choose(out, &src, &dst, destination, to, force, e);
}

int many_name_differs(const char *a, const char *source_a, const char *b,
                      const char *source_b, struct err *e)
{
    if (strncmp(a, "xapi", 4) == 0 || strcmp(a, b) != 0)
        return 0;
    return err_set(e, ERR_USAGE,
                   "%s and %s would both become %s; copy one of them alone, to "
                   "a file of another name",
                   source_b, source_a, a);
}
