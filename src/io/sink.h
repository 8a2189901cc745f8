/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SINK_H
#define VHDSTREAM_SINK_H

/*
 * A sink takes bytes. `finish` makes them count: flush, fsync, rename into
 * place, the server's verdict; it may fail. `close` frees; a sink that was not
 * finished is abandoned by it: the temporary file removed, the transfer broken
 * so that nobody takes it for whole, the new VDI destroyed. close cannot fail;
 * what it could not clean up it has put where sink_leftovers finds it.
 *
 * A wrapper replaces the variable it wraps and owns what was in it; finishing
 * the outer one finishes the inner one. Used by one thread at a time.
 */

#include "base/err.h"
#include "base/pool.h"
#include "base/wait.h"
#include "io/source.h" /* NAME_SIZE */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

struct sink_ops {
    /* Takes all `len` bytes, or fails. */
    int (*write)(struct sink *s, const void *buf, size_t len, struct err *e);
    /* Appends `len` zero bytes. NULL: they are written. */
    int (*zeros)(struct sink *s, uint64_t len, struct err *e);
    /* Makes the whole thing `size` zero bytes, at no or little cost, for pwrite
     * to fill. NULL: append only. */
    int (*clear)(struct sink *s, uint64_t size, struct err *e);
    /* Writes at `offset`, within the size that clear or grow gave. NULL with
     * clear. */
    int (*pwrite)(struct sink *s, const void *buf, size_t len, uint64_t offset,
                  struct err *e);
    /* After clear: makes it `size` bytes, no fewer than before, with zeros at
     * the end. NULL with clear. */
    int (*grow)(struct sink *s, uint64_t size, struct err *e);
    /* After clear: all of what is at `offset`. NULL: it cannot be read until
     * it is finished. */
    int (*pread)(struct sink *s, void *buf, size_t len, uint64_t offset,
                 struct err *e);
    /* Everything was written: make it last. */
    int (*finish)(struct sink *s, struct err *e);
    /* Of a held sink that was finished: what it wrote, for reading. NULL: it
     * cannot be read back. */
    int (*reopen)(struct sink *s, struct source **out, struct err *e);
    /* Of a held sink that was finished: what finish has left out. With
     * reopen. */
    int (*release)(struct sink *s, struct err *e);
    /* Frees, and abandons what was not finished. `why` is the failure that
     * made it so, to be appended to with what could not be cleaned up; NULL
     * when nobody listens. */
    void (*close)(struct sink *s, struct err *why);
};

struct sink {
    const struct sink_ops *ops;
    char name[NAME_SIZE];    /* of the place, for messages; holds no secret */
    uint64_t pos;            /* bytes appended by write and zeros */
    bool finished;           /* finish has succeeded */
    bool held;               /* finish shall not make it appear: sink_release */
    _Atomic uint64_t *meter; /* NULL, or counts the bytes written */
    struct rate *rate;       /* NULL, or holds them back (not holes) */
    struct stage *stage;     /* NULL, or is charged with the time of calls */
};

int sink_write(struct sink *s, const void *buf, size_t len, struct err *e);
int sink_zeros(struct sink *s, uint64_t len, struct err *e);
bool sink_is_seekable(const struct sink *s);
int sink_clear(struct sink *s, uint64_t size, struct err *e);
int sink_pwrite(struct sink *s, const void *buf, size_t len, uint64_t offset,
                struct err *e);
int sink_grow(struct sink *s, uint64_t size, struct err *e);
/* sink_can_pread: whether the place takes it (a regular file). */
bool sink_can_pread(const struct sink *s);
int sink_pread(struct sink *s, void *buf, size_t len, uint64_t offset,
               struct err *e);
int sink_finish(struct sink *s, struct err *e);

/* Whether what sink_open_file writes there could be read back; it is not
 * opened, so that nobody waits for the reader of a FIFO. */
bool sink_file_reads_back(const char *path);

/* The failure of a place where it could not: ERR_USAGE. */
int sink_refuse_hold(const char *name, struct err *e);

/* For what shall be read back before it counts: a place that was held, before
 * anything wrapped it, is on the disk after finish, but does not appear until
 * sink_release, and is abandoned by close without it. ERR_USAGE for one that
 * cannot be read back: a pipe, a terminal. */
int sink_hold(struct sink *s, struct err *e);
int sink_reopen(struct sink *s, struct source **out, struct err *e);
int sink_release(struct sink *s, struct err *e);

void sink_close(struct sink *s, struct err *why);
void sink_cleanup(struct sink **s);

/* For constructors. */
void sink_init(struct sink *s, const struct sink_ops *ops, const char *name);

/* --- places ---------------------------------------------------------------*/

/* A file that appears under `path` at finish, complete, or not at all. An
 * existing file or a block device is refused without `force`, a device in use
 * always. A device, a FIFO or a terminal is written in place; a FIFO is waited
 * for until it has a reader. Regular files and block devices are seekable;
 * zeros become holes of a file. /dev/stdout, /dev/fd/N: see sink_open_fd. */
int sink_open_file(struct sink **out, const char *path, bool force,
                   const struct wait *wait, struct err *e);

/* An open descriptor, which stays the caller's: stdout. Append only. A regular
 * file is gone on in at the descriptor's offset; what was written stays when
 * the sink is abandoned. */
int sink_open_fd(struct sink **out, int fd, const char *name,
                 const struct wait *wait, struct err *e);

/* fn(ctx, buf, len) takes all of it and returns 0, else the write has failed.
 * Append only. It may block; cancelling does not reach it. */
typedef int sink_caller_fn(void *ctx, const void *buf, size_t len);
int sink_open_caller(struct sink **out, sink_caller_fn *fn, void *ctx,
                     const char *name, struct err *e);

/* --- wrappers --------------------------------------------------------------*/

/* Deflates into one gzip member, whatever the number of threads. `level` 1 to 9
 * as gzip users expect: 1 to 3 are fast, 2 at most 5 % larger than gzip -6 on
 * what disks usually hold; 6 and above are as small, but where chunks (512 KiB)
 * that know nothing of each other cost more than that. The same input gives the
 * same bytes for any number of threads; not so with GZIP_LEVEL_AUTO, which has
 * each chunk as dense as the threads find time for.
 *
 * The pool must outlive the sink; it holds about 1.5 MiB for each thread and
 * two more (auto: 3 MiB). The inner sink is written to in the caller's thread.
 */
enum { GZIP_LEVEL_AUTO = 0 };
int sink_gzip(struct sink **s, int level, struct pool *pool, struct err *e);

/* Compresses into zstd frames of 1 MiB of content each. `level` is zstd's own.
 * The rest as sink_gzip; at level 3 it holds about 3.5 MiB for each thread and
 * two more. */
int sink_zstd(struct sink **s, int level, struct pool *pool, struct err *e);

/* One tar archive with one member `name` (1 to 99 bytes) of exactly `size`
 * bytes, which the caller then writes: a byte more fails at once, one less at
 * finish (ERR_CORRUPT), and the archive then has no end. */
int sink_tar(struct sink **s, const char *name, uint64_t size, struct err *e);

/* Ends the member of an archive that sink_tar has begun, and begins another. */
int sink_tar_next(struct sink *s, const char *name, uint64_t size,
                  struct err *e);

/* The exact size of such an archive; `size` as sink_tar takes it. */
uint64_t sink_tar_size(uint64_t size);

/* Calls fn(ctx, pos) when at least `step` bytes more have been written; its
 * failure is the write's. Append only. */
typedef int sink_checkpoint_fn(void *ctx, uint64_t pos, struct err *e);
int sink_checkpoint(struct sink **s, uint64_t step, sink_checkpoint_fn *fn,
                    void *ctx, struct err *e);

/* Has finish of a sink that sink_tar made put a small file behind the archive
 * (io/tar_tail.h), which adds TAR_TAIL_SIZE bytes. `text` stays the caller's
 * and must live until then. */
void sink_tar_tail(struct sink *s, const char *text, size_t len);

/* Writes in a thread of its own, through a ring of buffers. Append only. With
 * `threads` 0 it does nothing. A failure of the inner sink comes with a later
 * call, at the latest with finish, which runs in the caller's thread.
 *
 * Closing it joins the thread, which may be waiting for a stalled network. So
 * `stop` is a cancel that the inner sink's wait has (cancel_open_child of the
 * user's one): closing before finish requests it. What the inner sink then has
 * to clean up must wait with another. NULL where the inner sink never waits
 * long, or the caller requests it before closing. */
int sink_async(struct sink **s, unsigned threads, struct cancel *stop,
               struct err *e);

#endif
