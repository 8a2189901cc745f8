/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * The header of a member (POSIX ustar), 512 bytes; numbers are octal text:
 *
 *      0  100  name                257    6  "ustar\0"
 *    100    8  mode                263    2  "00"
 *    108    8  owner               265   32  owner's name
 *    116    8  group               297   32  group's name
 *    124   12  size                329    8  device, major
 *    136   12  time                337    8  device, minor
 *    148    8  sum of the header   345  155  what comes before the name
 *    156    1  type
 *    157  100  link's target
 *
 * A size of 8 GiB or more has the first bit set and is binary, as GNU tar
 * writes it: busybox reads that, but not the size in a pax header.
 */
enum {
    TAR_BLOCK = 512,
    TAR_RECORD = 20 * TAR_BLOCK, /* archives are padded to whole ones */
    TAR_NAME_MAX = 99,
};
#define OCTAL_MAX ((UINT64_C(1) << 33) - 1)

struct tar_sink {
    struct sink base;
    struct sink *inner;
    uint64_t size; /* of the member, promised in its header */
    bool too_long; /* more was to be written */
};

/* Octal digits, as many as leave room for the NUL that is there. */
static void put_number(uint8_t *field, size_t size, uint64_t value)
{
    for (size_t i = size - 1; i--; value >>= 3)
        field[i] = (uint8_t)('0' + (value & 7));
}

static void put_size(uint8_t *field, uint64_t size)
{
    if (size <= OCTAL_MAX) {
        put_number(field, 12, size);
    } else {
        field[0] = 0x80;
        put_be64(field + 4, size);
    }
}

/* The sum of all bytes, its own field taken as blanks: six digits, a NUL and a
 * blank. */
static void put_sum(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += header[i];
    put_number(header + 148, 7, sum);
    header[154] = '\0';
}

static int put_header(struct tar_sink *t, const char *name, struct err *e)
{
    uint8_t header[TAR_BLOCK] = {0};

    memcpy(header, name, strlen(name));
    put_number(header + 100, 8, 0644);
    put_number(header + 108, 8, 0);
    put_number(header + 116, 8, 0);
    put_size(header + 124, t->size);
    put_number(header + 136, 12, 0);
    header[156] = '0';
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    put_number(header + 329, 8, 0);
    put_number(header + 337, 8, 0);
    put_sum(header);
    return sink_write(t->inner, header, sizeof(header), e);
}

static int check_room(struct tar_sink *t, uint64_t len, struct err *e)
{
    t->too_long |= len > t->size - t->base.pos;
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

static int tar_finish(struct sink *s, struct err *e)
{
    struct tar_sink *t = (struct tar_sink *)s;

    TRY(check_room(t, 0, e));
    if (s->pos != t->size)
        return err_set(e, ERR_CORRUPT,
                       "%s: ends after %" PRIu64 " of the %" PRIu64
                       " bytes that the tar header promises",
                       s->name, s->pos, t->size);
    TRY(sink_zeros(t->inner, sink_tar_size(t->size) - TAR_BLOCK - t->size, e));
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

int sink_tar(struct sink **s, const char *name, uint64_t size, struct err *e)
{
    FREE struct tar_sink *t = NULL;

    if (!*name || strlen(name) > TAR_NAME_MAX)
        return err_set(e, ERR_USAGE, "%s: not the name of a tar member", name);
    if (size > INT64_MAX - TAR_RECORD)
        return err_set(e, ERR_NO_SPACE, "%s: %" PRIu64 " bytes are too many",
                       (*s)->name, size);
    TRY(mem_alloc(&t, sizeof(*t), "a sink", e));
    sink_init(&t->base, &tar_ops, (*s)->name);
    t->inner = *s;
    t->size = size;
    TRY(put_header(t, name, e));
    *s = &t->base;
    t = NULL;
    return 0;
}
