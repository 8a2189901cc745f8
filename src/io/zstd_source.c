/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "io/packed_input.h"
#include "io/zst_ahead.h"
#include "io/zst_frame.h"

#include <inttypes.h>
#include <stdlib.h>

/* What comes next in the compressed stream. */
enum zst_state { ZST_BETWEEN, ZST_AHEAD, ZST_INSIDE, ZST_PASSING, ZST_PADDING };

enum { ZST_SILENT_MAX = 16 << 20 };

struct zst_source {
    struct source base;
    struct source *inner;
    struct pool *pool; /* or NULL */
    struct packed_input in;
    ZSTD_DCtx *z;
    struct zst_ahead *ahead; /* NULL until a marker was met */
    enum zst_state state;
    bool frame_seen;    /* so the stream may end here */
    bool room_ran_out;  /* there may be content without more input */
    uint64_t frame_at;  /* ZST_INSIDE: place of the frame */
    uint64_t to_pass;   /* ZST_PASSING: bytes of a skippable frame */
    uint64_t spoken_at; /* place when content came last */
};

/* Skippable frames and empty ones are taken, but not without end. */
static int limit_silence(const struct zst_source *z, struct err *e)
{
    uint64_t at = packed_input_place(&z->in);

    if (at - z->spoken_at <= ZST_SILENT_MAX)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: more than %d bytes of zstd data without content, up to "
                   "byte %" PRIu64,
                   z->base.name, ZST_SILENT_MAX, at);
}

static int cut_in(const struct zst_source *z, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: the zstd stream is cut in %s: it ends at byte %" PRIu64,
                   z->base.name, what, packed_input_place(&z->in));
}

static void pass(struct zst_source *z, size_t len)
{
    z->in.next += len;
    z->in.left -= len;
}

/* --- between frames -------------------------------------------------------*/

static int refuse_foreign(const struct zst_source *z, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   z->frame_seen
                       ? "%s: something that is not zstd follows the zstd "
                         "data, from byte %" PRIu64
                       : "%s: not zstd, from byte %" PRIu64,
                   z->base.name, packed_input_place(&z->in));
}

/* Has `len` bytes of a frame's head at hand. */
static int need_head(struct zst_source *z, size_t len, struct err *e)
{
    if (packed_input_peek(&z->in, len))
        return 0;
    pass(z, z->in.left);
    TRY(packed_input_fill(&z->in, e));
    return cut_in(z, "a header", e);
}

/* Byte by byte: less than a magic's length of something else is no cut. */
static int find_kind(struct zst_source *z, enum zst_kind *kind, struct err *e)
{
    *kind = ZST_UNDECIDED;
    for (size_t len = 1; *kind == ZST_UNDECIDED; len++) {
        TRY(need_head(z, len, e));
        *kind = zst_kind_of(z->in.next, len);
    }
    return *kind == ZST_FOREIGN ? refuse_foreign(z, e) : 0;
}

static int begin_frame(struct zst_source *z, struct err *e)
{
    enum zst_kind kind = ZST_UNDECIDED;

    TRY(find_kind(z, &kind, e));
    z->frame_seen = true;
    if (kind == ZST_DATA) {
        z->frame_at = packed_input_place(&z->in);
        z->room_ran_out = false;
        (void)ZSTD_DCtx_reset(z->z, ZSTD_reset_session_only);
        z->state = ZST_INSIDE;
        return 0;
    }
    TRY(need_head(z, ZST_SKIP_HEAD, e));
    z->to_pass = get_le32(z->in.next + 4);
    pass(z, ZST_SKIP_HEAD);
    z->state = ZST_PASSING;
    return 0;
}

/* 1 to go on, 0 when the stream has ended. */
static int next_frame(struct zst_source *z, struct err *e)
{
    int more = packed_input_fill(&z->in, e);

    TRY(more);
    if (!more && z->frame_seen)
        return 0;
    if (!more)
        return err_set(e, ERR_CORRUPT, "%s: empty, where zstd is expected",
                       z->base.name);
    if (z->frame_seen && !*z->in.next) {
        z->state = ZST_PADDING;
        return 1;
    }
    if (z->pool && zst_ahead_begins(z->ahead, &z->in)) {
        if (!z->ahead)
            TRY(zst_ahead_open(&z->ahead, &z->in, z->pool, e));
        z->frame_seen = true;
        z->state = ZST_AHEAD;
        return 1;
    }
    TRY(begin_frame(z, e));
    return 1;
}

/* Zeros, as tapes and bsdtar append, up to the end: 0 there. */
static int pass_padding(struct zst_source *z, struct err *e)
{
    int more;

    while ((more = packed_input_fill(&z->in, e)) > 0) {
        TRY(limit_silence(z, e));
        while (z->in.left && !*z->in.next)
            pass(z, 1);
        if (z->in.left)
            return err_set(e, ERR_CORRUPT,
                           "%s: something follows the padding of the zstd "
                           "data, from byte %" PRIu64,
                           z->base.name, packed_input_place(&z->in));
    }
    return more;
}

static int pass_skippable(struct zst_source *z, struct err *e)
{
    size_t now;
    int more;

    if (!z->to_pass) {
        z->state = ZST_BETWEEN;
        return 0;
    }
    more = packed_input_fill(&z->in, e);
    TRY(more);
    if (!more)
        return cut_in(z, "a skippable frame", e);
    now = (size_t)min_u64(z->to_pass, z->in.left);
    pass(z, now);
    z->to_pass -= now;
    return 0;
}

/* --- inside of one --------------------------------------------------------*/

/* Decompresses once into buf; the count may be 0. */
static int64_t decompress_some(struct zst_source *z, void *buf, size_t len,
                               struct err *e)
{
    ZSTD_inBuffer in = {z->in.next, z->in.left, 0};
    ZSTD_outBuffer out = {buf, len, 0};
    size_t result = ZSTD_decompressStream(z->z, &out, &in);

    pass(z, in.pos);
    if (ZSTD_isError(result))
        return zst_fail(z->base.name, z->frame_at, result, e);
    z->room_ran_out = out.pos == out.size;
    if (!result)
        z->state = ZST_BETWEEN;
    return (int64_t)out.pos;
}

static int64_t read_frame(struct zst_source *z, void *buf, size_t len,
                          struct err *e)
{
    if (!z->room_ran_out) {
        int more = packed_input_fill(&z->in, e);

        TRY(more);
        if (!more)
            return cut_in(z, "its data", e);
    }
    return decompress_some(z, buf, len, e);
}

static int64_t read_ahead(struct zst_source *z, void *buf, size_t len,
                          struct err *e)
{
    int64_t made = zst_ahead_read(z->ahead, buf, len, e);

    if (!made)
        z->state = ZST_BETWEEN;
    return made;
}

/* --- the source -----------------------------------------------------------*/

static int64_t zst_read(struct source *s, void *buf, size_t len, struct err *e)
{
    struct zst_source *z = (struct zst_source *)s;
    int64_t made = 0;
    int more;

    while (!made) {
        TRY(limit_silence(z, e));
        switch (z->state) {
        case ZST_BETWEEN:
            more = next_frame(z, e);
            if (more <= 0)
                return more;
            break;
        case ZST_AHEAD:
            made = read_ahead(z, buf, len, e);
            break;
        case ZST_INSIDE:
            made = read_frame(z, buf, len, e);
            break;
        case ZST_PASSING:
            TRY(pass_skippable(z, e));
            break;
        case ZST_PADDING:
            return pass_padding(z, e);
        }
    }
    if (made > 0)
        z->spoken_at = packed_input_place(&z->in);
    return made;
}

/* Frees all but the inner source. */
static void free_outer(struct zst_source *z)
{
    zst_ahead_close(z->ahead);
    packed_input_close(&z->in);
    ZSTD_freeDCtx(z->z);
    free(z);
}

static void zst_close(struct source *s)
{
    struct zst_source *z = (struct zst_source *)s;
    struct source *inner = z->inner;

    free_outer(z);
    source_close(inner);
}

static const struct source_ops zst_ops = {
    .read = zst_read,
    .close = zst_close,
};

static int start(struct zst_source *z, struct err *e)
{
    z->z = ZSTD_createDCtx();
    if (!z->z)
        return err_set(e, ERR_NO_SPACE, "out of memory for a decompressor");
    (void)ZSTD_DCtx_setParameter(z->z, ZSTD_d_windowLogMax, ZST_WINDOW_LOG_MAX);
    return packed_input_open(&z->in, z->inner, e);
}

int source_unzstd(struct source **s, struct pool *pool, struct err *e)
{
    struct zst_source *z = NULL;
    int code;

    TRY(mem_alloc(&z, sizeof(*z), "a source", e));
    z->inner = *s;
    z->pool = pool;
    source_init(&z->base, &zst_ops, (*s)->name, -1);
    code = start(z, e);
    if (code < 0) {
        free_outer(z);
        return code;
    }
    *s = &z->base;
    return 0;
}
