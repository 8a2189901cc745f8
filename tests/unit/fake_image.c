/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fake_image.h"

#include "base/bits.h"
#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

struct fake {
    struct image base;
    struct fake_image how;
    struct image_cursor cursor;
};

static int fake_next(struct image *img, struct block *b, struct err *e)
{
    struct fake *f = (struct fake *)img;

    if (!image_step_piece(img, &f->cursor, b))
        return 0;
    if (f->how.fail_at && f->cursor.steps == f->how.fail_at)
        return err_set(e, f->how.fail_code ? f->how.fail_code : ERR_CORRUPT,
                       "the input is broken");
    memcpy(b->data,
           f->how.data + (uint64_t)b->index * img->block_size + b->offset,
           b->len);
    memset(b->present, 0xff, PIECE_SECTORS / 8);
    b->whole = true;
    return 1;
}

static int fake_read(struct image *img, void *buf, size_t len, uint64_t offset,
                     struct err *e)
{
    (void)e;
    memcpy(buf, ((struct fake *)img)->how.data + offset, len);
    return 0;
}

static void fake_close(struct image *img)
{
    image_free_base(img);
    free(img);
}

static const struct image_ops stream_ops = {
    .next = fake_next,
    .close = fake_close,
};

static const struct image_ops seekable_ops = {
    .next = fake_next,
    .read = fake_read,
    .close = fake_close,
};

struct image *fake_image(const struct fake_image *how)
{
    struct fake *f = calloc(1, sizeof(*f));

    if (!f || image_init(&f->base, how->seekable ? &seekable_ops : &stream_ops,
                         "fake", "raw", how->size, how->block_size, NULL) < 0)
        abort();
    f->how = *how;
    f->base.has_parent = how->has_parent;
    f->base.order = how->order;
    for (uint32_t i = 0; how->order && i < how->nmapped; i++)
        bit_set(f->base.map, how->order[i]);
    if (!how->order)
        bits_set_run(f->base.map, 0, f->base.nblocks);
    f->base.nmapped = (uint32_t)bits_count(f->base.map, f->base.nblocks);
    return &f->base;
}

uint32_t *backwards(uint32_t count)
{
    uint32_t *order = malloc(((size_t)count + 1) * sizeof(*order));

    if (!order)
        abort();
    for (uint32_t i = 0; i < count; i++)
        order[i] = count - 1 - i;
    return order;
}

uint32_t *shuffled(uint32_t count, unsigned seed)
{
    uint32_t *order = backwards(count);

    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)rand_r(&seed) % i;
        uint32_t last = order[i - 1];

        order[i - 1] = order[other];
        order[other] = last;
    }
    return order;
}
