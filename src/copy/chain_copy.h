/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHAIN_COPY_H
#define VHDSTREAM_CHAIN_COPY_H

/* A chain image, whose members come one after the other in any order, into one
 * disk. */

#include "copy/hashing.h"
#include "copy/input.h"
#include "copy/output.h"

/* Whether a destination that was prepared takes one. */
bool chain_fits(const struct output *out);

/* All members of `in`, which input_open_chain found to be one, to the end of
 * the archive, and output_finish. in->img is then the whole disk, without its
 * blocks. `label` as in output_begin. */
int chain_copy(struct vhdstream *v, struct input *in, struct output *out,
               const char *label, struct err *e);

/* The digest of the whole disk, where it is wanted: by reading it from the
 * destination, since its sectors have come in no order. --verify compares it
 * with the image's digest.json, which must be there then: else
 * ERR_UNSUPPORTED. */
int chain_digest(struct vhdstream *v, struct input *in, struct output *out,
                 struct hashing *h, struct err *e);

#endif
