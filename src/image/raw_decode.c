/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/raw_decode.h"

#include "base/bits.h"
#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd/vhd_ends.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct raw_image {
    struct image base;
    struct source *src;
    uint64_t len; /* bytes of the source that are content */
    struct image_cursor cursor;
    struct vhd_head head; /* of a fixed VHD; base.vhd points here */
    uint32_t footer_size; /* of the one that ends a fixed VHD's stream; or 0 */
};

/* [offset, offset + len), zeros past the content's last byte. */
static int read_content(struct raw_image *r, void *buf, size_t len,
                        uint64_t offset, struct err *e)
{
    size_t have = offset < r->len ? (size_t)min_u64(len, r->len - offset) : 0;

    memset((uint8_t *)buf + have, 0, len - have);
    return vhd_read_at(r->src, buf, have, offset, "the disk's content", e);
}

/* What a stream taken for a fixed VHD promised by its length. */
static int check_footer(struct raw_image *r, struct err *e)
{
    uint8_t raw[VHD_FOOTER_SIZE];
    struct vhd_refusal refusal;
    struct vhd_head h = {0};

    TRY(source_read_full(r->src, raw, r->footer_size, "the trailing footer",
                         e));
    vhd_end_find_tail(&h.tail, raw, r->footer_size, r->len + r->footer_size);
    vhd_refusal_init(&refusal, r->src, NULL);
    refusal.judge.stream = false; /* its length is known: as in a file */
    TRY(vhd_ends_judge_fixed(&refusal.judge, &h, e));
    if (h.footer.type == VHD_FIXED && h.size == r->len) {
        r->head.footer = h.footer;
        r->base.vhd = &r->head;
        return 0;
    }
    return err_set(e, ERR_CORRUPT,
                   "%s: the trailing footer (byte %" PRIu64
                   ") tells of a disk of type %" PRIu32 " and %" PRIu64
                   " bytes, expected 2 (fixed) and the %" PRIu64
                   " bytes before it; copy the VHD to a file and start from "
                   "that",
                   r->base.name, r->len, h.footer.type, h.size, r->len);
}

enum { SURPLUS_MAX = 1 << 20 }; /* bytes that are counted for the message */

static int end_of_stream(struct raw_image *r, struct err *e)
{
    uint64_t surplus = 0;

    if (r->footer_size)
        TRY(check_footer(r, e));
    TRY(source_drain(r->src, SURPLUS_MAX, &surplus, e));
    if (surplus)
        return err_set(e, ERR_CORRUPT,
                       "%s: %s%" PRIu64 " bytes more than the %" PRIu64
                       " that were announced",
                       r->base.name, surplus > SURPLUS_MAX ? "at least " : "",
                       surplus, r->len + r->footer_size);
    return 0;
}

static int raw_next(struct image *img, struct block *b, struct err *e)
{
    struct raw_image *r = (struct raw_image *)img;

    if (!image_step_piece(img, &r->cursor, b))
        return source_is_seekable(r->src) ? 0 : end_of_stream(r, e);
    TRY(read_content(r, b->data, b->len,
                     (uint64_t)b->index * img->block_size + b->offset, e));
    bits_set_run(b->present, 0, b->len / SECTOR_SIZE);
    b->whole = true;
    return 1;
}

static int raw_read(struct image *img, void *buf, size_t len, uint64_t offset,
                    struct err *e)
{
    return read_content((struct raw_image *)img, buf, len, offset, e);
}

/* By what the file stores. */
static int raw_extent(struct image *img, uint64_t at, enum extent_kind *kind,
                      uint64_t *end, struct err *e)
{
    struct raw_image *r = (struct raw_image *)img;
    uint64_t from = 0, to = 0;
    int more = at < r->len ? source_data(r->src, at, &from, &to, e) : 0;

    TRY(more);
    *kind = more && from <= at ? EXTENT_DATA : EXTENT_HOLE;
    *end = more ? (from <= at ? to : from) : r->len;
    /* What a last sector that is cut short is filled up with belongs to it. */
    if (*end >= r->len)
        *end = img->size;
    return 0;
}

static void raw_close(struct image *img)
{
    struct raw_image *r = (struct raw_image *)img;

    source_close(r->src);
    image_free_base(img);
    free(r);
}

static const struct image_ops stream_ops = {
    .next = raw_next,
    .close = raw_close,
};

static const struct image_ops seekable_ops = {
    .next = raw_next,
    .read = raw_read,
    .extent = raw_extent,
    .close = raw_close,
};

static void map_extent(struct image *img, uint64_t start, uint64_t end)
{
    uint64_t first = start / img->block_size;
    uint64_t last = div_up(min_u64(end, img->size), img->block_size);

    if (first < last)
        bits_set_run(img->map, first, last - first);
}

static int map_data(struct raw_image *r, struct source *src, struct err *e)
{
    uint64_t from = 0, start, end;
    int more;

    while (from < r->len &&
           (more = source_data(src, from, &start, &end, e)) != 0) {
        TRY(more);
        map_extent(&r->base, start, end);
        from = end;
    }
    r->base.nmapped = (uint32_t)bits_count(r->base.map, r->base.nblocks);
    return 0;
}

static int open_raw(struct source **src, uint64_t len, const char *format,
                    struct raw_image **out, struct err *e)
{
    bool seekable = source_is_seekable(*src);
    struct raw_image *r = NULL;
    int result;

    if (len > UINT64_MAX / 2)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: %" PRIu64 " bytes are more than a disk can have",
                       (*src)->name, len);
    TRY(mem_alloc(&r, sizeof(*r), "an image", e));
    r->len = len;
    result = image_init(&r->base, seekable ? &seekable_ops : &stream_ops,
                        (*src)->name, format, round_up(len, SECTOR_SIZE),
                        BLOCK_SIZE_DEFAULT, e);
    if (!result && seekable)
        result = map_data(r, *src, e);
    if (result < 0) {
        raw_close(&r->base);
        return result;
    }
    if (!seekable)
        map_extent(&r->base, 0, len);
    r->base.nmapped = (uint32_t)bits_count(r->base.map, r->base.nblocks);
    r->src = *src;
    *src = NULL;
    *out = r;
    return 0;
}

static int refuse_empty(const struct source *src, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: empty: no disk in it", src->name);
}

/* Of a stream without bytes that is what has to be said: what made it failed.
 */
static int refuse_unknown(struct source **src, struct err *e)
{
    uint8_t first;
    size_t got;

    TRY(source_head(src, &first, 1, &got, e));
    if (!got)
        return refuse_empty(*src, e);
    return err_set(e, ERR_USAGE,
                   "%s: a raw disk of unknown length; give its bytes with "
                   "--size",
                   (*src)->name);
}

int raw_decode(struct source **src, int64_t size, struct image **out,
               struct err *e)
{
    struct raw_image *r;

    if (size < 0)
        size = (*src)->size;
    if (size < 0)
        return refuse_unknown(src, e);
    if (!size)
        return refuse_empty(*src, e);
    if ((*src)->size >= 0 && size != (*src)->size)
        return err_set(e, ERR_USAGE,
                       "%s: has %" PRId64 " bytes, not the %" PRId64
                       " that --size gives",
                       (*src)->name, (*src)->size, size);
    TRY(open_raw(src, (uint64_t)size, "raw", &r, e));
    *out = &r->base;
    return 0;
}

int raw_decode_fixed(struct source **src, const struct vhd_head *head,
                     struct image **out, struct err *e)
{
    struct raw_image *r;

    TRY(open_raw(src, head->size, "vhd-fixed", &r, e));
    r->head = *head;
    r->base.vhd = &r->head;
    *out = &r->base;
    return 0;
}

int raw_decode_fixed_stream(struct source **src, uint64_t len,
                            struct image **out, struct err *e)
{
    uint32_t footer_size =
        len % 512 == 511 ? VHD_FOOTER_SIZE - 1 : VHD_FOOTER_SIZE;
    struct raw_image *r;

    if ((len - footer_size) % 512)
        return err_set(e, ERR_CORRUPT,
                       "%s: %" PRIu64 " bytes are no fixed VHD: before its "
                       "footer stand whole sectors",
                       (*src)->name, len);
    TRY(open_raw(src, len - footer_size, "vhd-fixed", &r, e));
    r->footer_size = footer_size;
    *out = &r->base;
    return 0;
}
