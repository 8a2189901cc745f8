/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STATE_H
#define VHDSTREAM_STATE_H

/*
 * The file of --state: what another run has to know to go on with a transfer
 * into a pool, after this one was killed, stopped, or ran out of tries. It is
 * replaced as a whole (docs/formats/state.md), so that it is sound whenever the
 * power fails, and is never ahead of what the disk in the pool holds.
 */

#include "base/uuid.h"
#include "image/encoder.h"
#include "image/image_shape.h"
#include "xapi/xapi_vdi.h"

struct state {
    char destination[NAME_SIZE]; /* the place */
    char vdi[XAPI_UUID_SIZE];
    char base[XAPI_UUID_SIZE]; /* of a delta: that it is laid over; or "" */
    char run[UUID_TEXT_SIZE];  /* that made the VDI; "": it was there before */
    char task[XAPI_OPAQUE_SIZE]; /* of the transfer under way */
    struct image_shape shape;    /* of the disk that is sent */
    struct encoder_rest rest;
};

int state_write(const struct state *st, const char *path,
                const struct wait *wait, struct err *e);

/* 1 and *out; 0: there is no such file. ERR_CORRUPT for what is no state. */
int state_read(struct state *out, const char *path, const struct wait *wait,
               struct err *e);

/* The transfer has ended for good. A file that is gone is fine. */
int state_remove(const char *path, struct err *e);

#endif
