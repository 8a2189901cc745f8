/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/mem.h"
#include "base/sys.h"
#include "io/device_sink.h"
#include "io/fd_sink.h"
#include "io/file_place.h"
#include "io/quiet_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A regular file, out of sight until it is complete. */
struct file_sink {
    struct sink base;
    struct file_place place;
    bool cleared; /* its size was set, and pwrite fills it */
    const struct wait *wait;
};

static int file_pwrite(struct sink *s, const void *buf, size_t len,
                       uint64_t offset, struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;
    const uint8_t *from = buf;

    TRY(wait_check(f->wait, e));
    while (len) {
        ssize_t put = quiet_pwrite(f->place.fd, from, len, offset);

        if (put < 0)
            return err_errno(e, errno, "%s: writing at byte %" PRIu64, s->name,
                             offset);
        from += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}

static int file_write(struct sink *s, const void *buf, size_t len,
                      struct err *e)
{
    return file_pwrite(s, buf, len, s->pos, e);
}

/* What is never written is a hole; finish sets the size. */
static int file_zeros(struct sink *s, uint64_t len, struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;

    if (len > INT64_MAX - s->pos)
        return err_set(e, ERR_NO_SPACE, "%s: larger than any file can be",
                       s->name);
    return wait_check(f->wait, e);
}

static int set_size(const struct file_sink *f, uint64_t size, struct err *e)
{
    if (quiet_truncate(f->place.fd, size) < 0)
        return err_errno(e, errno, "%s: setting its size to %" PRIu64 " bytes",
                         f->base.name, size);
    return 0;
}

static int file_clear(struct sink *s, uint64_t size, struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;

    TRY(set_size(f, 0, e));
    TRY(set_size(f, size, e));
    f->cleared = true;
    return 0;
}

static int file_grow(struct sink *s, uint64_t size, struct err *e)
{
    return set_size((struct file_sink *)s, size, e);
}

static int file_pread(struct sink *s, void *buf, size_t len, uint64_t offset,
                      struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;
    uint8_t *to = buf;

    TRY(wait_check(f->wait, e));
    while (len) {
        ssize_t got = sys_pread(f->place.fd, to, len, offset);

        if (got < 0)
            return err_errno(e, errno, "%s: reading at byte %" PRIu64, s->name,
                             offset);
        if (!got)
            return err_set(e, ERR_CORRUPT,
                           "%s: ends at byte %" PRIu64
                           ", where %zu more were written",
                           s->name, offset, len);
        to += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return 0;
}

static int file_finish(struct sink *s, struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;

    if (!f->cleared)
        TRY(set_size(f, s->pos, e));
    TRY(wait_check(f->wait, e));
    return s->held ? file_place_settle(&f->place, e)
                   : file_place_appear(&f->place, e);
}

/* Nothing was written at the descriptor's offset: it is at byte 0. */
static int file_reopen(struct sink *s, struct source **out, struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;

    sys_forget(f->place.fd);
    return source_open_fd(out, f->place.fd, s->name, f->wait, e);
}

static int file_release(struct sink *s, struct err *e)
{
    struct file_sink *f = (struct file_sink *)s;

    TRY(wait_check(f->wait, e));
    return file_place_appear(&f->place, e);
}

static void file_close(struct sink *s, struct err *why)
{
    struct file_sink *f = (struct file_sink *)s;

    file_place_close(&f->place, why);
    free(f);
}

static const struct sink_ops file_ops = {
    .write = file_write,
    .zeros = file_zeros,
    .clear = file_clear,
    .pwrite = file_pwrite,
    .grow = file_grow,
    .pread = file_pread,
    .finish = file_finish,
    .reopen = file_reopen,
    .release = file_release,
    .close = file_close,
};

static int open_regular(struct sink **out, const char *path, bool force,
                        const struct wait *wait, struct err *e)
{
    FREE struct file_sink *f = NULL;

    TRY(mem_alloc(&f, sizeof(*f), "a sink", e));
    TRY(file_place_open(&f->place, path, force, e));
    f->wait = wait;
    sink_init(&f->base, &file_ops, path);
    *out = &f->base;
    f = NULL;
    return 0;
}

/* The descriptor that `path` is another name of, or -1. To open such a name
 * would begin a regular file anew, where the shell had gone on in it. */
static int named_fd(const char *path)
{
    int used = 0;
    int fd = -1;

    if (!strcmp(path, "/dev/stdout"))
        return 1;
    if (!strcmp(path, "/dev/stderr"))
        return 2;
    if (sscanf(path, "/dev/fd/%d%n", &fd, &used) == 1 && !path[used])
        return fd;
    used = 0;
    if (sscanf(path, "/proc/self/fd/%d%n", &fd, &used) == 1 && !path[used])
        return fd;
    return -1;
}

bool sink_file_reads_back(const char *path)
{
    struct stat info;

    if (named_fd(path) >= 0)
        return false;
    return stat(path, &info) < 0 || S_ISREG(info.st_mode) ||
           S_ISBLK(info.st_mode) || S_ISDIR(info.st_mode);
}

int sink_open_file(struct sink **out, const char *path, bool force,
                   const struct wait *wait, struct err *e)
{
    struct stat info;
    int fd = named_fd(path);

    if (fd >= 0)
        return sink_open_fd(out, fd, path, wait, e);
    if (stat(path, &info) < 0 || S_ISREG(info.st_mode))
        return open_regular(out, path, force, wait, e);
    if (S_ISDIR(info.st_mode))
        return err_set(e, ERR_USAGE,
                       "%s: a directory, where the name of a file is expected",
                       path);
    if (S_ISBLK(info.st_mode))
        return sink_open_device(out, path, force, wait, e);
    return sink_open_stream(out, path, wait, e);
}
