/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_OUTPUT_H
#define VHDSTREAM_POOL_OUTPUT_H

/* A new VDI in an SR of a pool, or an existing one, as the destination. */

#include "copy/output.h"
#include "copy/pool/pool_read_back.h"

/* Logs in, finds the SR or the disk. */
int pool_output_prepare(struct vhdstream *v, struct output *out, struct err *e);

/* Whether that was done. */
bool pool_output_is_ready(const struct pool_output *pool);

/* Chooses what the server takes best, creates the VDI, begins the import.
 * `label`: a name for it where the user gave none. After pool_output_break it
 * sends the rest into the same VDI. */
int pool_output_begin(struct vhdstream *v, struct output *out,
                      struct image **img, const char *label, struct err *e);

/* When all was sent: the disk to be read back. */
struct pool_written pool_output_written(const struct pool_output *pool);

/* Then the disk is complete, with `note` as its digest where one was taken. */
int pool_output_complete(struct pool_output *pool, const char *note,
                         struct err *e);

/* After a failure, before the sink is closed: ends the transfer, and finds out
 * where the next one may begin. *further: behind where this one began. */
int pool_output_break(struct output *out, bool *further, struct err *e);

/* Once what waits may do so again, before the next try: what the run has made
 * is kept alive. NULL is fine. */
void pool_output_resume(struct pool_output *pool);

/* Logs out, frees; NULL is fine. Destroys what was made and not completed. The
 * sink must be closed before. */
void pool_output_close(struct pool_output *pool, struct err *why);

/* The VDI's uuid; NULL for NULL. */
const char *pool_output_uuid(const struct pool_output *pool);

/* In which form it was sent: "vhd", "raw", "chunked". */
const char *pool_output_form(const struct pool_output *pool);

#endif
