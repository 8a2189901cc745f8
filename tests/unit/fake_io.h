/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FAKE_IO_H
#define VHDSTREAM_FAKE_IO_H

/* Sources and sinks in memory, that tell what was done to them. After
 * unit.h. */

#include "io/sink.h"
#include "io/source.h"

#include <stdlib.h>

/* Hands out data[0 .. len), `step` bytes at a time, then its end. */
struct fake_source {
    struct source base;
    const uint8_t *data;
    size_t len;
    size_t step;     /* most bytes of one read; 0: no limit */
    int fail;        /* code of a failure instead of the end, or 0 */
    unsigned closed; /* how often */
};

static inline int64_t fake_source_read(struct source *s, void *buf, size_t len,
                                       struct err *e)
{
    struct fake_source *f = (struct fake_source *)s;
    size_t left = f->len - (size_t)s->pos;

    if (!left && f->fail)
        return err_set(e, f->fail, "fake: failed");
    if (f->step && len > f->step)
        len = f->step;
    if (len > left)
        len = left;
    memcpy(buf, f->data + s->pos, len);
    return (int64_t)len;
}

static inline void fake_source_close(struct source *s)
{
    ((struct fake_source *)s)->closed++;
}

/* The struct is the test's, and outlives its closing. */
static inline struct source *fake_source_open(struct fake_source *f,
                                              const void *data, size_t len)
{
    static const struct source_ops ops = {
        .read = fake_source_read,
        .close = fake_source_close,
    };

    memset(f, 0, sizeof(*f));
    f->data = data;
    f->len = len;
    source_init(&f->base, &ops, "fake", -1);
    return &f->base;
}

/* Keeps what is written. */
struct fake_sink {
    struct sink base;
    uint8_t *data; /* freed by fake_sink_free */
    size_t len;
    size_t room;
    size_t fail_at; /* a write that goes beyond fails; 0: none */
    int fail_finish;
    uint64_t zeros; /* bytes that came as zeros */
    unsigned closed;
};

static inline int fake_sink_write(struct sink *s, const void *buf, size_t len,
                                  struct err *e)
{
    struct fake_sink *f = (struct fake_sink *)s;

    if (f->fail_at && f->len + len > f->fail_at)
        return err_set(e, ERR_NO_SPACE, "fake: full");
    if (f->len + len > f->room) {
        f->room = 2 * (f->len + len);
        f->data = realloc(f->data, f->room);
    }
    memcpy(f->data + f->len, buf, len);
    f->len += len;
    return 0;
}

static inline int fake_sink_zeros(struct sink *s, uint64_t len, struct err *e)
{
    struct fake_sink *f = (struct fake_sink *)s;
    uint8_t *zeros = calloc(1, len);
    int code = fake_sink_write(s, zeros, len, e);

    f->zeros += len;
    free(zeros);
    return code;
}

static inline int fake_sink_finish(struct sink *s, struct err *e)
{
    struct fake_sink *f = (struct fake_sink *)s;

    if (f->fail_finish)
        return err_set(e, f->fail_finish, "fake: not finished");
    return 0;
}

static inline void fake_sink_close(struct sink *s, struct err *why)
{
    (void)why;
    ((struct fake_sink *)s)->closed++;
}

static inline struct sink *fake_sink_open(struct fake_sink *f)
{
    static const struct sink_ops ops = {
        .write = fake_sink_write,
        .zeros = fake_sink_zeros,
        .finish = fake_sink_finish,
        .close = fake_sink_close,
    };

    memset(f, 0, sizeof(*f));
    sink_init(&f->base, &ops, "fake");
    return &f->base;
}

static inline void fake_sink_free(struct fake_sink *f)
{
    free(f->data);
    f->data = NULL;
}

#endif
