/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "io/zst_frame.h"

#include <stdlib.h>
#include <string.h>

/*
 * Frames of one chunk each, compressed by the pool, all but the first behind a
 * marker (io/zst_frame.h). The cuts depend on the number of bytes alone, so
 * that neither the sizes of the writes nor the threads show in the result.
 *
 * A stream of frames may end behind any of them. So that none that was not
 * finished looks whole, the head of the next marker is written together with
 * each frame: it ends inside of a skippable frame until finish completes it.
 */

/* A chunk on its way. The client fills it, a thread of the pool compresses it,
 * the client writes it and takes it again. */
struct zst_chunk {
    const struct zst_sink *owner;
    ZSTD_CCtx *z;
    uint8_t *in; /* ZST_CHUNK_SIZE */
    uint32_t len;
    bool zeros;           /* it is a whole chunk of zeros; `in` holds nothing */
    uint8_t *out;         /* OUT_ROOM */
    const uint8_t *ready; /* what to write: out, or the owner's zero chunk */
    size_t ready_len;
};

/* The rest of this chunk's marker, its frame, the head of the next marker. */
enum {
    MARKER_REST = ZST_MARKER_SIZE - ZST_SKIP_HEAD,
    OUT_ROOM = MARKER_REST + ZST_FRAME_ROOM + ZST_SKIP_HEAD,
};

struct zst_sink {
    struct sink base;
    struct sink *inner;
    struct lane *lane;
    struct zst_chunk *chunks;
    void **slots; /* the same, as the lane wants them */
    unsigned nchunks;
    uint8_t *zeros; /* a compressed chunk of zeros */
    size_t zeros_len;
    bool begun;  /* the first frame was written out */
    bool broken; /* something was lost: never to be ended validly */
};

/* --- the work of a chunk --------------------------------------------------*/

/* c->in, with what stands around it, into c->out. */
static int compress_marked(struct zst_chunk *c, struct err *e)
{
    uint8_t marker[ZST_MARKER_SIZE];
    size_t size = ZSTD_compress2(c->z, c->out + MARKER_REST, ZST_FRAME_ROOM,
                                 c->in, c->len);

    if (ZSTD_isError(size))
        return err_set(e, ERR_NO_SPACE, "%s: zstd cannot compress: %s",
                       c->owner->base.name, ZSTD_getErrorName(size));
    zst_marker_encode(marker, (uint32_t)size);
    memcpy(c->out, marker + ZST_SKIP_HEAD, MARKER_REST);
    memcpy(c->out + MARKER_REST + size, marker, ZST_SKIP_HEAD);
    c->ready = c->out;
    c->ready_len = MARKER_REST + size + ZST_SKIP_HEAD;
    return 0;
}

static int compress_one(void *slot, struct err *e)
{
    struct zst_chunk *c = slot;

    if (!c->zeros && !(c->len == ZST_CHUNK_SIZE && zero_is(c->in, c->len)))
        return compress_marked(c, e);
    c->ready = c->owner->zeros;
    c->ready_len = c->owner->zeros_len;
    return 0;
}

/* --- the client's side ----------------------------------------------------*/

static int write_oldest(struct zst_sink *z, struct err *e)
{
    /* Everybody knows zstd by the magic of a data frame, so one comes first. */
    size_t from = z->begun ? 0 : MARKER_REST;
    struct zst_chunk *c;
    void *slot;
    int more = lane_take(z->lane, &slot, e);

    if (more <= 0)
        return more;
    c = slot;
    z->begun = true;
    TRY(sink_write(z->inner, c->ready + from, c->ready_len - from, e));
    c->len = 0;
    c->zeros = false;
    lane_release(z->lane);
    return 1;
}

/* The chunk to fill; makes room for it. */
static int chunk_to_fill(struct zst_sink *z, struct zst_chunk **c,
                         struct err *e)
{
    while (!(*c = lane_slot(z->lane)))
        TRY(write_oldest(z, e));
    return 0;
}

/* Sends the chunk that is full, and writes out what is ready. */
static int send_full(struct zst_sink *z, struct err *e)
{
    lane_submit(z->lane);
    while (lane_ready(z->lane))
        TRY(write_oldest(z, e));
    return 0;
}

/* Appends up to a chunk's end; stores how much of `len`. buf NULL: zeros. */
static int add_some(struct zst_sink *z, const uint8_t *buf, uint64_t len,
                    size_t *taken, struct err *e)
{
    struct zst_chunk *c;

    TRY(chunk_to_fill(z, &c, e));
    *taken = (size_t)min_u64(len, ZST_CHUNK_SIZE - c->len);
    if (buf)
        memcpy(c->in + c->len, buf, *taken);
    else if (*taken == ZST_CHUNK_SIZE)
        c->zeros = true;
    else
        memset(c->in + c->len, 0, *taken);
    c->len += (uint32_t)*taken;
    return c->len == ZST_CHUNK_SIZE ? send_full(z, e) : 0;
}

static int add_all(struct zst_sink *z, const uint8_t *buf, uint64_t len,
                   struct err *e)
{
    while (len) {
        size_t taken = 0;
        int code = add_some(z, buf, len, &taken, e);

        if (code < 0) {
            z->broken = true;
            return code;
        }
        if (buf)
            buf += taken;
        len -= taken;
    }
    return 0;
}

static int zst_write(struct sink *s, const void *buf, size_t len, struct err *e)
{
    return add_all((struct zst_sink *)s, buf, len, e);
}

static int zst_zeros(struct sink *s, uint64_t len, struct err *e)
{
    return add_all((struct zst_sink *)s, NULL, len, e);
}

/* --- the end --------------------------------------------------------------*/

static int zst_finish(struct sink *s, struct err *e)
{
    static const uint8_t last[MARKER_REST];
    struct zst_sink *z = (struct zst_sink *)s;
    struct zst_chunk *c;
    int more;

    if (z->broken)
        return err_set(e, ERR_FAILED, "%s: a write failed earlier", s->name);
    z->broken = true;
    TRY(chunk_to_fill(z, &c, e));
    if (c->len || !s->pos)
        lane_submit(z->lane);
    while ((more = write_oldest(z, e)) > 0)
        ;
    TRY(more);
    TRY(sink_write(z->inner, last, sizeof(last), e));
    return sink_finish(z->inner, e);
}

/* --- opening and closing --------------------------------------------------*/

/* Frees all but the inner sink. */
static void free_outer(struct zst_sink *z)
{
    lane_close(z->lane);
    for (unsigned i = 0; z->chunks && i < z->nchunks; i++) {
        ZSTD_freeCCtx(z->chunks[i].z);
        free(z->chunks[i].in);
        free(z->chunks[i].out);
    }
    free(z->chunks);
    free(z->slots);
    free(z->zeros);
    free(z);
}

static void zst_close(struct sink *s, struct err *why)
{
    struct zst_sink *z = (struct zst_sink *)s;
    struct sink *inner = z->inner;

    free_outer(z);
    sink_close(inner, why);
}

static const struct sink_ops zst_ops = {
    .write = zst_write,
    .zeros = zst_zeros,
    .finish = zst_finish,
    .close = zst_close,
};

static int open_compressor(ZSTD_CCtx **out, int level, struct err *e)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();

    if (!z)
        return err_set(e, ERR_NO_SPACE, "out of memory for a compressor");
    *out = z;
    (void)ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    return 0;
}

static int open_zst_chunks(struct zst_sink *z, int level, struct err *e)
{
    TRY(mem_alloc_array(&z->slots, z->nchunks, sizeof(*z->slots), "chunks", e));
    TRY(mem_alloc_array(&z->chunks, z->nchunks, sizeof(*z->chunks), "chunks",
                        e));
    for (unsigned i = 0; i < z->nchunks; i++) {
        struct zst_chunk *c = &z->chunks[i];

        c->owner = z;
        TRY(open_compressor(&c->z, level, e));
        TRY(mem_alloc_buffer(&c->in, ZST_CHUNK_SIZE, e));
        TRY(mem_alloc_buffer(&c->out, OUT_ROOM, e));
        z->slots[i] = c;
    }
    return 0;
}

/* Compresses a chunk of zeros, once for all of them. */
static int compress_zeros(struct zst_sink *z, struct err *e)
{
    struct zst_chunk *c = &z->chunks[0];

    memset(c->in, 0, ZST_CHUNK_SIZE);
    c->len = ZST_CHUNK_SIZE;
    TRY(compress_marked(c, e));
    c->len = 0;
    TRY(mem_alloc(&z->zeros, c->ready_len, "a chunk of zeros", e));
    memcpy(z->zeros, c->ready, c->ready_len);
    z->zeros_len = c->ready_len;
    return 0;
}

static int start_zst(struct zst_sink *z, int level, struct pool *pool,
                     struct err *e)
{
    unsigned threads = pool_threads(pool);

    /* Enough that every thread has one while others are filled and written. */
    z->nchunks = threads ? threads + threads / 2 + 2 : 1;
    TRY(open_zst_chunks(z, level, e));
    TRY(compress_zeros(z, e));
    return lane_open(&z->lane, pool, z->slots, z->nchunks, compress_one, e);
}

int sink_zstd(struct sink **s, int level, struct pool *pool, struct err *e)
{
    struct zst_sink *z = NULL;
    int code;

    if (level < 1 || level > ZSTD_maxCLevel())
        return err_set(e, ERR_USAGE, "zstd has no level %d", level);
    TRY(mem_alloc(&z, sizeof(*z), "a sink", e));
    sink_init(&z->base, &zst_ops, (*s)->name);
    z->inner = *s;
    code = start_zst(z, level, pool, e);
    if (code < 0) {
        free_outer(z);
        return code;
    }
    *s = &z->base;
    return 0;
}
