/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DELTA_COPY_H
#define VHDSTREAM_DELTA_COPY_H

/* A delta that has to be found by reading the disk: against a list of block
 * digests, or a base of a pool that cannot tell what differs. The source is
 * read twice, since what differs has to be known before the first byte is
 * written. */

#include "copy/copy_inner.h"

/* --base is a list: whether that goes with the places of the copy. */
int delta_place_list(struct copy *c, struct err *e);

/* Where the base has to be compared with, reads it, before the disk; once. */
int delta_read_base(struct copy *c, struct err *e);

/* Whether it is such a delta. */
bool delta_is_found(const struct copy *c);

/* From the source to the end of the copy. */
int delta_transfer(struct copy *c, struct err *e);

#endif
