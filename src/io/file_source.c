/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/sys.h"
#include "io/fd_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A regular file or a block device: of known size, in any order. */
struct file_source {
    struct source base;
    int fd;
    bool own;       /* fd is ours to close */
    bool regular;   /* else a block device */
    uint64_t start; /* byte of the file that is byte 0 of the source */
    const struct wait *wait;
};

/* Anything else: read as it comes. */
struct stream_source {
    struct source base;
    struct fd_stream stream;
    bool unopened; /* a FIFO that perhaps has had no writer yet */
};

/* --- files and block devices ----------------------------------------------*/

/* The file's size now; for a block device what it was. */
static uint64_t size_now(const struct file_source *f)
{
    struct stat info;

    if (!f->regular || fstat(f->fd, &info) < 0)
        return f->start + (uint64_t)f->base.size;
    return (uint64_t)info.st_size;
}

static int size_changed(const struct file_source *f, uint64_t now,
                        struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: its size changed while it was read, from %" PRIu64
                   " bytes to %" PRIu64,
                   f->base.name, f->start + (uint64_t)f->base.size, now);
}

static int64_t file_pread(struct source *s, void *buf, size_t len,
                          uint64_t offset, struct err *e)
{
    struct file_source *f = (struct file_source *)s;
    ssize_t got;

    if (offset >= (uint64_t)s->size)
        return 0;
    TRY(wait_check(f->wait, e));
    len = (size_t)min_u64(len, (uint64_t)s->size - offset);
    got = sys_pread(f->fd, buf, len, f->start + offset);
    if (got < 0)
        return err_errno(e, errno, "%s: reading at byte %" PRIu64, s->name,
                         f->start + offset);
    if (!got)
        return size_changed(f, f->start + offset, e);
    return got;
}

static int64_t file_read(struct source *s, void *buf, size_t len, struct err *e)
{
    struct file_source *f = (struct file_source *)s;
    uint64_t now;

    if (s->pos < (uint64_t)s->size)
        return file_pread(s, buf, len, s->pos, e);
    now = size_now(f);
    if (now != f->start + (uint64_t)s->size)
        return size_changed(f, now, e);
    return 0;
}

/* Past the last data lies a hole, unless the file was cut meanwhile. */
static int only_zeros(const struct file_source *f, struct err *e)
{
    uint64_t now = size_now(f);

    if (now < f->start + (uint64_t)f->base.size)
        return size_changed(f, now, e);
    return 0;
}

static int file_data(struct source *s, uint64_t from, uint64_t *start,
                     uint64_t *end, struct err *e)
{
    struct file_source *f = (struct file_source *)s;
    uint64_t size = (uint64_t)s->size;
    int64_t data;
    int64_t hole;

    if (from >= size)
        return 0;
    data = sys_seek(f->fd, (int64_t)(f->start + from), SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        return only_zeros(f, e);
    hole = data < 0 ? -1 : sys_seek(f->fd, data, SEEK_HOLE);
    if (hole < 0) {
        if (errno != EINVAL && errno != EOPNOTSUPP)
            return err_errno(e, errno, "%s: looking for holes", s->name);
        *start = from;
        *end = size;
        return 1;
    }
    if ((uint64_t)data - f->start >= size)
        return 0;
    *start = (uint64_t)data - f->start;
    *end = min_u64((uint64_t)hole - f->start, size);
    return 1;
}

static void file_close(struct source *s)
{
    struct file_source *f = (struct file_source *)s;

    if (f->own)
        close(f->fd);
    free(f);
}

static const struct source_ops file_ops = {
    .read = file_read,
    .pread = file_pread,
    .data = file_data,
    .close = file_close,
    .reads_at_pos = true,
};

/* Stores the size in bytes of what is open as `fd`. */
static int find_size(int fd, const struct stat *info, const char *name,
                     uint64_t *size, struct err *e)
{
    *size = (uint64_t)info->st_size;
    if (S_ISBLK(info->st_mode) && ioctl(fd, BLKGETSIZE64, size) < 0)
        return err_errno(e, errno, "%s: the size of the device", name);
    if (*size > INT64_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: impossible size", name);
    return 0;
}

static int open_seekable(struct source **out, int fd, bool own,
                         const struct stat *info, const char *name,
                         const struct wait *wait, struct err *e)
{
    FREE struct file_source *f = NULL;
    int64_t offset = own ? 0 : sys_seek(fd, 0, SEEK_CUR);
    uint64_t size;

    if (offset < 0)
        return err_errno(e, errno, "%s: its present offset", name);
    TRY(find_size(fd, info, name, &size, e));
    if (own)
        (void)fcntl(fd, F_SETFL, 0); /* O_NONBLOCK was for FIFOs only */
    TRY(mem_alloc(&f, sizeof(*f), "a source", e));
    f->fd = fd;
    f->own = own;
    f->regular = S_ISREG(info->st_mode);
    f->start = min_u64((uint64_t)offset, size);
    f->wait = wait;
    source_init(&f->base, &file_ops, name, (int64_t)(size - f->start));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *out = &f->base;
    f = NULL;
    return 0;
}

/* --- streams --------------------------------------------------------------*/

static int64_t stream_read(struct source *s, void *buf, size_t len,
                           struct err *e)
{
    struct stream_source *st = (struct stream_source *)s;

    /* A FIFO without a writer reads as if at its end, but polls as empty. */
    if (st->unopened)
        TRY(wait_fd(st->stream.wait, st->stream.fd, POLLIN, s->name, e));
    st->unopened = false;
    return fd_stream_read(&st->stream, buf, len, s->name, s->pos, e);
}

static void stream_close(struct source *s)
{
    struct stream_source *st = (struct stream_source *)s;

    fd_stream_close(&st->stream);
    free(st);
}

static const struct source_ops stream_ops = {
    .read = stream_read,
    .close = stream_close,
};

static int open_stream(struct source **out, int fd, bool own, const char *name,
                       const struct wait *wait, struct err *e)
{
    struct stream_source *st = NULL;

    TRY(mem_alloc(&st, sizeof(*st), "a source", e));
    if (own)
        fd_stream_own(&st->stream, fd, wait);
    else
        fd_stream_borrow(&st->stream, fd, O_RDONLY, wait);
    st->unopened = own && st->stream.pipe;
    source_init(&st->base, &stream_ops, name, -1);
    *out = &st->base;
    return 0;
}

/* --- both -----------------------------------------------------------------*/

static int open_any(struct source **out, int fd, bool own, const char *name,
                    const struct wait *wait, struct err *e)
{
    struct stat info;

    if (fstat(fd, &info) < 0)
        return err_errno(e, errno, "%s", name);
    if (S_ISDIR(info.st_mode))
        return err_set(e, ERR_USAGE,
                       "%s: a directory, where a file or a block device is "
                       "expected",
                       name);
    if (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))
        return open_seekable(out, fd, own, &info, name, wait, e);
    return open_stream(out, fd, own, name, wait, e);
}

int source_open_file(struct source **out, const char *path,
                     const struct wait *wait, struct err *e)
{
    /* O_NONBLOCK: a FIFO does not keep open() until a writer comes. */
    int fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    int code;

    if (fd < 0)
        return err_errno(e, errno, "%s", path);
    code = open_any(out, fd, true, path, wait, e);
    if (code < 0)
        close(fd);
    return code;
}

int source_open_fd(struct source **out, int fd, const char *name,
                   const struct wait *wait, struct err *e)
{
    return open_any(out, fd, false, name, wait, e);
}
