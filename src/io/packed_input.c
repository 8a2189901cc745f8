/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/packed_input.h"

#include "base/checked.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { INPUT_SIZE = 256 * 1024 };

int packed_input_open(struct packed_input *in, struct source *inner,
                      struct err *e)
{
    *in = (struct packed_input){.inner = inner, .room = INPUT_SIZE};
    TRY(mem_alloc_buffer(&in->buffer, PACKED_HEADROOM + INPUT_SIZE, e));
    in->next = in->buffer + PACKED_HEADROOM;
    return 0;
}

void packed_input_close(struct packed_input *in)
{
    free(in->buffer);
    in->buffer = NULL;
}

uint64_t packed_input_place(const struct packed_input *in)
{
    return in->inner->pos - in->left;
}

/* A source that has failed is not asked again. */
static int64_t read_inner(struct packed_input *in, uint8_t *buf, size_t len,
                          struct err *e)
{
    if (in->failure.code < 0 && e)
        *e = in->failure;
    if (in->failure.code < 0)
        return in->failure.code;
    return source_read(in->inner, buf, len, e);
}

int packed_input_fill(struct packed_input *in, struct err *e)
{
    int64_t got;

    if (in->left)
        return 1;
    in->next = in->buffer + PACKED_HEADROOM;
    got = read_inner(in, in->next, in->room, e);
    if (got <= 0)
        return (int)got;
    in->left = (size_t)got;
    return 1;
}

/* The failure is kept for when what there is has been used. */
static size_t read_ahead(struct packed_input *in, uint8_t *buf, size_t len)
{
    struct err e = {0};
    int64_t got = read_inner(in, buf, len, &e);

    if (got < 0)
        in->failure = e;
    return got < 0 ? 0 : (size_t)got;
}

bool packed_input_peek(struct packed_input *in, size_t len)
{
    uint8_t *begin = in->buffer + PACKED_HEADROOM;
    size_t got = 1;

    if (in->left < len && in->next != begin) {
        memmove(begin, in->next, in->left);
        in->next = begin;
    }
    while (in->left < len && got) {
        got = read_ahead(in, begin + in->left, in->room - in->left);
        in->left += got;
    }
    return in->left >= len;
}

size_t packed_input_take(struct packed_input *in, uint8_t *buf, size_t len)
{
    size_t done = (size_t)min_u64(in->left, len);
    size_t got = 1;

    memcpy(buf, in->next, done);
    in->next += done;
    in->left -= done;
    while (done < len && got) {
        got = read_ahead(in, buf + done, len - done);
        done += got;
    }
    return done;
}

int packed_input_put_back(struct packed_input *in,
                          const struct packed_stretch *stretches,
                          unsigned count, struct err *e)
{
    uint8_t *buffer = NULL, *to;
    size_t len = in->left;

    for (unsigned i = 0; i < count; i++)
        len += stretches[i].len;
    TRY(mem_alloc_buffer(&buffer, PACKED_HEADROOM + max_u64(len, INPUT_SIZE),
                         e));
    to = buffer + PACKED_HEADROOM;
    for (unsigned i = 0; i < count; i++) {
        memcpy(to, stretches[i].bytes, stretches[i].len);
        to += stretches[i].len;
    }
    memcpy(to, in->next, in->left);
    free(in->buffer);
    in->buffer = buffer;
    in->next = buffer + PACKED_HEADROOM;
    in->room = (size_t)max_u64(len, INPUT_SIZE);
    in->left = len;
    return 0;
}
