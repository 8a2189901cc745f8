/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_OUTPUT_H
#define VHDSTREAM_OUTPUT_H

/*
 * The destination side of a copy. Three steps, since a size can be promised
 * only when the image's map is known, but whoever may not write should hear it
 * before a source is touched:
 *
 *     output_prepare   the place is there, may be written, takes the format
 *     output_begin     the image is known: encoder, exact size, the sink
 *     output_note      all was written: the digest, where it was taken
 *     output_finish    make it last
 *     output_complete  let it appear, once it is verified
 */

#include "copy/digest_note.h"
#include "copy/operation.h"
#include "copy/place.h"
#include "image/encoder.h"
#include "image/format.h"
#include "image/image.h"
#include "io/sink.h"

struct pool_output;
struct store_output;
struct leaf_hash;

struct output {
    const struct place *place;
    const struct format *format; /* NULL for XAPI, which decides itself */
    const char *child; /* the option by which the copy is to be a differencing
                          disk; NULL: it need not be. Set before the rest */
    bool several;      /* it is an image of more than one disk; likewise */
    const char *base;  /* PLACE_XAPI: the VDI to a copy of which a delta is
                          added; or NULL. Likewise */
    struct uuid uuid;  /* of a VHD that is written; null: that of the source */
    struct uuid parent_uuid; /* that a differencing disk shall name; the same */
    const char *parent;      /* what a differencing disk shall name; or NULL */
    struct sink *sink;
    struct sink *held; /* of --verify: the place at the bottom of `sink`, which
                          owns it; NULL: it cannot be held back */
    bool is_chain;     /* of several members: begun anew after a break */
    bool noted;        /* the digest goes with the image */
    char note[DIGEST_NOTE_SIZE]; /* as it does */
    struct encoder *enc;
    struct pool_output *xapi;   /* PLACE_XAPI */
    struct store_output *store; /* PLACE_GLANCE */
};

int output_prepare(struct vhdstream *v, const struct place *p,
                   struct output *out, struct err *e);

/* May wrap *img, to bring it into the form that the destination needs. `label`
 * is a name for the disk where the user gave none. */
int output_begin(struct vhdstream *v, struct output *out, struct image **img,
                 const char *label, struct err *e);

/* With `several`: the next disk, as the member `name` of the image. The encoder
 * of the last one is closed. */
int output_next(struct output *out, struct image **img, const char *name,
                struct err *e);

/* `size` and `digest` are those of the source's disk. */
void output_note(struct output *out, uint64_t size,
                 const struct leaf_hash *digest);

int output_finish(struct output *out, struct err *e);

/* After a failure, *why, that may pass: what was under way is ended so that the
 * next try can begin with output_prepare. A new VDI stays, and what is in it;
 * *further is whether there is more in it than before. A failure: there can be
 * no next try; *why has the reason. */
int output_break(struct output *out, bool *further, struct err *why);

/* With --verify, after output_finish: what is at the destination, from there.
 * `tail` as in struct image_open_options. */
int output_read_back(struct vhdstream *v, struct output *out,
                     struct tar_tail *tail, struct image **back, struct err *e);

/* After output_finish. Where nothing was held back it has been complete since
 * then. */
int output_complete(struct output *out, struct err *e);

/* Frees; abandons what was not finished. `why` as in sink_close. */
void output_close(struct output *out, struct err *why);

#endif
