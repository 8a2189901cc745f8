/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_PACKED_INPUT_H
#define VHDSTREAM_PACKED_INPUT_H

/* The compressed bytes of a gzip or zstd source, buffered: what was looked at
 * or read ahead can be read again. */

#include "io/source.h"

/* Bytes in front of `next` that may be written, to be given back. */
enum { PACKED_HEADROOM = 8 };

struct packed_input {
    struct source *inner; /* the owner's */
    uint8_t *buffer;      /* PACKED_HEADROOM, then room */
    size_t room;
    uint8_t *next; /* what of it is to be used; the user's to move */
    size_t left;
    struct err failure; /* met while looking ahead; code 0: none */
};

struct packed_stretch {
    const uint8_t *bytes;
    size_t len;
};

int packed_input_open(struct packed_input *in, struct source *inner,
                      struct err *e);

/* Frees all but the inner source. */
void packed_input_close(struct packed_input *in);

/* Place in the compressed stream of `next`. */
uint64_t packed_input_place(const struct packed_input *in);

/* Reads when nothing is left: 1, 0 at the inner source's verified end, or the
 * failure. */
int packed_input_fill(struct packed_input *in, struct err *e);

/* Has at least `len` bytes (a marker's at most) at next; false where the input
 * ends or fails before: what there is stays, and fill says so after it. */
bool packed_input_peek(struct packed_input *in, size_t len);

/* Moves up to `len` bytes to buf: less only where the input ends or fails,
 * which fill says then. */
size_t packed_input_take(struct packed_input *in, uint8_t *buf, size_t len);

/* What was taken last, in `count` stretches, is to be read again, before what
 * is left. They stay the caller's, who may free them. */
int packed_input_put_back(struct packed_input *in,
                          const struct packed_stretch *stretches,
                          unsigned count, struct err *e);

#endif
