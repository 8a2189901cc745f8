/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/encoder.h"

#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdatomic.h>

int encoder_reached(const struct encoder *enc, uint64_t len,
                    struct encoder_rest *rest)
{
    if (!enc->ops->reached)
        return 0;
    enc->ops->reached(enc, len, rest);
    return 1;
}

void encoder_close(struct encoder *enc)
{
    if (enc)
        enc->ops->close(enc);
}

void encoder_cleanup(struct encoder **enc)
{
    encoder_close(*enc);
    *enc = NULL;
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* Holes count as done at the start, so that the rest is what takes time. */
static void start_progress(struct progress *p, const struct image *img)
{
    struct image_cursor cursor = {0};
    struct block piece = {0};
    uint64_t holes = img->size;

    while (image_step_piece(img, &cursor, &piece))
        holes -= piece.len;
    atomic_store(&p->total, max_u64(p->whole, p->past_done + img->size));
    atomic_store(&p->done, p->past_done + holes);
    atomic_store(&p->zeros, p->past_zeros + holes);
}

uint64_t progress_next(struct progress *p)
{
    uint64_t before = p->past_done - p->past_zeros;

    p->past_done = atomic_load(&p->done);
    p->past_zeros = atomic_load(&p->zeros);
    return p->past_done - p->past_zeros - before;
}

void progress_copy(struct progress *to, const struct progress *from)
{
    atomic_store(&to->total, atomic_load(&from->total));
    atomic_store(&to->done, atomic_load(&from->done));
    atomic_store(&to->zeros, atomic_load(&from->zeros));
    atomic_store(&to->read, atomic_load(&from->read));
    atomic_store(&to->written, atomic_load(&from->written));
}

/* `enc` NULL: they go nowhere. */
static int copy_blocks(struct image *img, struct encoder *enc, struct sink *s,
                       struct progress *p, const struct wait *wait,
                       struct err *e)
{
    CLEANUP(block) struct block b = {0};
    int more;

    TRY(block_open(&b, e));
    while ((more = image_next(img, &b, e)) > 0) {
        TRY(wait_check(wait, e));
        if (enc)
            TRY(enc->ops->block(enc, s, &b, e));
        if (p)
            add(&p->done, b.len);
    }
    return more;
}

/* What was written must be what was promised. A seekable sink that was written
 * by places has nobody to whom a length was promised. */
static int keep_promise(const struct encoder *enc, const struct sink *s,
                        uint64_t start, struct err *e)
{
    uint64_t written = s->pos - start;

    if (written == enc->size || enc->size == ENCODER_SIZE_OPEN ||
        (sink_is_seekable(s) && !written))
        return 0;
    return err_set(e, ERR_FAILED,
                   "%s: %" PRIu64 " bytes were written where %" PRIu64
                   " were promised; this is a fault of the program",
                   s->name, written, enc->size);
}

int image_copy(struct image *img, struct encoder *enc, struct sink *s,
               struct progress *p, const struct wait *wait, struct err *e)
{
    uint64_t start = s->pos;

    if (p)
        start_progress(p, img);
    TRY(enc->ops->begin(enc, s, e));
    TRY(copy_blocks(img, enc, s, p, wait, e));
    TRY(enc->ops->end(enc, s, e));
    return keep_promise(enc, s, start, e);
}

int image_drain(struct image *img, struct progress *p, const struct wait *wait,
                struct err *e)
{
    if (p)
        start_progress(p, img);
    return copy_blocks(img, NULL, NULL, p, wait, e);
}
