/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/*
 * A dynamic VHD whose size and blocks are not known beforehand: a block gets
 * its place when the first of its sectors comes, with all bits set, so that a
 * later member need not read its bitmap; what no member writes of it is a hole
 * of the file, zeros. Head and table are written last. Where the table outgrows
 * its room, the first block is moved behind the last.
 */

#include "base/bits.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"
#include "image/chain/canvas.h"
#include "image/vhd/vhd_new.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    TABLE_AT = VHD_FOOTER_SIZE + VHD_HEADER_SIZE,
    BITMAP_SIZE = 512,
    BLOCK_SPAN = BITMAP_SIZE + BLOCK_SIZE_DEFAULT,
};

struct vhd_canvas {
    struct canvas base;
    struct encoder enc; /* of a member */
    struct sink *sink;
    bool begun, over;
    uint8_t *table;           /* nblocks entries, as on the disk */
    uint32_t nblocks;         /* of the disk so far */
    uint64_t data_at;         /* where the blocks begin */
    uint64_t end;             /* where they end */
    struct vhd_footer footer; /* of the leaf */
};

/* --- the table ------------------------------------------------------------*/

static uint64_t table_size(uint32_t nblocks)
{
    return round_up((uint64_t)nblocks * 4, 512);
}

static uint64_t place_of(const struct vhd_canvas *v, uint32_t index)
{
    uint32_t sector = get_be32(v->table + 4 * (size_t)index);

    return sector == (uint32_t)VHD_UNUSED ? 0 : (uint64_t)sector * 512;
}

static void set_place(struct vhd_canvas *v, uint32_t index, uint64_t at)
{
    put_be32(v->table + 4 * (size_t)index, (uint32_t)(at / 512));
}

/* Room for one more block, behind the last. */
static int add_span(struct vhd_canvas *v, uint64_t *at, struct err *e)
{
    if (v->end / 512 >= UINT32_MAX)
        return err_set(e, ERR_NO_SPACE,
                       "%s: a block would begin at byte %" PRIu64
                       ", which a VHD cannot address",
                       v->sink->name, v->end);
    TRY(sink_grow(v->sink, v->end + BLOCK_SPAN, e));
    *at = v->end;
    v->end += BLOCK_SPAN;
    return 0;
}

static int add_block(struct vhd_canvas *v, uint32_t index, struct err *e)
{
    uint8_t ones[BITMAP_SIZE];
    uint64_t at = 0;

    memset(ones, 0xff, sizeof(ones));
    TRY(add_span(v, &at, e));
    set_place(v, index, at);
    return sink_pwrite(v->sink, ones, sizeof(ones), at, e);
}

/* --- growing --------------------------------------------------------------*/

/* The block at the beginning of the blocks goes to their end. */
static int move_first(struct vhd_canvas *v, uint32_t index, uint8_t *buf,
                      struct err *e)
{
    uint64_t from = place_of(v, index), to = 0;

    TRY(sink_pread(v->sink, buf, BLOCK_SPAN, from, e));
    TRY(add_span(v, &to, e));
    TRY(sink_pwrite(v->sink, buf, BLOCK_SPAN, to, e));
    set_place(v, index, to);
    return 0;
}

static uint32_t block_at(const struct vhd_canvas *v, uint64_t at)
{
    uint32_t index = 0;

    while (index < v->nblocks && place_of(v, index) != at)
        index++;
    return index;
}

/* Has the blocks begin no earlier than `need`. */
static int make_room(struct vhd_canvas *v, uint64_t need, struct err *e)
{
    FREE uint8_t *buf = NULL;

    if (v->end == v->data_at) {
        v->data_at = v->end = max_u64(v->data_at, need);
        return 0;
    }
    while (v->data_at < need) {
        uint32_t index = block_at(v, v->data_at);

        if (!buf)
            TRY(mem_alloc_buffer(&buf, BLOCK_SPAN, e));
        if (index < v->nblocks)
            TRY(move_first(v, index, buf, e));
        v->data_at += BLOCK_SPAN;
    }
    return 0;
}

static int grow_table(struct vhd_canvas *v, uint32_t nblocks, struct err *e)
{
    uint8_t *table = NULL;

    TRY(mem_alloc(&table, table_size(nblocks), "the block allocation table",
                  e));
    memset(table, 0xff, table_size(nblocks));
    if (v->nblocks)
        memcpy(table, v->table, 4 * (size_t)v->nblocks);
    free(v->table);
    v->table = table;
    v->nblocks = nblocks;
    return 0;
}

static int vhd_canvas_grow(struct canvas *c, uint64_t size, struct err *e)
{
    struct vhd_canvas *v = (struct vhd_canvas *)c;
    uint32_t nblocks;

    if (size > VHD_SIZE_MAX)
        return err_set(e, ERR_NO_SPACE,
                       "%s: a disk of %" PRIu64
                       " bytes, where a VHD holds at most %" PRIu64,
                       v->sink->name, size, VHD_SIZE_MAX);
    if (!v->begun) {
        TRY(sink_clear(v->sink, 0, e));
        v->begun = true;
    }
    nblocks = (uint32_t)div_up(size, BLOCK_SIZE_DEFAULT);
    if (nblocks <= v->nblocks)
        return 0;
    TRY(make_room(v, TABLE_AT + table_size(nblocks), e));
    return grow_table(v, nblocks, e);
}

/* --- pieces ---------------------------------------------------------------*/

struct vhd_place {
    struct vhd_canvas *v;
    const struct block *b;
    uint32_t index; /* of the block here, and the piece's offset in it */
    uint32_t offset;
};

static int put_vhd(void *ctx, uint32_t at, uint32_t len, struct err *e)
{
    const struct vhd_place *p = ctx;
    bool is_new = !place_of(p->v, p->index);

    if (is_new && zero_is(p->b->data + at, len))
        return 0;
    if (is_new)
        TRY(add_block(p->v, p->index, e));
    return sink_pwrite(p->v->sink, p->b->data + at, len,
                       place_of(p->v, p->index) + BITMAP_SIZE + p->offset + at,
                       e);
}

static struct vhd_canvas *canvas_of(struct encoder *enc)
{
    return (struct vhd_canvas *)((char *)enc -
                                 offsetof(struct vhd_canvas, enc));
}

static int begin_member(struct encoder *enc, struct sink *s, struct err *e)
{
    (void)enc, (void)s, (void)e;
    return 0;
}

static int put_piece(struct encoder *enc, struct sink *s, const struct block *b,
                     struct err *e)
{
    struct vhd_canvas *v = canvas_of(enc);
    uint64_t at = (uint64_t)b->index * enc->img->block_size + b->offset;
    struct vhd_place p = {v, b, (uint32_t)(at / BLOCK_SIZE_DEFAULT),
                          (uint32_t)(at % BLOCK_SIZE_DEFAULT)};

    (void)s;
    return canvas_each_run(b, v->over, put_vhd, &p, e);
}

static const struct encoder_ops member_ops = {
    .begin = begin_member,
    .block = put_piece,
    .end = begin_member,
};

static int vhd_canvas_lay(struct canvas *c, struct image *img,
                          const struct lay_how *how, struct err *e)
{
    struct vhd_canvas *v = (struct vhd_canvas *)c;

    if (how->is_leaf)
        TRY(vhd_new_footer(&v->footer, img, VHD_DYNAMIC, img->size, NULL, e));
    v->over = how->over;
    v->enc = (struct encoder){.ops = &member_ops, .img = img};
    return image_copy(img, &v->enc, v->sink, how->progress, how->wait, e);
}

/* --- the end --------------------------------------------------------------*/

/* XAPI's import fails on bits past the disk's end. */
static int cut_last_bitmap(struct vhd_canvas *v, uint64_t size, struct err *e)
{
    uint8_t bitmap[BITMAP_SIZE] = {0};
    uint64_t inside = size % BLOCK_SIZE_DEFAULT;
    uint64_t at = place_of(v, v->nblocks - 1);

    if (!inside || !at)
        return 0;
    bits_set_run(bitmap, 0, inside / SECTOR_SIZE);
    return sink_pwrite(v->sink, bitmap, sizeof(bitmap), at, e);
}

static int write_head(struct vhd_canvas *v, const uint8_t *footer,
                      struct err *e)
{
    struct vhd_header h = {
        .data_offset = UINT64_MAX,
        .table_offset = TABLE_AT,
        .version = VHD_VERSION,
        .max_entries = v->nblocks,
        .block_size = BLOCK_SIZE_DEFAULT,
    };
    uint8_t header[VHD_HEADER_SIZE];

    vhd_header_encode(&h, header);
    TRY(sink_pwrite(v->sink, footer, VHD_FOOTER_SIZE, 0, e));
    TRY(sink_pwrite(v->sink, header, sizeof(header), VHD_FOOTER_SIZE, e));
    return sink_pwrite(v->sink, v->table, table_size(v->nblocks), TABLE_AT, e);
}

static int vhd_canvas_finish(struct canvas *c, const struct image *img,
                             struct err *e)
{
    struct vhd_canvas *v = (struct vhd_canvas *)c;
    uint8_t footer[VHD_FOOTER_SIZE];

    vhd_footer_encode(&v->footer, footer);
    TRY(cut_last_bitmap(v, img->size, e));
    TRY(sink_grow(v->sink, v->end + sizeof(footer), e));
    TRY(write_head(v, footer, e));
    return sink_pwrite(v->sink, footer, sizeof(footer), v->end, e);
}

static void vhd_canvas_close(struct canvas *c)
{
    free(((struct vhd_canvas *)c)->table);
    free(c);
}

static const struct canvas_ops vhd_canvas_ops = {
    .grow = vhd_canvas_grow,
    .lay = vhd_canvas_lay,
    .finish = vhd_canvas_finish,
    .close = vhd_canvas_close,
};

int vhd_canvas(struct canvas **out, struct sink *s, struct err *e)
{
    struct vhd_canvas *v = NULL;

    TRY(mem_alloc(&v, sizeof(*v), "a disk of several members", e));
    v->base.ops = &vhd_canvas_ops;
    v->sink = s;
    v->data_at = v->end = TABLE_AT;
    *out = &v->base;
    return 0;
}
