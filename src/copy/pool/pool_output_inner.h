/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_OUTPUT_INNER_H
#define VHDSTREAM_POOL_OUTPUT_INNER_H

/* What the files of this folder know of a pool as a destination. */

#include "copy/pool/pool_output.h"
#include "image/image_shape.h"
#include "xapi/xapi_disk.h"
#include "xapi/xapi_transfer.h"

struct pool_output {
    struct vhdstream *v;
    struct xapi *x;
    struct xapi_sr sr;
    struct xapi_disk *disk;
    struct xapi_vdi vdi;      /* of that disk */
    struct xapi_vdi base;     /* that a delta is laid over; ref "": none */
    struct uuid image;        /* of the VHD that comes; null: not known */
    bool existing;            /* it was there before */
    bool ready;               /* all was found */
    bool noted;               /* a digest goes with it */
    bool provable;            /* what is sent can be read back and compared as
                                 it comes, so after a break the rest will do */
    enum xapi_format form;    /* of the transfer under way */
    struct image_shape shape; /* of what is sent */
    bool begun;               /* shape is known */
    struct encoder_rest rest; /* what is left after the transfers that broke */
    struct sink *import;      /* in the sink of the output; not owned */
    bool has_state;           /* the file of --state tells of this disk */
    char run[UUID_TEXT_SIZE]; /* that made the disk; "": it was there before */
    bool adopted;             /* an earlier run has begun it */
    bool deaf; /* the file of --state cannot be written any more */
};

/* Whether it is laid over a base. */
bool pool_output_is_delta(const struct pool_output *pool);

/* Whether a part of it is in the disk already. */
bool pool_output_is_rest(const struct pool_output *pool);

/* VDI.create; `label` as in pool_output_begin. */
int pool_output_create(struct pool_output *pool, uint64_t size,
                       const char *label, struct err *e);

/* The VHD by which deltas to it will know the disk: `known`, or where that is
 * null img's own. */
void pool_output_note_image(struct pool_output *pool, const struct image *img,
                            const struct uuid *known);

/* Of a VDI that exists, before its content changes: what was noted of that. */
int pool_output_drop_notes(struct pool_output *pool, struct err *e);

#endif
