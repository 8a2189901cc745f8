/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/checked.h"
#include "base/zero.h"

#include <stdio.h>

void sink_init(struct sink *s, const struct sink_ops *ops, const char *name)
{
    s->ops = ops;
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
}

static void count(struct sink *s, uint64_t len)
{
    if (s->meter)
        atomic_fetch_add_explicit(s->meter, len, memory_order_relaxed);
}

static int write_piece(struct sink *s, const void *buf, size_t len,
                       struct err *e)
{
    struct stage *before = stage_enter_if(s->stage);
    int code = s->ops->write(s, buf, len, e);

    stage_leave(before);
    return code;
}

int sink_write(struct sink *s, const void *buf, size_t len, struct err *e)
{
    for (const uint8_t *from = buf; len;) {
        size_t now = rate_piece(s->rate, len);

        TRY(rate_pay(s->rate, now, e));
        TRY(write_piece(s, from, now, e));
        s->pos += now;
        count(s, now);
        from += now;
        len -= now;
    }
    return 0;
}

static int zero_piece(struct sink *s, uint64_t len, struct err *e)
{
    struct stage *before = stage_enter_if(s->stage);
    int code = s->ops->zeros(s, len, e);

    stage_leave(before);
    return code;
}

int sink_zeros(struct sink *s, uint64_t len, struct err *e)
{
    if (!len)
        return 0;
    if (s->ops->zeros) {
        TRY(zero_piece(s, len, e));
        s->pos += len;
        count(s, len);
        return 0;
    }
    while (len) {
        size_t now = (size_t)min_u64(len, ZERO_SIZE);

        TRY(sink_write(s, zero_bytes, now, e));
        len -= now;
    }
    return 0;
}

bool sink_is_seekable(const struct sink *s)
{
    return s->ops->pwrite != NULL;
}

int sink_clear(struct sink *s, uint64_t size, struct err *e)
{
    return s->ops->clear(s, size, e);
}

static int place_piece(struct sink *s, const void *buf, size_t len,
                       uint64_t offset, struct err *e)
{
    struct stage *before = stage_enter_if(s->stage);
    int code = s->ops->pwrite(s, buf, len, offset, e);

    stage_leave(before);
    return code;
}

int sink_pwrite(struct sink *s, const void *buf, size_t len, uint64_t offset,
                struct err *e)
{
    for (const uint8_t *from = buf; len;) {
        size_t now = rate_piece(s->rate, len);

        TRY(rate_pay(s->rate, now, e));
        TRY(place_piece(s, from, now, offset, e));
        count(s, now);
        from += now;
        offset += now;
        len -= now;
    }
    return 0;
}

int sink_grow(struct sink *s, uint64_t size, struct err *e)
{
    return s->ops->grow(s, size, e);
}

bool sink_can_pread(const struct sink *s)
{
    return s->ops->pread != NULL;
}

int sink_pread(struct sink *s, void *buf, size_t len, uint64_t offset,
               struct err *e)
{
    return s->ops->pread(s, buf, len, offset, e);
}

int sink_finish(struct sink *s, struct err *e)
{
    struct stage *before = stage_enter_if(s->stage);
    int code = s->ops->finish(s, e);

    stage_leave(before);
    TRY(code);
    s->finished = true;
    return 0;
}

int sink_refuse_hold(const char *name, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "%s: what is written there cannot be read back, so --verify "
                   "has no meaning; write a file, or take the digest on both "
                   "sides: --digest here, vhdstream digest there",
                   name);
}

int sink_hold(struct sink *s, struct err *e)
{
    if (!s->ops->reopen)
        return sink_refuse_hold(s->name, e);
    s->held = true;
    return 0;
}

int sink_reopen(struct sink *s, struct source **out, struct err *e)
{
    return s->ops->reopen(s, out, e);
}

int sink_release(struct sink *s, struct err *e)
{
    return s->ops->release(s, e);
}

void sink_close(struct sink *s, struct err *why)
{
    if (s)
        s->ops->close(s, why);
}

void sink_cleanup(struct sink **s)
{
    sink_close(*s, NULL);
    *s = NULL;
}
