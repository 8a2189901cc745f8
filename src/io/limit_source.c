/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/mem.h"
#include "io/source.h"

#include <inttypes.h>
#include <stdlib.h>

struct limit_source {
    struct source base;
    struct source *inner;
};

static struct source *inner_of(struct source *s)
{
    return ((struct limit_source *)s)->inner;
}

static int64_t limit_pread(struct source *s, void *buf, size_t len,
                           uint64_t offset, struct err *e)
{
    uint64_t size = (uint64_t)s->size;

    if (offset >= size)
        return 0;
    len = (size_t)min_u64(len, size - offset);
    return inner_of(s)->ops->pread(inner_of(s), buf, len, offset, e);
}

static int64_t limit_read(struct source *s, void *buf, size_t len,
                          struct err *e)
{
    return limit_pread(s, buf, len, s->pos, e);
}

static int limit_data(struct source *s, uint64_t from, uint64_t *start,
                      uint64_t *end, struct err *e)
{
    uint64_t first, last;
    int more = source_data(inner_of(s), from, &first, &last, e);

    if (more <= 0)
        return more;
    if (first >= (uint64_t)s->size)
        return 0;
    *start = first;
    *end = min_u64(last, (uint64_t)s->size);
    return 1;
}

static void limit_close(struct source *s)
{
    source_close(inner_of(s));
    free(s);
}

static const struct source_ops limit_ops = {
    .read = limit_read,
    .pread = limit_pread,
    .data = limit_data,
    .close = limit_close,
};

int source_limit(struct source **s, uint64_t size, struct err *e)
{
    struct limit_source *l = NULL;

    if ((*s)->size < 0 || size > (uint64_t)(*s)->size)
        return err_set(e, ERR_CORRUPT,
                       "%s: has %" PRId64 " bytes, expected %" PRIu64
                       " or more",
                       (*s)->name, (*s)->size, size);
    TRY(mem_alloc(&l, sizeof(*l), "a source", e));
    source_init(&l->base, &limit_ops, (*s)->name, (int64_t)size);
    l->inner = *s;
    *s = &l->base;
    return 0;
}
