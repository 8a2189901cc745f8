/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/zst_ahead.h"

#include "base/checked.h"
#include "base/mem.h"
#include "io/zst_frame.h"

#include <stdlib.h>
#include <string.h>

/* A frame on its way: filled by the client, worked on by the pool. */
struct zst_packed {
    const char *name; /* of the source */
    ZSTD_DCtx *z;
    uint64_t at; /* place of the frame */
    uint8_t *in; /* ZST_FRAME_ROOM */
    size_t in_len;
    uint8_t *out; /* ZST_CHUNK_SIZE */
    size_t made;
};

struct zst_ahead {
    struct packed_input *in;
    struct lane *lane;
    struct zst_packed *frames;
    void **slots; /* the same, as the lane wants them */
    unsigned nframes;
    bool over;                      /* nothing more is to be sent for now */
    bool betrayed;                  /* by a marker: none is followed any more */
    const struct zst_packed *taken; /* what is being handed out, or NULL */
    size_t used;                    /* of it */
};

static int decompress_one(void *slot, struct err *e)
{
    struct zst_packed *f = slot;
    size_t made =
        ZSTD_decompressDCtx(f->z, f->out, ZST_CHUNK_SIZE, f->in, f->in_len);

    if (ZSTD_isError(made))
        return zst_fail(f->name, f->at, made, e);
    f->made = made;
    return 0;
}

/* --- following the markers ------------------------------------------------*/

static bool may_be_marker(const uint8_t *bytes, size_t len)
{
    uint8_t marker[ZST_MARKER_SIZE];

    zst_marker_encode(marker, 0);
    return !memcmp(bytes, marker, min_u64(len, ZST_SKIP_HEAD));
}

bool zst_ahead_begins(const struct zst_ahead *a, struct packed_input *in)
{
    size_t have = 0;

    if (a && a->betrayed)
        return false;
    while (have < ZST_MARKER_SIZE && packed_input_peek(in, have + 1)) {
        have = (size_t)min_u64(in->left, ZST_MARKER_SIZE);
        if (!may_be_marker(in->next, have))
            return false;
    }
    return have == ZST_MARKER_SIZE;
}

static bool is_as_announced(const struct zst_packed *f, size_t announced)
{
    unsigned long long content;

    if (f->in_len != announced || zst_kind_of(f->in, f->in_len) != ZST_DATA ||
        ZSTD_findFrameCompressedSize(f->in, f->in_len) != announced)
        return false;
    content = ZSTD_getFrameContentSize(f->in, f->in_len);
    return content > 0 && content <= ZST_CHUNK_SIZE;
}

/* Sends the next frame, or finds that it is over. */
static int send_frame(struct zst_ahead *a, struct zst_packed *f, struct err *e)
{
    struct packed_stretch back;
    uint32_t announced = 0;

    a->over = !zst_ahead_begins(a, a->in) ||
              !zst_marker_decode(a->in->next, &announced);
    if (a->over)
        return 0;
    a->in->next += ZST_MARKER_SIZE;
    a->in->left -= ZST_MARKER_SIZE;
    a->over = !announced || announced > ZST_FRAME_ROOM;
    if (a->over)
        return 0;
    f->at = packed_input_place(a->in);
    f->in_len = packed_input_take(a->in, f->in, announced);
    if (is_as_announced(f, announced)) {
        lane_submit(a->lane);
        return 0;
    }
    a->over = true;
    a->betrayed = true;
    back = (struct packed_stretch){f->in, f->in_len};
    return f->in_len ? packed_input_put_back(a->in, &back, 1, e) : 0;
}

static int send_frames(struct zst_ahead *a, struct err *e)
{
    struct zst_packed *f;

    while (!a->over && !lane_ready(a->lane) && (f = lane_slot(a->lane)))
        TRY(send_frame(a, f, e));
    return 0;
}

/* --- handing out ----------------------------------------------------------*/

/* 1: a->taken is the next frame; 0: there is none. */
static int take_frame(struct zst_ahead *a, struct err *e)
{
    void *slot;
    int more;

    if (a->taken)
        lane_release(a->lane);
    a->taken = NULL;
    TRY(send_frames(a, e));
    more = lane_take(a->lane, &slot, e);
    if (more <= 0)
        return more;
    a->taken = slot;
    a->used = 0;
    return 1;
}

int64_t zst_ahead_read(struct zst_ahead *a, void *buf, size_t len,
                       struct err *e)
{
    if (!a->taken || a->used == a->taken->made) {
        int more = take_frame(a, e);

        if (!more)
            a->over = false; /* for the next marker */
        if (more <= 0)
            return more;
    }
    len = (size_t)min_u64(len, a->taken->made - a->used);
    memcpy(buf, a->taken->out + a->used, len);
    a->used += len;
    return (int64_t)len;
}

/* --- opening and closing --------------------------------------------------*/

void zst_ahead_close(struct zst_ahead *a)
{
    if (!a)
        return;
    lane_close(a->lane);
    for (unsigned i = 0; a->frames && i < a->nframes; i++) {
        ZSTD_freeDCtx(a->frames[i].z);
        free(a->frames[i].in);
        free(a->frames[i].out);
    }
    free(a->frames);
    free(a->slots);
    free(a);
}

static int open_packed(struct zst_packed *f, const char *name, struct err *e)
{
    f->name = name;
    f->z = ZSTD_createDCtx();
    if (!f->z)
        return err_set(e, ERR_NO_SPACE, "out of memory for a decompressor");
    TRY(mem_alloc_buffer(&f->in, ZST_FRAME_ROOM, e));
    return mem_alloc_buffer(&f->out, ZST_CHUNK_SIZE, e);
}

static int open_frames(struct zst_ahead *a, struct pool *pool, struct err *e)
{
    unsigned threads = pool_threads(pool);

    /* Enough that every thread has one while others are filled and read. */
    a->nframes = threads ? threads + threads / 2 + 2 : 1;
    TRY(mem_alloc_array(&a->slots, a->nframes, sizeof(*a->slots), "chunks", e));
    TRY(mem_alloc_array(&a->frames, a->nframes, sizeof(*a->frames), "chunks",
                        e));
    for (unsigned i = 0; i < a->nframes; i++) {
        TRY(open_packed(&a->frames[i], a->in->inner->name, e));
        a->slots[i] = &a->frames[i];
    }
    return lane_open(&a->lane, pool, a->slots, a->nframes, decompress_one, e);
}

int zst_ahead_open(struct zst_ahead **out, struct packed_input *in,
                   struct pool *pool, struct err *e)
{
    struct zst_ahead *a = NULL;
    int code;

    TRY(mem_alloc(&a, sizeof(*a), "a decompressor", e));
    a->in = in;
    code = open_frames(a, pool, e);
    if (code < 0) {
        zst_ahead_close(a);
        return code;
    }
    *out = a;
    return 0;
}
