/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_OUTPUT_H
#define VHDSTREAM_POOL_OUTPUT_H

/* A new VDI in an SR of a pool, or an existing one, as the destination. */

#include "copy/output.h"

/* Logs in, finds the SR or the disk. */
int pool_output_prepare(struct vhdstream *v, struct output *out, struct err *e);

/* Chooses what the server takes best, creates the VDI, begins the import: its
 * sink makes the disk complete at finish, and destroys it where that was not
 * reached. `label`: a name for it where the user gave none. */
int pool_output_begin(struct vhdstream *v, struct output *out,
                      struct image **img, const char *label, struct err *e);

/* Logs out, frees; NULL is fine. Destroys what was made and not completed. The
 * sink must be closed before. */
void pool_output_close(struct pool_output *pool, struct err *why);

/* The VDI's uuid; NULL for NULL. */
const char *pool_output_uuid(const struct pool_output *pool);

/* In which form it was sent: "vhd", "raw", "chunked". */
const char *pool_output_form(const struct pool_output *pool);

#endif
