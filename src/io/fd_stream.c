/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/fd_stream.h"

#include "base/fault.h"
#include "base/sys.h"
#include "io/quiet_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIPE_SIZE = 1024 * 1024 };

/* Fewer turns between the two ends; where it is refused the pipe works too. */
static void widen(const struct fd_stream *st)
{
    if (st->pipe)
        (void)fcntl(st->fd, F_SETPIPE_SZ, PIPE_SIZE);
}

static void look(struct fd_stream *st)
{
    struct stat info;

    if (fstat(st->fd, &info) < 0)
        return;
    st->pipe = S_ISFIFO(info.st_mode);
    st->socket = S_ISSOCK(info.st_mode);
}

void fd_stream_borrow(struct fd_stream *st, int fd, int flags,
                      const struct wait *wait)
{
    char path[32];
    int again;

    *st = (struct fd_stream){.fd = fd, .wait = wait};
    look(st);
    if (!st->pipe)
        return;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = sys_open(path, flags | O_NONBLOCK, 0);
    if (again >= 0) {
        st->fd = again;
        st->own = true;
        st->nonblock = true;
    }
    widen(st);
}

void fd_stream_own(struct fd_stream *st, int fd, const struct wait *wait)
{
    *st = (struct fd_stream){
        .fd = fd, .own = true, .nonblock = true, .wait = wait};
    look(st);
    widen(st);
}

void fd_stream_close(struct fd_stream *st)
{
    if (st->own)
        close(st->fd);
    st->own = false;
}

static bool would_block(ssize_t result)
{
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

int64_t fd_stream_read(struct fd_stream *st, void *buf, size_t len,
                       const char *name, uint64_t pos, struct err *e)
{
    bool ready = false;

    TRY(wait_check(st->wait, e));
    for (;;) {
        ssize_t got;

        if (!st->nonblock && !ready)
            TRY(wait_fd(st->wait, st->fd, POLLIN, name, e));
        got = sys_read(st->fd, buf, len);
        if (got >= 0)
            return got;
        if (!would_block(got))
            return err_errno(e, errno, "%s: reading at byte %" PRIu64, name,
                             pos);
        TRY(wait_fd(st->wait, st->fd, POLLIN, name, e));
        ready = true;
    }
}

/* One call that does not block, as far as the kind of descriptor allows. */
static ssize_t put_some(struct fd_stream *st, const void *buf, size_t len)
{
    if (st->socket && fault_strikes(FAULT_WRITE))
        return -1;
    if (st->socket)
        return send(st->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    /* poll promises a pipe no more room than this. */
    if (!st->nonblock && len > PIPE_BUF)
        len = PIPE_BUF;
    return quiet_write(st->fd, buf, len);
}

static int describe(const char *name, uint64_t pos, struct err *e)
{
    if (errno == EPIPE)
        return err_set(e, ERR_FAILED,
                       "%s: closed by its reader after byte %" PRIu64, name,
                       pos);
    return err_errno(e, errno, "%s: writing at byte %" PRIu64, name, pos);
}

int fd_stream_write(struct fd_stream *st, const void *buf, size_t len,
                    const char *name, uint64_t pos, struct err *e)
{
    const uint8_t *from = buf;

    TRY(wait_check(st->wait, e));
    while (len) {
        ssize_t put;

        if (!st->nonblock && !st->socket)
            TRY(wait_fd(st->wait, st->fd, POLLOUT, name, e));
        put = put_some(st, from, len);
        if (would_block(put)) {
            TRY(wait_fd(st->wait, st->fd, POLLOUT, name, e));
            continue;
        }
        if (put < 0)
            return describe(name, pos, e);
        from += put;
        pos += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}
