/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

struct memory_source {
    struct source base;
    const uint8_t *data;
    size_t len, chunk;
};

static int64_t memory_pread(struct source *s, void *buf, size_t len,
                            uint64_t offset, struct err *e)
{
    struct memory_source *m = (struct memory_source *)s;

    (void)e;
    if (offset >= m->len)
        return 0;
    if (len > m->len - offset)
        len = m->len - offset;
    if (len > m->chunk)
        len = m->chunk;
    memcpy(buf, m->data + offset, len);
    return (int64_t)len;
}

static int64_t memory_read(struct source *s, void *buf, size_t len,
                           struct err *e)
{
    return memory_pread(s, buf, len, s->pos, e);
}

static void memory_source_close(struct source *s)
{
    free(s);
}

static const struct source_ops stream_ops = {
    .read = memory_read,
    .close = memory_source_close,
};

static const struct source_ops seekable_ops = {
    .read = memory_read,
    .pread = memory_pread,
    .close = memory_source_close,
};

struct source *memory_source(const uint8_t *data, size_t len, size_t chunk,
                             bool seekable)
{
    struct memory_source *m = calloc(1, sizeof(*m));

    if (!m)
        abort();
    source_init(&m->base, seekable ? &seekable_ops : &stream_ops, "memory",
                seekable ? (int64_t)len : -1);
    m->data = data;
    m->len = len;
    m->chunk = chunk;
    return &m->base;
}

struct memory_sink {
    struct sink base;
    uint8_t **data;
    size_t *len;
};

static void grow(struct memory_sink *m, size_t len)
{
    uint8_t *bigger = realloc(*m->data, len ? len : 1);

    if (!bigger)
        abort();
    *m->data = bigger;
    *m->len = len;
}

static int memory_write(struct sink *s, const void *buf, size_t len,
                        struct err *e)
{
    struct memory_sink *m = (struct memory_sink *)s;
    size_t at = *m->len;

    (void)e;
    grow(m, at + len);
    memcpy(*m->data + at, buf, len);
    return 0;
}

static int memory_clear(struct sink *s, uint64_t size, struct err *e)
{
    struct memory_sink *m = (struct memory_sink *)s;

    (void)e;
    grow(m, size);
    memset(*m->data, 0, size);
    return 0;
}

static int memory_pwrite(struct sink *s, const void *buf, size_t len,
                         uint64_t offset, struct err *e)
{
    struct memory_sink *m = (struct memory_sink *)s;

    if (offset + len > *m->len)
        return err_set(e, ERR_FAILED, "written past the end");
    memcpy(*m->data + offset, buf, len);
    return 0;
}

static int memory_finish(struct sink *s, struct err *e)
{
    (void)s, (void)e;
    return 0;
}

static void memory_sink_close(struct sink *s, struct err *why)
{
    (void)why;
    free(s);
}

static const struct sink_ops append_ops = {
    .write = memory_write,
    .finish = memory_finish,
    .close = memory_sink_close,
};

static const struct sink_ops place_ops = {
    .write = memory_write,
    .clear = memory_clear,
    .pwrite = memory_pwrite,
    .finish = memory_finish,
    .close = memory_sink_close,
};

struct sink *memory_sink(uint8_t **data, size_t *len, bool seekable)
{
    struct memory_sink *m = calloc(1, sizeof(*m));

    if (!m)
        abort();
    sink_init(&m->base, seekable ? &place_ops : &append_ops, "memory");
    m->data = data;
    m->len = len;
    *data = NULL;
    *len = 0;
    return &m->base;
}
