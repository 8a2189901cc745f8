/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/raw_encode.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct raw_encoder {
    struct encoder base;
    bool seekable;    /* the sink: written in any order, holes left out */
    uint64_t pos;     /* content bytes appended so far, to a stream */
    uint64_t content; /* bytes before the trailer */
    uint32_t trailer_len;
    uint8_t trailer[RAW_TRAILER_SIZE];
};

static int raw_begin(struct encoder *enc, struct sink *s, struct err *e)
{
    struct raw_encoder *r = (struct raw_encoder *)enc;

    r->seekable = sink_is_seekable(s);
    if (r->seekable)
        return sink_clear(s, enc->size, e);
    if (!image_is_ascending(enc->img))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: its blocks are not stored in ascending order, and "
                       "%s cannot be written in another; write to a file, or "
                       "start from one",
                       enc->img->name, s->name);
    return 0;
}

enum { GRAIN = 4096 };

/* Writes the parts of a piece that are not zero, by pages. */
static int write_sparse(struct sink *s, const struct block *b, uint64_t at,
                        struct err *e)
{
    uint32_t from = 0;

    while (from < b->len) {
        uint32_t end = from;

        while (end < b->len &&
               !zero_is(b->data + end, min_u64(GRAIN, b->len - end)))
            end = (uint32_t)min_u64(end + GRAIN, b->len);
        if (end > from)
            TRY(sink_pwrite(s, b->data + from, end - from, at + from, e));
        from = end < b->len ? end + GRAIN : end;
    }
    return 0;
}

static int raw_block(struct encoder *enc, struct sink *s, const struct block *b,
                     struct err *e)
{
    struct raw_encoder *r = (struct raw_encoder *)enc;
    uint64_t at = (uint64_t)b->index * enc->img->block_size + b->offset;

    if (r->seekable)
        return write_sparse(s, b, at, e);
    TRY(sink_zeros(s, at - r->pos, e));
    TRY(sink_write(s, b->data, b->len, e));
    r->pos = at + b->len;
    return 0;
}

static int raw_end(struct encoder *enc, struct sink *s, struct err *e)
{
    struct raw_encoder *r = (struct raw_encoder *)enc;

    if (r->seekable && r->trailer_len)
        return sink_pwrite(s, r->trailer, r->trailer_len, r->content, e);
    if (r->seekable)
        return 0;
    TRY(sink_zeros(s, r->content - r->pos, e));
    return r->trailer_len ? sink_write(s, r->trailer, r->trailer_len, e) : 0;
}

/* Blocks that end before it, and the holes among them. */
static void raw_reached(const struct encoder *enc, uint64_t len,
                        struct encoder_rest *rest)
{
    const struct image *img = enc->img;
    uint32_t cursor = 0;

    *rest = (struct encoder_rest){.holes = min_u64(len, enc->size)};
    rest->holes -= rest->holes % SECTOR_SIZE;
    while (rest->blocks < img->nmapped) {
        uint32_t index = image_step(img, &cursor);
        uint64_t start = (uint64_t)index * img->block_size;

        if (start + image_block_len(img, index) > len)
            return;
        rest->blocks++;
    }
}

static void raw_close(struct encoder *enc)
{
    free(enc);
}

static const struct encoder_ops raw_ops = {
    .begin = raw_begin,
    .block = raw_block,
    .end = raw_end,
    .reached = raw_reached,
    .close = raw_close,
};

int encoder_check_plain(const struct image *img, uint64_t size, struct err *e)
{
    if (img->has_parent)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a differencing disk holds only what differs from "
                       "its parent and cannot be written as a whole disk",
                       img->name);
    if (size < img->size)
        return err_set(e, ERR_NO_SPACE,
                       "%s: a disk of %" PRIu64 " bytes does not fit %" PRIu64,
                       img->name, img->size, size);
    return 0;
}

int raw_encoder_with(struct encoder **out, const struct image *img,
                     uint64_t size, const uint8_t *trailer, struct err *e)
{
    struct raw_encoder *r = NULL;

    TRY(encoder_check_plain(img, size, e));
    TRY(mem_alloc(&r, sizeof(*r), "an encoder", e));
    r->base.ops = &raw_ops;
    r->base.img = img;
    r->content = size;
    if (trailer) {
        memcpy(r->trailer, trailer, RAW_TRAILER_SIZE);
        r->trailer_len = RAW_TRAILER_SIZE;
    }
    r->base.size = size + r->trailer_len;
    *out = &r->base;
    return 0;
}

int raw_encoder(struct encoder **out, const struct image *img, uint64_t size,
                struct err *e)
{
    return raw_encoder_with(out, img, size, NULL, e);
}
