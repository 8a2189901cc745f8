/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"

#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void source_init(struct source *s, const struct source_ops *ops,
                 const char *name, int64_t size)
{
    s->ops = ops;
    s->size = size;
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
}

static void count(struct source *s, uint64_t len)
{
    if (s->meter)
        atomic_fetch_add_explicit(s->meter, len, memory_order_relaxed);
}

int64_t source_read(struct source *s, void *buf, size_t len, struct err *e)
{
    struct stage *before;
    int64_t got;

    if (s->ended || !len)
        return 0;
    before = stage_enter_if(s->stage);
    got = s->ops->read(s, buf, rate_piece(s->rate, len), e);
    stage_leave(before);
    if (got == 0)
        s->ended = true;
    if (got <= 0)
        return got;
    s->pos += (uint64_t)got;
    count(s, (uint64_t)got);
    TRY(rate_pay(s->rate, (size_t)got, e));
    return got;
}

int64_t source_read_most(struct source *s, void *buf, size_t len, struct err *e)
{
    size_t have = 0;

    while (have < len) {
        int64_t got = source_read(s, (uint8_t *)buf + have, len - have, e);

        if (got < 0)
            return got;
        if (!got)
            break;
        have += (size_t)got;
    }
    return (int64_t)have;
}

static int cut_short(const struct source *s, uint64_t at, size_t missing,
                     const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: ends at byte %" PRIu64 ", %zu bytes short in %s",
                   s->name, at, missing, what);
}

int source_read_full(struct source *s, void *buf, size_t len, const char *what,
                     struct err *e)
{
    int64_t got = source_read_most(s, buf, len, e);

    if (got < 0)
        return (int)got;
    if ((size_t)got < len)
        return cut_short(s, s->pos, len - (size_t)got, what, e);
    return 0;
}

int source_skip(struct source *s, uint64_t len, const char *what, struct err *e)
{
    FREE uint8_t *scratch = NULL;
    size_t size = (size_t)min_u64(len, 128 * 1024);

    if (!len)
        return 0;
    TRY(mem_alloc(&scratch, size, "a buffer", e));
    while (len) {
        size_t now = (size_t)min_u64(len, size);

        TRY(source_read_full(s, scratch, now, what, e));
        len -= now;
    }
    return 0;
}

uint64_t source_pass(struct source *s, uint64_t len)
{
    uint64_t now;

    if (!s->ops->reads_at_pos || s->ended)
        return 0;
    now = min_u64(len, (uint64_t)s->size - s->pos);
    s->pos += now;
    return now;
}

int source_drain(struct source *s, uint64_t max, uint64_t *len, struct err *e)
{
    FREE uint8_t *scratch = NULL;
    uint64_t total = 0;
    int64_t got;

    TRY(mem_alloc(&scratch, 128 * 1024, "a buffer", e));
    do {
        got = source_read(s, scratch, 128 * 1024, e);
        TRY(got);
        total += (uint64_t)got;
    } while (got && total <= max);
    *len = total;
    return 0;
}

bool source_is_seekable(const struct source *s)
{
    return s->ops->pread != NULL;
}

int source_pread_full(struct source *s, void *buf, size_t len, uint64_t offset,
                      const char *what, struct err *e)
{
    size_t have = 0;

    while (have < len) {
        size_t piece = rate_piece(s->rate, len - have);
        struct stage *before = stage_enter_if(s->stage);
        int64_t got =
            s->ops->pread(s, (uint8_t *)buf + have, piece, offset + have, e);

        stage_leave(before);
        if (got < 0)
            return (int)got;
        if (!got)
            return cut_short(s, offset + have, len - have, what, e);
        have += (size_t)got;
        TRY(rate_pay(s->rate, (size_t)got, e));
    }
    count(s, len);
    return 0;
}

int source_data(struct source *s, uint64_t from, uint64_t *start, uint64_t *end,
                struct err *e)
{
    if (s->ops->data)
        return s->ops->data(s, from, start, end, e);
    if (s->size < 0 || from >= (uint64_t)s->size)
        return 0;
    *start = from;
    *end = (uint64_t)s->size;
    return 1;
}

void source_close(struct source *s)
{
    if (s)
        s->ops->close(s);
}

void source_cleanup(struct source **s)
{
    source_close(*s);
    *s = NULL;
}

/* A stream whose first bytes were read already: hands them out again. */
struct replay_source {
    struct source base;
    struct source *inner;
    uint8_t *head;
    size_t head_len, head_pos;
};

static int64_t replay_read(struct source *s, void *buf, size_t len,
                           struct err *e)
{
    struct replay_source *r = (struct replay_source *)s;
    size_t left = r->head_len - r->head_pos;

    if (!left)
        return source_read(r->inner, buf, len, e);
    if (len > left)
        len = left;
    memcpy(buf, r->head + r->head_pos, len);
    r->head_pos += len;
    return (int64_t)len;
}

static void replay_close(struct source *s)
{
    struct replay_source *r = (struct replay_source *)s;

    source_close(r->inner);
    free(r->head);
    free(r);
}

static const struct source_ops replay_ops = {
    .read = replay_read,
    .close = replay_close,
};

static int replay_wrap(struct source **s, const uint8_t *head, size_t len,
                       struct err *e)
{
    FREE struct replay_source *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "a source", e));
    TRY(mem_alloc(&r->head, len, "the head of a stream", e));
    memcpy(r->head, head, len);
    r->head_len = len;
    r->inner = *s;
    source_init(&r->base, &replay_ops, (*s)->name, (*s)->size);
    *s = &r->base;
    r = NULL;
    return 0;
}

int source_head(struct source **s, uint8_t *buf, size_t len, size_t *got,
                struct err *e)
{
    int64_t have;

    if (source_is_seekable(*s)) {
        size_t size =
            (*s)->size < 0 ? len : (size_t)min_u64((uint64_t)(*s)->size, len);

        TRY(source_pread_full(*s, buf, size, 0, "its first bytes", e));
        *got = size;
        return 0;
    }
    have = source_read_most(*s, buf, len, e);
    if (have < 0)
        return (int)have;
    TRY(replay_wrap(s, buf, (size_t)have, e));
    *got = (size_t)have;
    return 0;
}
