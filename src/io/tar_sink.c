/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/checked.h"
#include "base/mem.h"
#include "io/tar_header.h"
#include "io/tar_tail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct tar_sink {
    struct sink base;
    struct sink *inner;
    uint64_t before;  /* bytes of the archive in front of the member's data */
    uint64_t start;   /* base.pos at its first byte */
    uint64_t size;    /* of the member, promised in its header */
    bool too_long;    /* more was to be written */
    const char *tail; /* of the file behind the archive; NULL: there is none */
    size_t tail_len;
};

static int check_room(struct tar_sink *t, uint64_t len, struct err *e)
{
    t->too_long |= len > t->size - (t->base.pos - t->start);
    if (t->too_long)
        return err_set(e, ERR_CORRUPT,
                       "%s: more than the %" PRIu64
                       " bytes that the tar header promises",
                       t->base.name, t->size);
    return 0;
}

static int tar_write(struct sink *s, const void *buf, size_t len, struct err *e)
{
    struct tar_sink *t = (struct tar_sink *)s;

    TRY(check_room(t, len, e));
    return sink_write(t->inner, buf, len, e);
}

static int tar_zeros(struct sink *s, uint64_t len, struct err *e)
{
    struct tar_sink *t = (struct tar_sink *)s;

    TRY(check_room(t, len, e));
    return sink_zeros(t->inner, len, e);
}

/* The member is padded to a whole block; two empty ones end the archive. */
uint64_t sink_tar_size(uint64_t size)
{
    return round_up(TAR_BLOCK + round_up(size, TAR_BLOCK) + 2 * TAR_BLOCK,
                    TAR_RECORD);
}

static int check_member(struct tar_sink *t, struct err *e)
{
    uint64_t written = t->base.pos - t->start;

    TRY(check_room(t, 0, e));
    if (written == t->size)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: ends after %" PRIu64 " of the %" PRIu64
                   " bytes that the tar header promises",
                   t->base.name, written, t->size);
}

static int tar_finish(struct sink *s, struct err *e)
{
    struct tar_sink *t = (struct tar_sink *)s;
    uint64_t end = t->before + t->size;

    TRY(check_member(t, e));
    TRY(sink_zeros(
        t->inner,
        round_up(round_up(end, TAR_BLOCK) + 2 * TAR_BLOCK, TAR_RECORD) - end,
        e));
    if (t->tail)
        TRY(tar_tail_write(t->inner, t->tail, t->tail_len, e));
    return sink_finish(t->inner, e);
}

static void tar_close(struct sink *s, struct err *why)
{
    struct tar_sink *t = (struct tar_sink *)s;
    struct sink *inner = t->inner;

    free(t);
    sink_close(inner, why);
}

static const struct sink_ops tar_ops = {
    .write = tar_write,
    .zeros = tar_zeros,
    .finish = tar_finish,
    .close = tar_close,
};

void sink_tar_tail(struct sink *s, const char *text, size_t len)
{
    struct tar_sink *t = (struct tar_sink *)s;

    t->tail = text;
    t->tail_len = len;
}

/* The header of the next member, whose place in the archive is known. */
static int begin_member(struct tar_sink *t, const char *name, uint64_t size,
                        struct err *e)
{
    uint8_t header[TAR_BLOCK];

    if (!*name || strlen(name) > TAR_NAME_MAX)
        return err_set(e, ERR_USAGE, "%s: not the name of a tar member", name);
    if (size > INT64_MAX - TAR_RECORD - t->before)
        return err_set(e, ERR_NO_SPACE, "%s: %" PRIu64 " bytes are too many",
                       t->base.name, size);
    t->before += TAR_BLOCK;
    t->start = t->base.pos;
    t->size = size;
    tar_header_encode(header, name, size);
    return sink_write(t->inner, header, sizeof(header), e);
}

int sink_tar_next(struct sink *s, const char *name, uint64_t size,
                  struct err *e)
{
    struct tar_sink *t = (struct tar_sink *)s;
    uint64_t end = t->before + t->size;

    TRY(check_member(t, e));
    TRY(sink_zeros(t->inner, round_up(end, TAR_BLOCK) - end, e));
    t->before = round_up(end, TAR_BLOCK);
    return begin_member(t, name, size, e);
}

int sink_tar(struct sink **s, const char *name, uint64_t size, struct err *e)
{
    FREE struct tar_sink *t = NULL;

    TRY(mem_alloc(&t, sizeof(*t), "a sink", e));
    sink_init(&t->base, &tar_ops, (*s)->name);
    t->inner = *s;
    TRY(begin_member(t, name, size, e));
    *s = &t->base;
    t = NULL;
    return 0;
}
