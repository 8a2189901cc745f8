/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_INPUT_H
#define VHDSTREAM_POOL_INPUT_H

/* A VDI of a pool as the source of an operation. */

#include "copy/input.h"

/* Logs in, finds the disk (or makes a snapshot of it), unless out->pool has it
 * already; begins its export and decodes the head. Fills out->img and
 * out->pool. */
int pool_input_open(struct vhdstream *v, const struct place *p,
                    struct input *out, struct err *e);

/* What that does first: logs in and finds the disk, unless that was done. */
int pool_input_find(struct vhdstream *v, const struct place *p,
                    struct input *out, struct err *e);

/* Whether the disk's base was found and the pool cannot tell what differs from
 * it: the exports are of the whole disk then. */
bool pool_input_is_compared(const struct pool_input *pool);

/* Begins the export of that base, whole, and decodes the head. */
int pool_input_export_base(struct vhdstream *v, struct pool_input *pool,
                           struct image **out, struct err *e);

/* Begins the export of the disk that was found, once more, and decodes the
 * head. */
int pool_input_export(struct vhdstream *v, struct pool_input *pool,
                      struct image **out, struct err *e);

/* Whether the disk has been found. */
bool pool_input_is_ready(const struct pool_input *pool);

/* The same without decoding: the export as VHD. Fills out->pool. */
int pool_input_open_bytes(struct vhdstream *v, const struct place *p,
                          struct input *out, struct source **src,
                          struct err *e);

/* Before the next try: the snapshot that was made is kept alive. NULL is fine.
 */
void pool_input_resume(struct pool_input *pool);

/* Destroys the snapshot. */
int pool_input_finish(struct pool_input *pool, struct err *e);

/* Logs out, frees; NULL is fine. The image must be closed before. */
void pool_input_close(struct pool_input *pool, struct err *why);

/* The disk's name-label. */
const char *pool_input_label(const struct pool_input *pool);

/* What `info` tells of it: uuid, label, sizes, SR. */
json_t *pool_input_describe(const struct pool_input *pool);

#endif
