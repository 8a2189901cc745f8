/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FD_STREAM_H
#define VHDSTREAM_FD_STREAM_H

/*
 * A descriptor that may block: a pipe, a FIFO, a terminal, a socket. Reading
 * and writing wait with `wait`, so that they end in time and can be stopped.
 *
 * O_NONBLOCK belongs to the open file, which other programs may share (stdin of
 * a shell's pipeline), so it is never set on a descriptor from outside: a pipe
 * is opened once more through /proc for a private one. Where that cannot be had
 * the call is made after poll() and with few bytes.
 */

#include "base/err.h"
#include "base/wait.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fd_stream {
    int fd;
    bool own;      /* fd is ours to close */
    bool pipe;     /* a pipe or FIFO */
    bool socket;   /* a socket: asked not to block call by call */
    bool nonblock; /* fd does not block */
    const struct wait *wait;
};

/* For a descriptor that stays the caller's; `flags` is O_RDONLY or O_WRONLY. */
void fd_stream_borrow(struct fd_stream *st, int fd, int flags,
                      const struct wait *wait);

/* Takes over `fd`, which was opened here with O_NONBLOCK. */
void fd_stream_own(struct fd_stream *st, int fd, const struct wait *wait);

void fd_stream_close(struct fd_stream *st);

/* The count, 0 at the end. `name` and `pos` stand in messages. */
int64_t fd_stream_read(struct fd_stream *st, void *buf, size_t len,
                       const char *name, uint64_t pos, struct err *e);

/* Writes all of it. ERR_FAILED when nobody reads any more. */
int fd_stream_write(struct fd_stream *st, const void *buf, size_t len,
                    const char *name, uint64_t pos, struct err *e);

#endif
