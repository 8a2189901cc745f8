/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/deflate_chunk.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "io/deflate_join.h"
#include "io/deflate_probe.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAST_LEVELS = 3, /* up to this one ISA-L, above libdeflate */
    STORED_MAX = 65535,
    STORED_HEAD = 5,
    LEVEL_BUFFER = ISAL_DEF_LVL3_MEDIUM,
};

const uint8_t deflate_end[DEFLATE_END_SIZE] = {0x03, 0x00};

/* What a level is made by: ISA-L's level, or libdeflate. */
struct method {
    int fast_level;
    struct libdeflate_compressor *dense; /* NULL for fast levels */
};

struct deflater {
    struct isal_zstream fast;
    uint8_t *level_buffer; /* of `fast` */
    struct method methods[DEFLATER_LEVELS_MAX];
    const struct method *method; /* the chosen one */
};

/* ISA-L's level 1 is a little faster than 2, and its output 0.7 % larger; 3 is
 * slower than others are denser. */
static int fast_level(int level)
{
    return level > 1 && level <= FAST_LEVELS ? 2 : 1;
}

static int method_open(struct method *m, int level, struct err *e)
{
    if (level < 1 || level > 9)
        return err_set(e, ERR_USAGE, "level %d: 1 to 9 are possible", level);
    m->fast_level = fast_level(level);
    if (level <= FAST_LEVELS)
        return 0;
    m->dense = libdeflate_alloc_compressor(level);
    return m->dense
               ? 0
               : err_set(e, ERR_NO_SPACE, "out of memory for a compressor");
}

static int start(struct deflater *d, const int *levels, unsigned count,
                 struct err *e)
{
    TRY(mem_alloc_buffer(&d->level_buffer, LEVEL_BUFFER, e));
    isal_deflate_init(&d->fast);
    for (unsigned i = 0; i < count; i++)
        TRY(method_open(&d->methods[i], levels[i], e));
    return 0;
}

int deflater_open_some(struct deflater **out, const int *levels, unsigned count,
                       struct err *e)
{
    struct deflater *d = NULL;
    int code;

    TRY(mem_alloc(&d, sizeof(*d), "a compressor", e));
    d->method = d->methods;
    code = start(d, levels, count, e);
    if (code < 0) {
        deflater_close(d);
        return code;
    }
    *out = d;
    return 0;
}

int deflater_open(struct deflater **out, int level, struct err *e)
{
    return deflater_open_some(out, &level, 1, e);
}

void deflater_choose(struct deflater *d, unsigned index)
{
    d->method = &d->methods[index];
}

void deflater_close(struct deflater *d)
{
    if (!d)
        return;
    for (int i = 0; i < DEFLATER_LEVELS_MAX; i++)
        libdeflate_free_compressor(d->methods[i].dense);
    free(d->level_buffer);
    free(d);
}

/* --- the ways to deflate --------------------------------------------------*/

static size_t stored_size(size_t len)
{
    return len + STORED_HEAD * ((len + STORED_MAX - 1) / STORED_MAX);
}

/* RFC 1951, 3.2.4. */
static size_t store(const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t *begin = out;

    while (len) {
        uint16_t now = (uint16_t)(len < STORED_MAX ? len : STORED_MAX);

        out[0] = 0;
        put_le16(out + 1, now);
        put_le16(out + 3, (uint16_t)~now);
        memcpy(out + STORED_HEAD, in, now);
        out += STORED_HEAD + now;
        in += now;
        len -= now;
    }
    return (size_t)(out - begin);
}

/* 0 where it takes more than `room` bytes. */
static size_t deflate_fast(struct deflater *d, int level, const uint8_t *in,
                           size_t len, uint8_t *out, size_t room)
{
    struct isal_zstream *z = &d->fast;

    isal_deflate_reset(z);
    z->level = (uint32_t)level;
    z->level_buf = d->level_buffer;
    z->level_buf_size = LEVEL_BUFFER;
    z->flush = FULL_FLUSH;
    z->end_of_stream = 0;
    z->next_in = (uint8_t *)(uintptr_t)in;
    z->avail_in = (uint32_t)len;
    z->next_out = out;
    z->avail_out = (uint32_t)room;
    if (isal_deflate(z) != COMP_OK || z->avail_in || !z->avail_out ||
        z->internal_state.state != ZSTATE_NEW_HDR)
        return 0;
    return room - z->avail_out;
}

static size_t deflate_dense(struct deflater *d, const uint8_t *in, size_t len,
                            uint8_t *out, size_t room)
{
    size_t size = libdeflate_deflate_compress(d->method->dense, in, len, out,
                                              room - DEFLATE_JOIN_ROOM);

    return size ? deflate_join(out, size) : 0;
}

/* --- the choice -----------------------------------------------------------*/

/* ISA-L's levels 1 and 2 soon give up on bytes that look random, and miss that
 * they are there again; 3 does not. */
static size_t deflate_fast_or_again(struct deflater *d, const uint8_t *in,
                                    size_t len, uint8_t *out, size_t room,
                                    bool repeats)
{
    size_t size = deflate_fast(d, repeats ? 3 : d->method->fast_level, in, len,
                               out, room);

    if (!repeats && (!size || size > len / 10 * 9) &&
        deflate_has_repeats(in, len))
        size = deflate_fast(d, 3, in, len, out, room);
    return size;
}

size_t deflate_chunk(struct deflater *d, const uint8_t *in, size_t len,
                     uint8_t *out)
{
    bool random = deflate_looks_random(in, len);
    bool repeats = random && deflate_has_repeats(in, len);
    size_t room = stored_size(len);
    size_t size;

    if (random && !repeats)
        size = 0;
    else if (d->method->dense)
        size = deflate_dense(d, in, len, out, room);
    else
        size = deflate_fast_or_again(d, in, len, out, room, repeats);
    return size ? size : store(in, len, out);
}
