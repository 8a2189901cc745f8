/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/canvas.h"

#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd/vhd_new.h"

#include <stdlib.h>

struct raw_canvas {
    struct canvas base;
    struct encoder enc; /* of a member */
    struct sink *sink;
    bool begun, over;
    uint32_t fixed_unit;
    struct vhd_footer footer; /* of the leaf, where one is wanted */
};

/* --- pieces ---------------------------------------------------------------*/

struct raw_place {
    struct sink *sink;
    const struct block *b;
    uint64_t start; /* of the piece in the disk */
};

static int put_raw(void *ctx, uint32_t at, uint32_t len, struct err *e)
{
    const struct raw_place *p = ctx;

    return sink_pwrite(p->sink, p->b->data + at, len, p->start + at, e);
}

static struct raw_canvas *canvas_of(struct encoder *enc)
{
    return (struct raw_canvas *)((char *)enc -
                                 offsetof(struct raw_canvas, enc));
}

static int begin_member(struct encoder *enc, struct sink *s, struct err *e)
{
    (void)enc, (void)s, (void)e;
    return 0;
}

static int put_piece(struct encoder *enc, struct sink *s, const struct block *b,
                     struct err *e)
{
    struct raw_place p = {
        s, b, (uint64_t)b->index * enc->img->block_size + b->offset};

    return canvas_each_run(b, canvas_of(enc)->over, put_raw, &p, e);
}

static const struct encoder_ops member_ops = {
    .begin = begin_member,
    .block = put_piece,
    .end = begin_member,
};

/* --- the disk -------------------------------------------------------------*/

static int raw_canvas_grow(struct canvas *c, uint64_t size, struct err *e)
{
    struct raw_canvas *r = (struct raw_canvas *)c;

    if (r->begun)
        return sink_grow(r->sink, size, e);
    r->begun = true;
    return sink_clear(r->sink, size, e);
}

static int raw_canvas_lay(struct canvas *c, struct image *img,
                          const struct lay_how *how, struct err *e)
{
    struct raw_canvas *r = (struct raw_canvas *)c;

    if (r->fixed_unit && how->is_leaf)
        TRY(vhd_new_footer(&r->footer, img, VHD_FIXED,
                           round_up(img->size, r->fixed_unit), NULL, e));
    r->over = how->over;
    r->enc = (struct encoder){.ops = &member_ops, .img = img};
    return image_copy(img, &r->enc, r->sink, how->progress, how->wait, e);
}

static int raw_canvas_finish(struct canvas *c, const struct image *img,
                             struct err *e)
{
    struct raw_canvas *r = (struct raw_canvas *)c;
    uint8_t raw[VHD_FOOTER_SIZE];
    uint64_t size;

    if (!r->fixed_unit)
        return 0;
    size = round_up(img->size, r->fixed_unit);
    vhd_footer_encode(&r->footer, raw);
    TRY(sink_grow(r->sink, size + sizeof(raw), e));
    return sink_pwrite(r->sink, raw, sizeof(raw), size, e);
}

static void raw_canvas_close(struct canvas *c)
{
    free(c);
}

static const struct canvas_ops raw_canvas_ops = {
    .grow = raw_canvas_grow,
    .lay = raw_canvas_lay,
    .finish = raw_canvas_finish,
    .close = raw_canvas_close,
};

int raw_canvas(struct canvas **out, struct sink *s, uint32_t fixed_unit,
               struct err *e)
{
    struct raw_canvas *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "a disk of several members", e));
    r->base.ops = &raw_canvas_ops;
    r->sink = s;
    r->fixed_unit = fixed_unit;
    *out = &r->base;
    return 0;
}
