/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "io/auto_level.h"
#include "io/crc32.h"
#include "io/deflate_chunk.h"
#include "io/gzip_marker.h"

#include <stdlib.h>
#include <string.h>

/*
 * One gzip member (RFC 1952): header, chunks deflated by the pool, each behind
 * a marker of its size (io/gzip_marker.h), trailer. The cuts between chunks
 * depend on the number of bytes alone, so that neither the sizes of the writes
 * nor the threads show in the result.
 */

/* A chunk on its way. The client fills it, a thread of the pool deflates it,
 * the client writes it and takes it again. */
struct gzip_chunk {
    const struct gzip_sink *owner;
    struct deflater *deflater;
    uint8_t *in; /* DEFLATE_CHUNK_SIZE */
    uint32_t len;
    bool zeros;           /* it is a whole chunk of zeros; `in` holds nothing */
    uint8_t *out;         /* GZIP_MARKER_SIZE + DEFLATE_CHUNK_ROOM */
    const uint8_t *ready; /* what to write: out, or the owner's zero chunk */
    size_t ready_len;
    uint32_t crc;  /* of in */
    unsigned step; /* of the owner's levels */
};

struct gzip_sink {
    struct sink base;
    struct sink *inner;
    struct lane *lane;
    struct gzip_chunk *chunks;
    void **slots; /* the same, as the lane wants them */
    unsigned nchunks;
    uint8_t *zeros; /* a deflated chunk of zeros */
    size_t zeros_len;
    uint32_t zeros_crc;
    bool chooses; /* a level for each chunk */
    struct auto_level levels;
    int waited_for; /* the step of what the next chunk had to wait for */
    uint32_t crc;   /* of what was written out */
    bool broken;    /* something was lost: never to be ended validly */
};

/* --- the work of a chunk --------------------------------------------------*/

static void use_zeros(struct gzip_chunk *c)
{
    c->ready = c->owner->zeros;
    c->ready_len = c->owner->zeros_len;
    c->crc = c->owner->zeros_crc;
}

/* Marker and deflated content into c->out; the size of both. */
static size_t deflate_marked(struct gzip_chunk *c, struct deflater *d)
{
    size_t size = deflate_chunk(d, c->in, c->len, c->out + GZIP_MARKER_SIZE);

    gzip_marker_encode(c->out, (uint32_t)size);
    return GZIP_MARKER_SIZE + size;
}

static int deflate_one(void *slot, struct err *e)
{
    struct gzip_chunk *c = slot;

    (void)e;
    if (c->zeros || (c->len == DEFLATE_CHUNK_SIZE && zero_is(c->in, c->len))) {
        use_zeros(c);
        return 0;
    }
    c->crc = crc32_add(0, c->in, c->len);
    deflater_choose(c->deflater, c->step);
    c->ready = c->out;
    c->ready_len = deflate_marked(c, c->deflater);
    return 0;
}

/* --- the client's side ----------------------------------------------------*/

static int put_oldest(struct gzip_sink *g, struct err *e)
{
    struct gzip_chunk *c;
    void *slot;
    int more = lane_take(g->lane, &slot, e);

    if (more <= 0)
        return more;
    c = slot;
    TRY(sink_write(g->inner, c->ready, c->ready_len, e));
    g->crc = crc32_join(g->crc, c->crc, c->len);
    c->len = 0;
    c->zeros = false;
    lane_release(g->lane);
    return 1;
}

/* The chunk to fill; makes room for it, in the place of the oldest one. */
static int open_chunk(struct gzip_sink *g, struct gzip_chunk **c, struct err *e)
{
    bool waits = false;

    while (!(*c = lane_slot(g->lane))) {
        waits = !lane_ready(g->lane);
        TRY(put_oldest(g, e));
    }
    if (waits)
        g->waited_for = (int)(*c)->step;
    return 0;
}

static void submit(struct gzip_sink *g, struct gzip_chunk *c)
{
    if (g->chooses)
        c->step =
            auto_level_next(&g->levels, g->waited_for, lane_busy(g->lane));
    g->waited_for = AUTO_LEVEL_NOBODY;
    lane_submit(g->lane);
}

/* Sends the chunk that open_chunk gave, and writes out one that is ready: not
 * all, since while they are written no more come, and threads have nothing to
 * do. */
static int send_chunk(struct gzip_sink *g, struct gzip_chunk *c, struct err *e)
{
    submit(g, c);
    if (lane_ready(g->lane))
        TRY(put_oldest(g, e));
    return 0;
}

/* Appends up to a chunk's end; stores how much of `len`. buf NULL: zeros. */
static int append(struct gzip_sink *g, const uint8_t *buf, uint64_t len,
                  size_t *taken, struct err *e)
{
    struct gzip_chunk *c;

    TRY(open_chunk(g, &c, e));
    *taken = (size_t)min_u64(len, DEFLATE_CHUNK_SIZE - c->len);
    if (buf)
        memcpy(c->in + c->len, buf, *taken);
    else if (*taken == DEFLATE_CHUNK_SIZE)
        c->zeros = true;
    else
        memset(c->in + c->len, 0, *taken);
    c->len += (uint32_t)*taken;
    return c->len == DEFLATE_CHUNK_SIZE ? send_chunk(g, c, e) : 0;
}

static int append_all(struct gzip_sink *g, const uint8_t *buf, uint64_t len,
                      struct err *e)
{
    while (len) {
        size_t taken = 0;
        int code = append(g, buf, len, &taken, e);

        if (code < 0) {
            g->broken = true;
            return code;
        }
        if (buf)
            buf += taken;
        len -= taken;
    }
    return 0;
}

static int gzip_write(struct sink *s, const void *buf, size_t len,
                      struct err *e)
{
    return append_all((struct gzip_sink *)s, buf, len, e);
}

static int gzip_zeros(struct sink *s, uint64_t len, struct err *e)
{
    return append_all((struct gzip_sink *)s, NULL, len, e);
}

/* --- both ends of the member ----------------------------------------------*/

static int put_header(struct gzip_sink *g, int level, struct err *e)
{
    /* Magic, deflate, no flags, no time, how hard it was tried, Unix. */
    uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

    header[8] = level == 9 ? 2 : level == 1 ? 4 : 0;
    return sink_write(g->inner, header, sizeof(header), e);
}

static int put_trailer(struct gzip_sink *g, struct err *e)
{
    uint8_t trailer[DEFLATE_END_SIZE + 8];

    memcpy(trailer, deflate_end, DEFLATE_END_SIZE);
    put_le32(trailer + DEFLATE_END_SIZE, g->crc);
    put_le32(trailer + DEFLATE_END_SIZE + 4, (uint32_t)g->base.pos);
    return sink_write(g->inner, trailer, sizeof(trailer), e);
}

static int gzip_finish(struct sink *s, struct err *e)
{
    struct gzip_sink *g = (struct gzip_sink *)s;
    struct gzip_chunk *c;
    int more;

    if (g->broken)
        return err_set(e, ERR_FAILED, "%s: a write failed earlier", s->name);
    g->broken = true;
    TRY(open_chunk(g, &c, e));
    if (c->len)
        submit(g, c);
    while ((more = put_oldest(g, e)) > 0)
        ;
    TRY(more);
    TRY(put_trailer(g, e));
    return sink_finish(g->inner, e);
}

/* --- opening and closing --------------------------------------------------*/

/* Frees all but the inner sink. */
static void free_own(struct gzip_sink *g)
{
    lane_close(g->lane);
    for (unsigned i = 0; g->chunks && i < g->nchunks; i++) {
        deflater_close(g->chunks[i].deflater);
        free(g->chunks[i].in);
        free(g->chunks[i].out);
    }
    free(g->chunks);
    free(g->slots);
    free(g->zeros);
    free(g);
}

static void gzip_close(struct sink *s, struct err *why)
{
    struct gzip_sink *g = (struct gzip_sink *)s;
    struct sink *inner = g->inner;

    free_own(g);
    sink_close(inner, why);
}

static const struct sink_ops gzip_ops = {
    .write = gzip_write,
    .zeros = gzip_zeros,
    .finish = gzip_finish,
    .close = gzip_close,
};

static int open_chunks(struct gzip_sink *g, int level, struct err *e)
{
    TRY(mem_alloc_array(&g->slots, g->nchunks, sizeof(*g->slots), "chunks", e));
    TRY(mem_alloc_array(&g->chunks, g->nchunks, sizeof(*g->chunks), "chunks",
                        e));
    for (unsigned i = 0; i < g->nchunks; i++) {
        struct gzip_chunk *c = &g->chunks[i];

        c->owner = g;
        if (g->chooses)
            TRY(deflater_open_some(&c->deflater, auto_levels, AUTO_LEVEL_STEPS,
                                   e));
        else
            TRY(deflater_open(&c->deflater, level, e));
        TRY(mem_alloc_buffer(&c->in, DEFLATE_CHUNK_SIZE, e));
        TRY(mem_alloc_buffer(&c->out, GZIP_MARKER_SIZE + DEFLATE_CHUNK_ROOM,
                             e));
        g->slots[i] = c;
    }
    return 0;
}

/* Deflates a chunk of zeros, once for all of them, and densely. */
static int make_zeros(struct gzip_sink *g, struct err *e)
{
    struct gzip_chunk *c = &g->chunks[0];
    struct deflater *dense = NULL;

    TRY(deflater_open(&dense, 9, e));
    memset(c->in, 0, DEFLATE_CHUNK_SIZE);
    c->len = DEFLATE_CHUNK_SIZE;
    g->zeros_len = deflate_marked(c, dense);
    c->len = 0;
    g->zeros_crc = crc32_add(0, c->in, DEFLATE_CHUNK_SIZE);
    deflater_close(dense);
    TRY(mem_alloc(&g->zeros, g->zeros_len, "a chunk of zeros", e));
    memcpy(g->zeros, c->out, g->zeros_len);
    return 0;
}

static int start(struct gzip_sink *g, int level, struct pool *pool,
                 struct err *e)
{
    unsigned threads = pool_threads(pool);

    /* Enough that every thread has one while others are filled and written. */
    g->nchunks = threads ? threads + threads / 2 + 2 : 1;
    g->chooses = level == GZIP_LEVEL_AUTO;
    g->waited_for = AUTO_LEVEL_NOBODY;
    auto_level_init(&g->levels, threads, g->nchunks);
    TRY(open_chunks(g, level, e));
    TRY(make_zeros(g, e));
    TRY(lane_open(&g->lane, pool, g->slots, g->nchunks, deflate_one, e));
    return put_header(g, level, e);
}

int sink_gzip(struct sink **s, int level, struct pool *pool, struct err *e)
{
    struct gzip_sink *g = NULL;
    int code;

    TRY(mem_alloc(&g, sizeof(*g), "a sink", e));
    sink_init(&g->base, &gzip_ops, (*s)->name);
    g->inner = *s;
    code = start(g, level, pool, e);
    if (code < 0) {
        free_own(g);
        return code;
    }
    *s = &g->base;
    return 0;
}
