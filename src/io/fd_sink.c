/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/fd_sink.h"

#include "base/mem.h"
#include "base/sys.h"
#include "io/fd_stream.h"
#include "io/quiet_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fd_sink {
    struct sink base;
    struct fd_stream stream;
    bool regular; /* a file, at the descriptor's own offset */
    bool holes;   /* nothing lies behind that offset: zeros can be left out */
    uint64_t start;
    const struct wait *wait;
};

/* --- pipes, terminals, sockets --------------------------------------------*/

static int stream_write(struct sink *s, const void *buf, size_t len,
                        struct err *e)
{
    struct fd_sink *f = (struct fd_sink *)s;

    return fd_stream_write(&f->stream, buf, len, s->name, s->pos, e);
}

static int stream_finish(struct sink *s, struct err *e)
{
    struct fd_sink *f = (struct fd_sink *)s;

    return wait_check(f->wait, e);
}

static void fd_close(struct sink *s, struct err *why)
{
    struct fd_sink *f = (struct fd_sink *)s;

    (void)why;
    fd_stream_close(&f->stream);
    free(f);
}

static const struct sink_ops stream_ops = {
    .write = stream_write,
    .finish = stream_finish,
    .close = fd_close,
};

/* --- a file behind a descriptor -------------------------------------------*/

static int regular_write(struct sink *s, const void *buf, size_t len,
                         struct err *e)
{
    struct fd_sink *f = (struct fd_sink *)s;
    const uint8_t *from = buf;
    uint64_t at = f->start + s->pos;

    TRY(wait_check(f->wait, e));
    while (len) {
        ssize_t put = quiet_write(f->stream.fd, from, len);

        if (put < 0)
            return err_errno(e, errno, "%s: writing at byte %" PRIu64, s->name,
                             at);
        from += put;
        at += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}

static int regular_zeros(struct sink *s, uint64_t len, struct err *e)
{
    struct fd_sink *f = (struct fd_sink *)s;

    if (len > INT64_MAX - f->start - s->pos)
        return err_set(e, ERR_NO_SPACE, "%s: larger than any file can be",
                       s->name);
    if (sys_seek(f->stream.fd, (int64_t)len, SEEK_CUR) < 0)
        return err_errno(e, errno, "%s: seeking over a hole", s->name);
    return wait_check(f->wait, e);
}

static int regular_finish(struct sink *s, struct err *e)
{
    struct fd_sink *f = (struct fd_sink *)s;
    uint64_t end = f->start + s->pos;

    if (f->holes && quiet_truncate(f->stream.fd, end) < 0)
        return err_errno(e, errno, "%s: setting its size to %" PRIu64 " bytes",
                         s->name, end);
    if (sys_sync(f->stream.fd) < 0)
        return err_errno(e, errno, "%s: syncing", s->name);
    return 0;
}

static const struct sink_ops append_ops = {
    .write = regular_write,
    .finish = regular_finish,
    .close = fd_close,
};

static const struct sink_ops sparse_ops = {
    .write = regular_write,
    .zeros = regular_zeros,
    .finish = regular_finish,
    .close = fd_close,
};

/* Finds out where a file's descriptor stands, and whether holes are possible:
 * not with O_APPEND, which writes at the end whatever the offset. */
static void look(struct fd_sink *f, int fd, const struct stat *info)
{
    int flags = fcntl(fd, F_GETFL);
    int64_t offset = sys_seek(fd, 0, SEEK_CUR);

    f->start = offset < 0 ? 0 : (uint64_t)offset;
    f->holes = offset >= info->st_size && flags >= 0 && !(flags & O_APPEND);
}

/* --- opening --------------------------------------------------------------*/

int sink_open_fd(struct sink **out, int fd, const char *name,
                 const struct wait *wait, struct err *e)
{
    struct fd_sink *f = NULL;
    struct stat info;
    const struct sink_ops *ops = &stream_ops;

    if (fstat(fd, &info) < 0)
        return err_errno(e, errno, "%s", name);
    TRY(mem_alloc(&f, sizeof(*f), "a sink", e));
    fd_stream_borrow(&f->stream, fd, O_WRONLY, wait);
    f->wait = wait;
    if (S_ISREG(info.st_mode)) {
        look(f, fd, &info);
        ops = f->holes ? &sparse_ops : &append_ops;
    }
    sink_init(&f->base, ops, name);
    *out = &f->base;
    return 0;
}

enum { READER_POLL_MS = 20 };

/* Opens for writing. A FIFO without a reader refuses (ENXIO) without blocking;
 * there is nothing to poll, so it is asked again and again. */
static int open_waiting(const char *path, const struct wait *wait, int *fd,
                        struct err *e)
{
    double begin = wait_now();

    for (;;) {
        *fd = sys_open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (*fd >= 0)
            return 0;
        if (errno != ENXIO)
            return err_errno(e, errno, "%s", path);
        if (wait && wait->timeout_s && wait_now() - begin > wait->timeout_s)
            return err_set(e, ERR_TEMPORARY, "%s: no reader in %u seconds",
                           path, wait->timeout_s);
        TRY(wait_sleep(wait, READER_POLL_MS, e));
    }
}

int sink_open_stream(struct sink **out, const char *path,
                     const struct wait *wait, struct err *e)
{
    FREE struct fd_sink *f = NULL;
    int fd = -1;

    TRY(mem_alloc(&f, sizeof(*f), "a sink", e));
    TRY(open_waiting(path, wait, &fd, e));
    fd_stream_own(&f->stream, fd, wait);
    f->wait = wait;
    sink_init(&f->base, &stream_ops, path);
    *out = &f->base;
    f = NULL;
    return 0;
}
