/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STORE_OUTPUT_H
#define VHDSTREAM_STORE_OUTPUT_H

/* A new image in Glance, or one that has no content yet, as the destination. */

#include "copy/digest_note.h"
#include "copy/output.h"

/* Logs in; finds the image where the place has an id. Makes out->store. */
int store_output_prepare(struct vhdstream *v, struct output *out,
                         struct err *e);

/* What is written where the user does not say: what the record of an image says
 * that is there, else tgz. */
const struct format *store_output_format(const struct store_output *store);

/* Whether out->format fits such a record. */
int store_output_check_format(const struct output *out, struct err *e);

/* Makes the record of a new image for a disk of `size` bytes, and begins the
 * upload of `len` bytes (-1: not known) in out->sink. `label`: its name where
 * the user gave none. */
int store_output_begin(struct output *out, uint64_t size, int64_t len,
                       const char *label, struct err *e);

/* The digest that goes with the image. */
void store_output_note(struct store_output *store,
                       const struct digest_note *note);

/* After the upload: the content, from Glance. */
int store_output_reopen(struct store_output *store, struct source **out,
                        struct err *e);

/* Then the image stays. */
int store_output_complete(struct store_output *store, struct err *e);

/* Frees; NULL is fine. Removes what was made and not completed. The sink must
 * be closed before. */
void store_output_close(struct store_output *store, struct err *why);

const char *store_output_id(const struct store_output *store);

#endif
