/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/file_place.h"

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HIDDEN_TRIES = 100 };

static int refuse(const char *path, struct err *e)
{
    return err_set(e, ERR_FAILED, "%s: exists already; --force replaces it",
                   path);
}

/* --- names ----------------------------------------------------------------*/

static bool is_there(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

/* Stores the name with the links of what exists resolved: with force it is the
 * file behind a link that is replaced. */
static int resolve(char **out, const char *path, struct err *e)
{
    char *real = realpath(path, NULL);
    int code;

    if (!real && is_there(path))
        return err_errno(e, errno, "%s: a symbolic link", path);
    code = mem_copy_text(out, real ? real : path, e);
    free(real);
    return code;
}

/* Stores the folder of p->path; returns where the last part of it begins. */
static int split(struct file_place *p, const char **base, struct err *e)
{
    const char *slash = strrchr(p->path, '/');

    *base = slash ? slash + 1 : p->path;
    if (!**base)
        return err_set(e, ERR_USAGE, "%s: not the name of a file", p->path);
    if (!slash)
        return mem_copy_text(&p->folder, ".", e);
    return mem_format(&p->folder, e, "%.*s",
                      slash == p->path ? 1 : (int)(slash - p->path), p->path);
}

/* Stores a fresh hidden name. */
static int hidden_name(const struct file_place *p, char **out, struct err *e)
{
    const char *slash = strrchr(p->path, '/');
    uint64_t random = 0;

    if (getrandom(&random, 6, 0) != 6)
        return err_errno(e, errno, "no random bytes");
    /* Cut, so that the name stays within the 255 bytes of NAME_MAX. */
    return mem_format(out, e, "%s/.%.200s.%012" PRIx64, p->folder,
                      slash ? slash + 1 : p->path, random);
}

/* --- opening --------------------------------------------------------------*/

/* The file without a name, where it can be given one later; else -1. */
static int open_nameless(const struct file_place *p)
{
    char link[32];
    struct stat info;
    int fd = sys_open(p->folder, O_TMPFILE | O_RDWR, 0666);

    if (fd < 0)
        return -1;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (lstat(link, &info) == 0)
        return fd;
    close(fd);
    return -1;
}

/* 1, or 0 when there is something of that name. */
static int open_hidden_once(struct file_place *p, struct err *e)
{
    FREE char *name = NULL;

    TRY(hidden_name(p, &name, e));
    p->fd = sys_open(name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0666);
    if (p->fd < 0 && errno == EEXIST)
        return 0;
    if (p->fd < 0)
        return err_errno(e, errno, "%s: no file can be made in its folder",
                         p->path);
    p->hidden = name;
    name = NULL;
    return 1;
}

static int open_hidden(struct file_place *p, struct err *e)
{
    int opened = 0;

    for (int i = 0; i < HIDDEN_TRIES && !opened; i++) {
        opened = open_hidden_once(p, e);
        TRY(opened);
    }
    if (opened)
        return 0;
    return err_errno(e, EEXIST, "%s: no file can be made in its folder",
                     p->path);
}

static int open_file(struct file_place *p, const char *path, struct err *e)
{
    struct stat old;
    const char *base;

    if (!p->force && is_there(path))
        return refuse(path, e);
    TRY(resolve(&p->path, path, e));
    TRY(split(p, &base, e));
    p->fd = open_nameless(p);
    if (p->fd < 0)
        TRY(open_hidden(p, e));
    if (p->force && stat(p->path, &old) == 0)
        (void)fchmod(p->fd, old.st_mode & 07777);
    return 0;
}

int file_place_open(struct file_place *p, const char *path, bool force,
                    struct err *e)
{
    int code;

    *p = (struct file_place){.fd = -1, .force = force};
    code = open_file(p, path, e);
    if (code < 0)
        file_place_close(p, e);
    return code;
}

/* --- appearing ------------------------------------------------------------*/

static void forget_hidden(struct file_place *p)
{
    free(p->hidden);
    p->hidden = NULL;
}

/* Gives a nameless file a hidden name, from which it can replace another. */
static int link_hidden(struct file_place *p, struct err *e)
{
    for (int i = 0; i < HIDDEN_TRIES; i++) {
        TRY(hidden_name(p, &p->hidden, e));
        if (sys_link_fd(p->fd, p->hidden) == 0)
            return 0;
        forget_hidden(p);
        if (errno != EEXIST)
            break;
    }
    return err_errno(e, errno, "%s: no name could be made in its folder",
                     p->path);
}

/* For file systems that can only replace: not in one step, but checked. */
static int rename_checked(const struct file_place *p)
{
    if (is_there(p->path)) {
        errno = EEXIST;
        return -1;
    }
    return sys_rename(p->hidden, p->path);
}

static int take_name(struct file_place *p)
{
    int result;

    if (p->force)
        return sys_rename(p->hidden, p->path);
    if (!p->hidden)
        return sys_link_fd(p->fd, p->path);
    result = sys_rename_new(p->hidden, p->path);
    if (result < 0 && (errno == EINVAL || errno == ENOSYS))
        result = rename_checked(p);
    return result;
}

/* The name lasts once its folder is on disk; a folder that cannot be read or
 * synced on its own is not at fault. */
static int sync_folder(const struct file_place *p, struct err *e)
{
    int fd = sys_open(p->folder, O_RDONLY | O_DIRECTORY, 0);
    int code = 0;

    if (fd < 0)
        return errno == EACCES ? 0 : err_errno(e, errno, "%s", p->folder);
    if (sys_sync(fd) < 0 && errno != EINVAL && errno != EROFS)
        code = err_errno(e, errno, "%s: syncing the folder", p->folder);
    close(fd);
    return code;
}

int file_place_settle(struct file_place *p, struct err *e)
{
    if (sys_sync(p->fd) < 0)
        return err_errno(e, errno, "%s: syncing", p->path);
    return 0;
}

int file_place_appear(struct file_place *p, struct err *e)
{
    int code;

    TRY(file_place_settle(p, e));
    if (p->force && !p->hidden)
        TRY(link_hidden(p, e));
    if (take_name(p) < 0) {
        if (errno == EEXIST)
            return refuse(p->path, e);
        return err_errno(e, errno, "%s: taking its name", p->path);
    }
    forget_hidden(p);
    code = sync_folder(p, e);
    if (code < 0 && !p->force)
        (void)unlink(p->path);
    else if (code < 0)
        err_append(e, "; %s stands, complete", p->path);
    return code;
}

void file_place_close(struct file_place *p, struct err *why)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    if (p->hidden && unlink(p->hidden) < 0 && errno != ENOENT)
        err_append(why, "; %s could not be removed", p->hidden);
    forget_hidden(p);
    free(p->folder);
    free(p->path);
    p->folder = NULL;
    p->path = NULL;
}
