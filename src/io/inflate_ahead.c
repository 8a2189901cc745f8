/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/inflate_ahead.h"

#include "base/checked.h"
#include "base/mem.h"
#include "io/crc32.h"
#include "io/deflate_chunk.h"
#include "io/gzip_marker.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTENT_MAX = DEFLATE_CHUNK_SIZE,
    CONTENT_ROOM = CONTENT_MAX + 64, /* so that it is never quite filled */
    CONTENT_MIN = 64 * 1024,         /* less is not worth a thread's while */
    HISTORY = 32 * 1024,
};

/* A chunk on its way: filled by the reader, inflated by a thread. */
struct packed_chunk {
    struct inflate_state *state;
    uint8_t *in; /* GZIP_MARKER_SIZE + DEFLATE_CHUNK_ROOM: the marker, too, */
    uint32_t in_len; /* since behind a lie it may be something else */
    uint8_t *out;    /* CONTENT_ROOM */
    uint32_t made;
    uint32_t crc;
    bool counts; /* it is as announced */
};

struct inflate_ahead {
    struct packed_input *in;
    struct lane *lane;
    struct packed_chunk *chunks;
    void **slots; /* the same, as the lane wants them */
    unsigned nchunks;
    struct packed_stretch *stretches; /* as many, and one */
    const struct packed_chunk *taken; /* what is being handed out, or NULL */
    uint32_t used;                    /* of it */
    struct packed_chunk *cut; /* the input ended inside of it; or NULL */
    bool over;                /* no more markers are followed */
    bool ended;               /* what was in flight is back in the input */
    struct inflate_ahead_end end;
    uint8_t history[HISTORY];
};

/* --- the work of a chunk --------------------------------------------------*/

/* No bit left over, nothing begun, nothing final, nothing that did not fit. */
static bool stands_between_blocks(const struct inflate_state *z)
{
    return !z->avail_in && !z->read_in_length && !z->tmp_in_size &&
           z->avail_out && !z->bfinal &&
           z->tmp_out_processed == z->tmp_out_valid &&
           (z->block_state == ISAL_BLOCK_NEW_HDR ||
            z->block_state == ISAL_BLOCK_HDR);
}

static int inflate_one(void *slot, struct err *e)
{
    struct packed_chunk *c = slot;
    struct inflate_state *z = c->state;

    (void)e;
    isal_inflate_reset(z);
    z->next_in = c->in + GZIP_MARKER_SIZE;
    z->avail_in = c->in_len - GZIP_MARKER_SIZE;
    z->next_out = c->out;
    z->avail_out = CONTENT_ROOM;
    c->counts = isal_inflate(z) == ISAL_DECOMP_OK && stands_between_blocks(z);
    c->made = CONTENT_ROOM - z->avail_out;
    if (!c->made || c->made > CONTENT_MAX)
        c->counts = false;
    if (c->counts)
        c->crc = crc32_add(0, c->out, c->made);
    return 0;
}

/* --- following the markers ------------------------------------------------*/

bool inflate_ahead_begins(struct packed_input *in)
{
    size_t have = 0;

    /* Of a stream that is none, not a byte is waited for. */
    while (have < GZIP_MARKER_SIZE && packed_input_peek(in, have + 1)) {
        have = (size_t)min_u64(in->left, GZIP_MARKER_SIZE);
        if (!gzip_marker_begins(in->next, have))
            return false;
    }
    return have == GZIP_MARKER_SIZE;
}

/* The size of the chunk that the input begins with, marker and all; 0: none. */
static uint32_t next_size(struct packed_input *in)
{
    uint32_t size = 0;

    if (!inflate_ahead_begins(in) || !gzip_marker_decode(in->next, &size) ||
        !size || size > DEFLATE_CHUNK_ROOM)
        return 0;
    return GZIP_MARKER_SIZE + size;
}

static void send_next(struct inflate_ahead *a, struct packed_chunk *c)
{
    uint32_t size = next_size(a->in);

    c->in_len = (uint32_t)packed_input_take(a->in, c->in, size);
    if (size && c->in_len == size) {
        lane_submit(a->lane);
        return;
    }
    a->cut = c->in_len ? c : NULL;
    a->over = true;
}

static void send_while_waiting(struct inflate_ahead *a)
{
    struct packed_chunk *c;

    while (!a->over && !lane_ready(a->lane) && (c = lane_slot(a->lane)))
        send_next(a, c);
}

/* --- the end --------------------------------------------------------------*/

/* What was sent and not handed out, and what was not even sent. */
static int put_back(struct inflate_ahead *a, struct err *e)
{
    unsigned count = 0;
    void *slot;
    int more;

    while ((more = lane_take(a->lane, &slot, e)) > 0) {
        const struct packed_chunk *c = slot;

        a->stretches[count++] = (struct packed_stretch){c->in, c->in_len};
        lane_release(a->lane);
    }
    TRY(more);
    a->end.as_announced = !count;
    if (a->cut)
        a->stretches[count++] =
            (struct packed_stretch){a->cut->in, a->cut->in_len};
    a->over = true;
    a->ended = true;
    return count ? packed_input_put_back(a->in, a->stretches, count, e) : 0;
}

void inflate_ahead_end(struct inflate_ahead *a, struct inflate_ahead_end *end)
{
    *end = a->end;
    end->history = a->history;
}

/* --- handing out ----------------------------------------------------------*/

static void remember(struct inflate_ahead *a, const struct packed_chunk *c)
{
    uint32_t now = (uint32_t)min_u64(c->made, HISTORY);
    uint32_t keep = (uint32_t)min_u64(a->end.history_len, HISTORY - now);

    memmove(a->history, a->history + a->end.history_len - keep, keep);
    memcpy(a->history + keep, c->out + c->made - now, now);
    a->end.history_len = keep + now;
    a->end.crc = crc32_join(a->end.crc, c->crc, c->made);
    a->end.len += c->made;
}

/* 1: a->taken is the next chunk; 0: there is none. */
static int take_next(struct inflate_ahead *a, struct err *e)
{
    const struct packed_chunk *c;
    void *slot;
    int more;

    send_while_waiting(a);
    more = lane_take(a->lane, &slot, e);
    if (more <= 0)
        return more;
    c = slot;
    if (!c->counts)
        return 0;
    remember(a, c);
    a->taken = c;
    a->used = 0;
    return 1;
}

/* The chunk before was handed out: 1 to go on. */
static int finish_taken(struct inflate_ahead *a)
{
    bool small = a->taken && a->taken->made < CONTENT_MIN;

    if (a->taken)
        lane_release(a->lane);
    a->taken = NULL;
    return !small;
}

int64_t inflate_ahead_read(struct inflate_ahead *a, void *buf, size_t len,
                           struct err *e)
{
    int more;

    if (a->ended)
        return 0;
    if (!a->taken || a->used == a->taken->made) {
        more = finish_taken(a) ? take_next(a, e) : 0;
        TRY(more);
        if (!more)
            return put_back(a, e);
    }
    len = (size_t)min_u64(len, a->taken->made - a->used);
    memcpy(buf, a->taken->out + a->used, len);
    a->used += (uint32_t)len;
    return (int64_t)len;
}

/* --- opening and closing --------------------------------------------------*/

void inflate_ahead_close(struct inflate_ahead *a)
{
    if (!a)
        return;
    lane_close(a->lane);
    for (unsigned i = 0; a->chunks && i < a->nchunks; i++) {
        free(a->chunks[i].state);
        free(a->chunks[i].in);
        free(a->chunks[i].out);
    }
    free(a->chunks);
    free(a->slots);
    free(a->stretches);
    free(a);
}

static int open_chunk(struct packed_chunk *c, struct err *e)
{
    TRY(mem_alloc(&c->state, sizeof(*c->state), "an inflater", e));
    isal_inflate_init(c->state);
    TRY(mem_alloc_buffer(&c->in, GZIP_MARKER_SIZE + DEFLATE_CHUNK_ROOM, e));
    return mem_alloc_buffer(&c->out, CONTENT_ROOM, e);
}

static int start(struct inflate_ahead *a, struct pool *pool, struct err *e)
{
    unsigned threads = pool_threads(pool);

    /* Enough that every thread has one while others are filled and read. */
    a->nchunks = threads ? threads + threads / 2 + 2 : 1;
    TRY(mem_alloc_array(&a->slots, a->nchunks, sizeof(*a->slots), "chunks", e));
    TRY(mem_alloc_array(&a->stretches, a->nchunks + 1, sizeof(*a->stretches),
                        "chunks", e));
    TRY(mem_alloc_array(&a->chunks, a->nchunks, sizeof(*a->chunks), "chunks",
                        e));
    for (unsigned i = 0; i < a->nchunks; i++) {
        TRY(open_chunk(&a->chunks[i], e));
        a->slots[i] = &a->chunks[i];
    }
    return lane_open(&a->lane, pool, a->slots, a->nchunks, inflate_one, e);
}

int inflate_ahead_open(struct inflate_ahead **out, struct packed_input *in,
                       struct pool *pool, struct err *e)
{
    struct inflate_ahead *a = NULL;
    int code;

    TRY(mem_alloc(&a, sizeof(*a), "an inflater", e));
    a->in = in;
    code = start(a, pool, e);
    if (code < 0) {
        inflate_ahead_close(a);
        return code;
    }
    *out = a;
    return 0;
}
