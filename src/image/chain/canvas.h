/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CANVAS_H
#define VHDSTREAM_CANVAS_H

/*
 * The disk on which the members of a chain are laid over each other, in
 * whatever order they come: what image_cover leaves of each is written where it
 * belongs, and all else stays as it is.
 *
 * What it shows where nothing was laid is zeros, once it was finished.
 */

#include "image/encoder.h"
#include "image/image.h"
#include "io/sink.h"

struct canvas;

/* How a member is laid. */
struct lay_how {
    bool over;    /* one of a higher rank came before: zeros have to be written,
                     too. Else nothing is below this one */
    bool is_leaf; /* the disk has its uuid */
    struct progress *progress; /* or NULL */
    const struct wait *wait;
};

struct canvas_ops {
    /* A member of `size` bytes comes next: has room for it, if need be more
     * than before. The first call makes the disk. */
    int (*grow)(struct canvas *c, uint64_t size, struct err *e);
    /* All blocks of img, to its verified end; they are at their place then. */
    int (*lay)(struct canvas *c, struct image *img, const struct lay_how *how,
               struct err *e);
    /* After the last member: what has to be written beside them. `img`, whose
     * name and size count, is the whole disk. What the disk is in is not
     * finished. */
    int (*finish)(struct canvas *c, const struct image *img, struct err *e);
    void (*close)(struct canvas *c);
};

struct canvas {
    const struct canvas_ops *ops;
};

int canvas_grow(struct canvas *c, uint64_t size, struct err *e);
int canvas_lay(struct canvas *c, struct image *img, const struct lay_how *how,
               struct err *e);
int canvas_finish(struct canvas *c, const struct image *img, struct err *e);
void canvas_close(struct canvas *c);
void canvas_cleanup(struct canvas **c);

/* Calls put(ctx, at, len) for each run of the piece's sectors that has to be
 * written; `at` is the byte in the piece. Where nothing is below, pages of
 * zeros have not. */
typedef int canvas_put_fn(void *ctx, uint32_t at, uint32_t len, struct err *e);
int canvas_each_run(const struct block *b, bool over, canvas_put_fn *put,
                    void *ctx, struct err *e);

/* Plain content in a seekable sink, which must outlive it. `fixed_unit` 0: just
 * that; else a fixed VHD, whose size is a multiple of that many bytes. */
int raw_canvas(struct canvas **out, struct sink *s, uint32_t fixed_unit,
               struct err *e);

/* A dynamic VHD in a sink that can be read back while it is written
 * (sink_can_pread), and that must outlive it. Blocks are laid out as they come.
 * ERR_NO_SPACE beyond 2040 GiB. */
int vhd_canvas(struct canvas **out, struct sink *s, struct err *e);

#endif
