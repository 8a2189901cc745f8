/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_tail.h"

#include "base/checked.h"
#include "base/zero.h"
#include "io/tar_header.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(2 * TAR_BLOCK + TAR_TAIL_MAX + TAR_BLOCK <= TAR_TAIL_SIZE,
               "the largest file has room, and the end of the archive");
_Static_assert((int)TAR_TAIL_SIZE == (int)TAR_RECORD, "whole records");

int tar_tail_write(struct sink *s, const char *text, size_t len, struct err *e)
{
    uint8_t header[TAR_BLOCK];

    tar_header_encode(header, TAR_TAIL_NAME, len);
    TRY(sink_write(s, header, sizeof(header), e));
    TRY(sink_write(s, text, len, e));
    return sink_zeros(s, TAR_TAIL_SIZE - TAR_BLOCK - len, e);
}

/* --- reading --------------------------------------------------------------*/

/* Padding, and the one file: not without an end. */
enum { AFTER_MAX = 64 << 20 };

struct tail_reader {
    struct source *in;
    uint8_t *buf;
    size_t room;
    const uint8_t *from; /* what was read and not looked at */
    size_t left;
    uint8_t block[TAR_BLOCK];
};

/* Of the next byte to be looked at. */
static uint64_t position(const struct tail_reader *t)
{
    return t->in->pos - t->left;
}

/* The next bytes up to `len`, across reads; less only at the source's end. */
static int64_t take(struct tail_reader *t, uint8_t *to, size_t len,
                    struct err *e)
{
    size_t got = 0;

    while (got < len) {
        size_t now = (size_t)min_u64(len - got, t->left);
        int64_t more;

        memcpy(to + got, t->from, now);
        got += now;
        t->from += now;
        t->left -= now;
        if (got == len || t->in->ended)
            break;
        more = source_read(t->in, t->buf, t->room, e);
        TRY(more);
        t->from = t->buf;
        t->left = (size_t)more;
    }
    return (int64_t)got;
}

static int not_of_it(const struct tail_reader *t, uint64_t at, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: byte %" PRIu64
                   ": bytes that are no part of it follow the end of the tar "
                   "archive",
                   t->in->name, at);
}

static int cut(const struct tail_reader *t, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: its %s is cut at byte %" PRIu64,
                   t->in->name, TAR_TAIL_NAME, t->in->pos);
}

/* The file's bytes, and the padding of its last block. */
static int read_text(struct tail_reader *t, size_t len, struct tar_tail *out,
                     struct err *e)
{
    size_t pad = (size_t)round_up(len, TAR_BLOCK) - len;
    uint64_t at;
    int64_t got = take(t, (uint8_t *)out->text, len, e);

    TRY(got);
    if ((size_t)got < len)
        return cut(t, e);
    at = position(t);
    got = take(t, t->block, pad, e);
    TRY(got);
    if ((size_t)got < pad)
        return cut(t, e);
    if (!zero_is(t->block, pad))
        return not_of_it(t, at, e);
    out->text[len] = '\0';
    out->len = len;
    out->found = true;
    return 0;
}

/* A block that is not empty. */
static int read_member(struct tail_reader *t, uint64_t at, struct tar_tail *out,
                       struct err *e)
{
    struct tar_header h;

    if (!tar_header_decode(t->block, &h))
        return not_of_it(t, at, e);
    if (strcmp(h.name, TAR_TAIL_NAME) || h.type != '0' || out->found)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: byte %" PRIu64
                       ": the end of the tar archive is followed by another "
                       "member, %s; only one %s may stand there",
                       t->in->name, at, h.name, TAR_TAIL_NAME);
    if (h.size > TAR_TAIL_MAX)
        return err_set(e, ERR_CORRUPT,
                       "%s: its %s has %" PRIu64 " bytes, expected %d at most",
                       t->in->name, TAR_TAIL_NAME, h.size, TAR_TAIL_MAX);
    return read_text(t, (size_t)h.size, out, e);
}

int tar_tail_read(struct source *in, const uint8_t *rest, size_t len,
                  uint8_t *buf, size_t room, struct tar_tail *out,
                  struct err *e)
{
    struct tail_reader t = {
        .in = in, .buf = buf, .room = room, .from = rest, .left = len};

    uint64_t start = position(&t);

    out->found = false;
    for (;;) {
        uint64_t at = position(&t);
        int64_t got;

        if (at - start > AFTER_MAX)
            return err_set(
                e, ERR_CORRUPT,
                "%s: more than %d bytes after the end of the archive", in->name,
                AFTER_MAX);
        got = take(&t, t.block, TAR_BLOCK, e);

        TRY(got);
        if (zero_is(t.block, (size_t)got)) {
            if (got < TAR_BLOCK)
                return 0;
            continue;
        }
        if (got < TAR_BLOCK)
            return not_of_it(&t, at, e);
        TRY(read_member(&t, at, out, e));
    }
}
