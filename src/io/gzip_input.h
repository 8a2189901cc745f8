/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_GZIP_INPUT_H
#define VHDSTREAM_GZIP_INPUT_H

/* The compressed bytes of a gzip source, buffered: what was looked at or read
 * ahead can be read again. */

#include "io/source.h"

/* Bytes in front of `next` that may be written, to be given back. */
enum { GZIP_HEADROOM = 8 };

struct gzip_input {
    struct source *inner; /* the owner's */
    uint8_t *buffer;      /* GZIP_HEADROOM, then room */
    size_t room;
    uint8_t *next; /* what of it is to be used; the user's to move */
    size_t left;
    struct err failure; /* met while looking ahead; code 0: none */
};

struct gzip_stretch {
    const uint8_t *bytes;
    size_t len;
};

int gzip_input_open(struct gzip_input *in, struct source *inner, struct err *e);

/* Frees all but the inner source. */
void gzip_input_close(struct gzip_input *in);

/* Place in the compressed stream of `next`. */
uint64_t gzip_input_place(const struct gzip_input *in);

/* Reads when nothing is left: 1, 0 at the inner source's verified end, or the
 * failure. */
int gzip_input_fill(struct gzip_input *in, struct err *e);

/* Has at least `len` bytes (a marker's at most) at next; false where the input
 * ends or fails before: what there is stays, and fill says so after it. */
bool gzip_input_peek(struct gzip_input *in, size_t len);

/* Moves up to `len` bytes to buf: less only where the input ends or fails,
 * which fill says then. */
size_t gzip_input_take(struct gzip_input *in, uint8_t *buf, size_t len);

/* What was taken last, in `count` stretches, is to be read again, before what
 * is left. They stay the caller's, who may free them. */
int gzip_input_put_back(struct gzip_input *in,
                        const struct gzip_stretch *stretches, unsigned count,
                        struct err *e);

#endif
