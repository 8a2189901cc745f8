/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STORE_SIDE_H
#define VHDSTREAM_STORE_SIDE_H

/* An image store on one side of an operation: the session, which lasts over all
 * tries, and what was found there. */

#include "copy/operation.h"
#include "copy/place.h"
#include "store/glance.h"

struct store_side {
    struct http_config http; /* a pool's password is none of its business */
    struct glance *glance;
    struct glance_image image; /* the source */
    bool found;                /* it is known */
};

/* Has the session ready in v->store[side]. */
int store_login(struct vhdstream *v, int side, const struct place *p,
                struct err *e);

/* Opens the content of the image at `p`; once more that of the same image,
 * whatever has its name by then. */
int store_source(struct vhdstream *v, int side, const struct place *p,
                 struct source **out, struct err *e);

/* What the record says of the content, or NULL: after store_source. */
const struct format *store_format(const struct vhdstream *v, int side);

/* Whether it says that the disk is a VHD, packed or not. */
bool store_says_vhd(const struct vhdstream *v, int side);

/* The image's name. */
const char *store_label(const struct vhdstream *v, int side);

/* What `info` tells of it. */
json_t *store_describe(const struct vhdstream *v, int side);

/* Ends the session; sources and sinks must be closed before. */
void store_close(struct vhdstream *v, int side);

#endif
