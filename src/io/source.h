/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SOURCE_H
#define VHDSTREAM_SOURCE_H

/*
 * A source hands out bytes in order. Its end is a promise: read returns 0 only
 * when everything that could be checked was checked and found right (a gzip
 * sum, a promised length, the verdict of a server's task). A cut, a wrong sum
 * or a failed task is an error, never an end. So whoever wants the verdict
 * reads until 0.
 *
 * A wrapper (source_gunzip ...) replaces the variable it wraps and owns what
 * was in it; when it fails, the variable still holds the unwrapped source.
 * A source is used by one thread at a time.
 */

#include "base/err.h"
#include "base/pool.h"
#include "base/rate.h"
#include "base/wait.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source;

struct source_ops {
    /* Up to `len` (> 0) bytes into buf: the count, 0 at the verified end, or an
     * error. Once it returned 0 or an error it is not called again. */
    int64_t (*read)(struct source *s, void *buf, size_t len, struct err *e);
    /* As read, from byte `offset`; independent of the position of read; 0 only
     * past the end. NULL: stream only. */
    int64_t (*pread)(struct source *s, void *buf, size_t len, uint64_t offset,
                     struct err *e);
    /* The first extent at or after `from` that may hold data: 1 and its bounds,
     * or 0 when only zeros follow. NULL: all of it is data. */
    int (*data)(struct source *s, uint64_t from, uint64_t *start, uint64_t *end,
                struct err *e);
    /* Frees; cannot fail. */
    void (*close)(struct source *s);
    /* What read hands out depends on `pos` alone, and `size` is known: so
     * source_pass need not read. */
    bool reads_at_pos;
};

enum { NAME_SIZE = 512 };

struct source {
    const struct source_ops *ops;
    char name[NAME_SIZE];    /* of the place, for messages; holds no secret */
    int64_t size;            /* bytes in all; -1: not known */
    uint64_t pos;            /* bytes handed out by read */
    bool ended;              /* read has returned 0 */
    _Atomic uint64_t *meter; /* NULL, or counts the bytes read */
    struct rate *rate;       /* NULL, or holds them back */
    struct stage *stage;     /* NULL, or is charged with the time of reading */
};

/* The calls that users of a source make. */
int64_t source_read(struct source *s, void *buf, size_t len, struct err *e);

/* Exactly `len` bytes, else ERR_CORRUPT: the source ends too early. `what`
 * names what was being read ("the block allocation table"). */
int source_read_full(struct source *s, void *buf, size_t len, const char *what,
                     struct err *e);

/* As source_read_full, but an end on the way is no error: returns the count. */
int64_t source_read_most(struct source *s, void *buf, size_t len,
                         struct err *e);

/* Reads `len` bytes and forgets them. */
int source_skip(struct source *s, uint64_t len, const char *what,
                struct err *e);

/* Passes over up to `len` bytes where that takes no reading: the count; 0 where
 * it does. No verdict on them is lost: there was none. */
uint64_t source_pass(struct source *s, uint64_t len);

/* Reads to the verified end and forgets; stores the number of bytes in *len.
 * Where there are more than `max`, it stops before the end. */
int source_drain(struct source *s, uint64_t max, uint64_t *len, struct err *e);

bool source_is_seekable(const struct source *s);
int source_pread_full(struct source *s, void *buf, size_t len, uint64_t offset,
                      const char *what, struct err *e);
int source_data(struct source *s, uint64_t from, uint64_t *start, uint64_t *end,
                struct err *e);
void source_close(struct source *s);
void source_cleanup(struct source **s);

/* For constructors: sets the base part. `name` is copied (cut to fit). */
void source_init(struct source *s, const struct source_ops *ops,
                 const char *name, int64_t size);

/* The first bytes without consuming them: up to `len` into buf, the count in
 * *got. A stream-only source is wrapped so that they come again. */
int source_head(struct source **s, uint8_t *buf, size_t len, size_t *got,
                struct err *e);

/* --- places ---------------------------------------------------------------*/

/* A regular file or a block device (seekable), or a FIFO, terminal or socket
 * (stream). A file whose size changes before its end was read is ERR_CORRUPT; a
 * directory is ERR_USAGE. A FIFO is waited for until it has a writer. */
int source_open_file(struct source **out, const char *path,
                     const struct wait *wait, struct err *e);

/* An open descriptor, which stays the caller's: stdin. Seekable where it is a
 * file or a block device: then byte 0 is the descriptor's present offset, and
 * where that stands afterwards is not defined. A stream else; its O_NONBLOCK is
 * left alone. */
int source_open_fd(struct source **out, int fd, const char *name,
                   const struct wait *wait, struct err *e);

/* What fn(ctx, buf, room) hands out: the count, 0 at the end, less than 0 on a
 * failure. A stream. It may block; cancelling does not reach it. */
typedef int64_t source_caller_fn(void *ctx, void *buf, size_t room);
int source_open_caller(struct source **out, source_caller_fn *fn, void *ctx,
                       const char *name, struct err *e);

/* --- wrappers --------------------------------------------------------------*/

/* Inflates gzip (any number of members, the sums checked). The end is that of
 * the compressed source, too: bytes after the last member are an error, zero
 * padding is not. What sink_gzip has written is inflated by the pool's threads,
 * everything else, or without a pool (NULL), by the caller's; the verdict is
 * the same. The pool must outlive the source. */
int source_gunzip(struct source **s, struct pool *pool, struct err *e);

/* Decompresses zstd: any number of frames, skippable ones between them, the
 * sums checked where there are such. A frame that needs a window of more than
 * 128 MiB or a dictionary is ERR_UNSUPPORTED; bytes after the last frame are an
 * error, zero padding is not. What sink_zstd has written is decompressed by the
 * pool's threads, as with source_gunzip. */
int source_unzstd(struct source **s, struct pool *pool, struct err *e);

/* Reads ahead in a thread of its own through a ring of buffers. Seekability is
 * lost. With `threads` 0 it does nothing.
 *
 * Closing it joins the thread, which may be waiting for a stalled network. So
 * `stop` is a cancel that the inner source's wait has (cancel_open_child of the
 * user's one): closing before the end requests it. NULL where the inner source
 * never waits long, or the caller requests it before closing. */
int source_async(struct source **s, unsigned threads, struct cancel *stop,
                 struct err *e);

/* The first `size` bytes of a seekable source, which has at least those: its
 * end is theirs. */
int source_limit(struct source **s, uint64_t size, struct err *e);

/* A disk inside a tar archive: wraps the archive, stands on the first member
 * that is taken. See tar_source.h for what is taken and what is refused. */

#endif
