/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ENCODER_H
#define VHDSTREAM_ENCODER_H

/*
 * An encoder writes an image in one form. It is built from the image's map
 * alone, and from then on knows its exact size: whoever must promise it (a tar
 * header, a Content-Length) does so before the first byte.
 *
 * The image must outlive the encoder, and is not changed after it was built.
 */

#include "base/err.h"
#include "base/uuid.h"
#include "image/image.h"
#include "io/sink.h"

struct encoder;

/* Where a transfer that broke goes on: what came before is at the destination
 * already. All zero: at the beginning. */
struct encoder_rest {
    uint32_t blocks; /* the first ones in the image's order are done */
    uint64_t holes;  /* holes are done up to this byte of the disk; for who
                        writes them */
};

struct encoder_ops {
    /* All that comes before the blocks. */
    int (*begin)(struct encoder *enc, struct sink *s, struct err *e);
    /* One piece, in the order of the image. It is not changed: the digest of
     * the copy is taken from it afterwards. */
    int (*block)(struct encoder *enc, struct sink *s, const struct block *b,
                 struct err *e);
    /* All that comes after them. */
    int (*end)(struct encoder *enc, struct sink *s, struct err *e);
    /* What is left to be written when the first `len` bytes of the output have
     * arrived. NULL: it can only be written from the beginning. Where the size
     * is open that is known of what was written, and told for some 64 MiB back;
     * less may have to be said than has arrived. */
    void (*reached)(const struct encoder *enc, uint64_t len,
                    struct encoder_rest *rest);
    void (*close)(struct encoder *enc);
};

struct encoder {
    const struct encoder_ops *ops;
    const struct image *img;
    uint64_t size; /* exact, bytes; or ENCODER_SIZE_OPEN */
};

/* Known only when all is written: for whoever need not promise it. */
#define ENCODER_SIZE_OPEN UINT64_MAX

/* 1 and *rest, or 0 where there is no going on: see reached above. */
int encoder_reached(const struct encoder *enc, uint64_t len,
                    struct encoder_rest *rest);

void encoder_close(struct encoder *enc);
void encoder_cleanup(struct encoder **enc);

struct vhd_options {
    bool clear_zeros;        /* clear the bits of zero sectors: only where the
                                background is known to be zero */
    const struct uuid *uuid; /* NULL: the one it had, or a fresh one */
    const struct uuid *parent_uuid; /* of an image with a parent: that one's;
                                       NULL: the one that its VHD tells */
    const char *parent; /* of an image with a parent: that one's path from the
                           new file's folder on, for the new file to name; NULL:
                           it names none. Need not outlive the call */
    bool overlay; /* to be laid over what is there: differencing, with a null
                     uuid for a parent, though the image has none */
    struct encoder_rest rest; /* `blocks` are left out; with overlay */
};

/* A VHD of 2 MiB blocks: dynamic, or differencing for an image with a parent,
 * whose uuid must be known; it keeps its sector bits as they are, zeros or
 * not. ERR_UNSUPPORTED for an image of another block size (reblock it first),
 * ERR_NO_SPACE beyond 2040 GiB. */
int vhd_encoder(struct encoder **out, const struct image *img,
                const struct vhd_options *opt, struct err *e);

/* The plain content, `size` bytes (at least the image's; what is past its end
 * is zero). A sink that is not seekable needs an ascending image. */
int raw_encoder(struct encoder **out, const struct image *img, uint64_t size,
                struct err *e);

/* A fixed VHD of `size` bytes (at least the image's; what is past its end is
 * zero) and the footer after them; else as raw_encoder. `uuid` as in struct
 * vhd_options. ERR_NO_SPACE beyond 2040 GiB. */
int vhd_fixed_encoder(struct encoder **out, const struct image *img,
                      uint64_t size, const struct uuid *uuid, struct err *e);

/* XAPI's chunked framing: records of offset, length and data, in any order;
 * holes as explicit zeros, up to `size` (at least the image's). `rest`: what is
 * to be written of it; NULL: all. */
int chunked_encoder(struct encoder **out, const struct image *img,
                    uint64_t size, const struct encoder_rest *rest,
                    struct err *e);

/* The same framing for the sectors that are present, and nothing else: what no
 * record covers stays as it is. The bytes from zeros_at to zeros_end, if there
 * are any, become zero before that. Its size is open. */
int chunked_runs_encoder(struct encoder **out, const struct image *img,
                         uint64_t zeros_at, uint64_t zeros_end, struct err *e);

/* The rest of the same after a break. */
int chunked_runs_rest(struct encoder **out, const struct image *img,
                      uint64_t zeros_at, uint64_t zeros_end,
                      const struct encoder_rest *rest, struct err *e);

/* What raw_encoder and chunked_encoder ask of an image: whole, and not larger
 * than `size`. */
int encoder_check_plain(const struct image *img, uint64_t size, struct err *e);

/* How far a transfer is; written by it, read by any thread. */
struct progress {
    _Atomic uint64_t total;   /* virtual bytes that will be covered */
    _Atomic uint64_t done;    /* of them so far */
    _Atomic uint64_t zeros;   /* bytes found zero or left out */
    _Atomic uint64_t read;    /* bytes from the source's place */
    _Atomic uint64_t written; /* bytes to the destination's place */

    /* Of several disks that are one work, of the one thread that does it: what
     * all will have, as far as is known, and what those before have had. */
    uint64_t whole, past_done, past_zeros;
};

/* A disk of several is done: what follows is counted on top of it. The bytes of
 * its data. */
uint64_t progress_next(struct progress *p);

/* As it stands now. */
void progress_copy(struct progress *to, const struct progress *from);

/* Moves all: begin, the blocks, end; then checks that the input was whole and
 * that what was written is what was promised (seekable raw output excepted,
 * which writes no holes). The sink is not finished here. `p` may be NULL. */
int image_copy(struct image *img, struct encoder *enc, struct sink *s,
               struct progress *p, const struct wait *wait, struct err *e);

/* Reads all blocks to the verified end and forgets them: for what a wrapper
 * does with them in passing. `p` may be NULL. */
int image_drain(struct image *img, struct progress *p, const struct wait *wait,
                struct err *e);

#endif
