/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "io/crc32.h"
#include "io/inflate_ahead.h"
#include "io/packed_input.h"

#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 }; /* name and comment of a member */

enum { FLAG_CRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16 };

/* What comes next in the compressed stream. */
enum state { MEMBER, START, CHUNKS, BODY, TRAILER, PADDING };

enum { SILENT_MAX = 16 << 20 };

struct gzip_source {
    struct source base;
    struct packed_input in;
    enum state state;
    struct pool *pool;           /* NULL: no chunks apart from the rest */
    struct inflate_ahead *ahead; /* while in CHUNKS */
    bool member_seen;            /* so the stream may end here */
    bool misled;                 /* a marker was; no more of them */
    uint32_t crc; /* of this member's content, or of its header */
    uint32_t len; /* of its content, modulo 2^32 as in the trailer */
    struct inflate_state inflate;
    uint64_t spoken_at; /* place() when content came last */
};

/* --- input ----------------------------------------------------------------*/

/* Place in the compressed stream. */
static uint64_t place(const struct gzip_source *g)
{
    return packed_input_place(&g->in);
}

/* Padding, empty members and empty blocks are taken, but not without end. */
static int check_silence(const struct gzip_source *g, struct err *e)
{
    if (place(g) - g->spoken_at <= SILENT_MAX)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: more than %d bytes of gzip data without content, up to "
                   "byte %" PRIu64,
                   g->base.name, SILENT_MAX, place(g));
}

static int cut(const struct gzip_source *g, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: the gzip stream is cut in %s: it ends at byte %" PRIu64,
                   g->base.name, what, place(g));
}

/* One byte of `what`, which must be there. */
static int take_byte(struct gzip_source *g, uint8_t *byte, const char *what,
                     struct err *e)
{
    int more = packed_input_fill(&g->in, e);

    TRY(more);
    if (!more)
        return cut(g, what, e);
    *byte = *g->in.next++;
    g->in.left--;
    return 0;
}

/* --- header ---------------------------------------------------------------*/

static int take_header(struct gzip_source *g, uint8_t *bytes, size_t len,
                       struct err *e)
{
    for (size_t i = 0; i < len; i++)
        TRY(take_byte(g, &bytes[i], "a header", e));
    g->crc = crc32_add(g->crc, bytes, len);
    return 0;
}

static int skip_extra(struct gzip_source *g, struct err *e)
{
    uint8_t byte, size[2];

    TRY(take_header(g, size, sizeof(size), e));
    for (unsigned left = size[0] + 256u * size[1]; left; left--)
        TRY(take_header(g, &byte, 1, e));
    return 0;
}

static int skip_text(struct gzip_source *g, struct err *e)
{
    uint8_t byte = 1;

    for (unsigned i = 0; byte && i < TEXT_MAX; i++)
        TRY(take_header(g, &byte, 1, e));
    if (byte)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a text of more than %d bytes in the gzip header",
                       g->base.name, TEXT_MAX);
    return 0;
}

static int check_header_crc(struct gzip_source *g, struct err *e)
{
    uint32_t expected = g->crc & 0xffff;
    uint8_t sum[2];
    uint32_t found;

    TRY(take_header(g, sum, sizeof(sum), e));
    found = sum[0] + 256u * sum[1];
    if (found != expected)
        return err_set(e, ERR_CORRUPT,
                       "%s: wrong sum of the gzip header before byte %" PRIu64
                       ": %04x, expected %04x",
                       g->base.name, place(g), found, expected);
    return 0;
}

/* Byte by byte: less than a header's length of something else is no cut. */
static int take_magic(struct gzip_source *g, uint8_t head[2], struct err *e)
{
    static const uint8_t magic[2] = {0x1f, 0x8b};
    uint64_t at = place(g);

    for (int i = 0; i < 2; i++) {
        TRY(take_header(g, &head[i], 1, e));
        if (head[i] == magic[i])
            continue;
        return err_set(e, ERR_CORRUPT,
                       g->member_seen
                           ? "%s: something that is not gzip follows the gzip "
                             "data, from byte %" PRIu64
                           : "%s: not gzip, from byte %" PRIu64,
                       g->base.name, at);
    }
    return 0;
}

/* RFC 1952, 2.3. */
static int check_start(const struct gzip_source *g, const uint8_t *head,
                       struct err *e)
{
    uint64_t at = place(g) - 10;

    if (head[2] != 8 || head[3] & 0xe0)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: unknown form of gzip at byte %" PRIu64
                       ": method %u, flags 0x%02x",
                       g->base.name, at, head[2], head[3]);
    return 0;
}

static int read_header(struct gzip_source *g, struct err *e)
{
    uint8_t head[10];

    g->crc = 0;
    TRY(take_magic(g, head, e));
    TRY(take_header(g, head + 2, sizeof(head) - 2, e));
    TRY(check_start(g, head, e));
    if (head[3] & FLAG_EXTRA)
        TRY(skip_extra(g, e));
    if (head[3] & FLAG_NAME)
        TRY(skip_text(g, e));
    if (head[3] & FLAG_COMMENT)
        TRY(skip_text(g, e));
    if (head[3] & FLAG_CRC)
        TRY(check_header_crc(g, e));
    g->crc = 0;
    g->len = 0;
    isal_inflate_reset(&g->inflate);
    g->inflate.avail_out = 1;
    g->inflate.crc_flag = ISAL_DEFLATE;
    g->state = START;
    return 0;
}

/* --- chunks with markers --------------------------------------------------*/

static int start_body(struct gzip_source *g, struct err *e)
{
    if (!g->pool || g->misled || !inflate_ahead_begins(&g->in)) {
        g->state = BODY;
        return 0;
    }
    TRY(inflate_ahead_open(&g->ahead, &g->in, g->pool, e));
    g->state = CHUNKS;
    return 0;
}

/* The rest of the member is inflated in one. */
static void end_chunks(struct gzip_source *g)
{
    struct inflate_ahead_end end;

    inflate_ahead_end(g->ahead, &end);
    g->crc = end.crc;
    g->len = (uint32_t)end.len;
    g->misled = !end.as_announced;
    (void)isal_inflate_set_dict(&g->inflate, end.history, end.history_len);
    inflate_ahead_close(g->ahead);
    g->ahead = NULL;
    g->spoken_at = place(g);
    g->state = BODY;
}

static int64_t read_chunks(struct gzip_source *g, uint8_t *buf, size_t len,
                           struct err *e)
{
    int64_t made = inflate_ahead_read(g->ahead, buf, len, e);

    if (!made)
        end_chunks(g);
    return made;
}

/* --- body -----------------------------------------------------------------*/

/* Inflate reads ahead, up to 8 bytes; at the end of a body those that it did
 * not need are put back before what is left. */
static void give_back(struct gzip_source *g)
{
    size_t spare = (size_t)g->inflate.read_in_length / 8;
    uint64_t bits = g->inflate.read_in >> (g->inflate.read_in_length % 8);

    g->in.next -= spare;
    g->in.left += spare;
    for (size_t i = 0; i < spare; i++)
        g->in.next[i] = (uint8_t)(bits >> (8 * i));
    g->inflate.read_in_length = 0;
}

static const char *reason(int result)
{
    switch (result) {
    case ISAL_INVALID_BLOCK:
        return "impossible block";
    case ISAL_INVALID_SYMBOL:
        return "impossible code";
    case ISAL_INVALID_LOOKBACK:
        return "it refers to bytes before its start";
    default:
        return "broken data";
    }
}

/* Inflates once into buf; the count may be 0. */
static int64_t inflate_some(struct gzip_source *g, uint8_t *buf, size_t len,
                            struct err *e)
{
    struct inflate_state *z = &g->inflate;
    size_t room = (size_t)min_u64(len, 1u << 30);
    size_t made;
    int result;

    z->next_in = g->in.next;
    z->avail_in = (uint32_t)g->in.left;
    z->next_out = buf;
    z->avail_out = (uint32_t)room;
    result = isal_inflate(z);
    g->in.next = z->next_in;
    g->in.left = z->avail_in;
    if (result < 0)
        return err_set(e, ERR_CORRUPT,
                       "%s: broken gzip data before byte %" PRIu64 ": %s",
                       g->base.name, place(g), reason(result));
    made = room - z->avail_out;
    g->crc = crc32_add(g->crc, buf, made);
    g->len += (uint32_t)made;
    if (z->block_state == ISAL_BLOCK_FINISH) {
        give_back(g);
        g->state = TRAILER;
    }
    return (int64_t)made;
}

static int64_t read_body(struct gzip_source *g, uint8_t *buf, size_t len,
                         struct err *e)
{
    int more;

    /* Where the room ended first there is output without more input. */
    if (g->inflate.avail_out) {
        more = packed_input_fill(&g->in, e);
        TRY(more);
        if (!more)
            return cut(g, "its data", e);
    }
    return inflate_some(g, buf, len, e);
}

/* --- trailer and what follows ---------------------------------------------*/

static int read_trailer(struct gzip_source *g, struct err *e)
{
    uint8_t raw[8];

    for (size_t i = 0; i < sizeof(raw); i++)
        TRY(take_byte(g, &raw[i], "its trailer", e));
    if (get_le32(raw) != g->crc)
        return err_set(
            e, ERR_CORRUPT,
            "%s: the content's sum is wrong: the gzip trailer before "
            "byte %" PRIu64 " says %08x, it is %08x",
            g->base.name, place(g), get_le32(raw), g->crc);
    if (get_le32(raw + 4) != g->len)
        return err_set(e, ERR_CORRUPT,
                       "%s: the content's length is wrong: the gzip trailer "
                       "before byte %" PRIu64
                       " says %u, it is %u (modulo 4 GiB)",
                       g->base.name, place(g), get_le32(raw + 4), g->len);
    g->member_seen = true;
    g->state = MEMBER;
    return 0;
}

/* Between members: 1 to go on, 0 when the stream has ended. */
static int next_member(struct gzip_source *g, struct err *e)
{
    int more = packed_input_fill(&g->in, e);

    TRY(more);
    if (!more && g->member_seen)
        return 0;
    if (!more)
        return err_set(e, ERR_CORRUPT, "%s: empty, where gzip is expected",
                       g->base.name);
    if (g->member_seen && !*g->in.next) {
        g->state = PADDING;
        return 1;
    }
    TRY(read_header(g, e));
    return 1;
}

/* Zeros, as tapes and some programs append, up to the end: 0 there. */
static int read_padding(struct gzip_source *g, struct err *e)
{
    int more;

    while ((more = packed_input_fill(&g->in, e)) > 0) {
        TRY(check_silence(g, e));
        for (; g->in.left && !*g->in.next; g->in.left--)
            g->in.next++;
        if (g->in.left)
            return err_set(e, ERR_CORRUPT,
                           "%s: something follows the padding of the gzip "
                           "data, from byte %" PRIu64,
                           g->base.name, place(g));
    }
    return more;
}

/* --- the source -----------------------------------------------------------*/

static int64_t gzip_read(struct source *s, void *buf, size_t len, struct err *e)
{
    struct gzip_source *g = (struct gzip_source *)s;
    int64_t made = 0;
    int more;

    while (!made) {
        if (g->state != CHUNKS)
            TRY(check_silence(g, e));
        switch (g->state) {
        case MEMBER:
            more = next_member(g, e);
            if (more <= 0)
                return more;
            break;
        case START:
            TRY(start_body(g, e));
            break;
        case CHUNKS:
            made = read_chunks(g, buf, len, e);
            break;
        case BODY:
            made = read_body(g, buf, len, e);
            break;
        case TRAILER:
            TRY(read_trailer(g, e));
            break;
        case PADDING:
            return read_padding(g, e);
        }
    }
    if (made > 0)
        g->spoken_at = place(g);
    return made;
}

static void gzip_close(struct source *s)
{
    struct gzip_source *g = (struct gzip_source *)s;

    inflate_ahead_close(g->ahead);
    source_close(g->in.inner);
    packed_input_close(&g->in);
    free(g);
}

static const struct source_ops gzip_ops = {
    .read = gzip_read,
    .close = gzip_close,
};

int source_gunzip(struct source **s, struct pool *pool, struct err *e)
{
    FREE struct gzip_source *g = NULL;

    TRY(mem_alloc(&g, sizeof(*g), "a source", e));
    TRY(packed_input_open(&g->in, *s, e));
    g->pool = pool;
    isal_inflate_init(&g->inflate);
    source_init(&g->base, &gzip_ops, (*s)->name, -1);
    *s = &g->base;
    g = NULL;
    return 0;
}
