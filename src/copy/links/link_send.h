/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LINK_SEND_H
#define VHDSTREAM_LINK_SEND_H

/* One link of a chain on its way into the disk that is rebuilt, in as many
 * tries as it takes. */

#include "copy/hashing.h"
#include "copy/links/links.h"
#include "image/encoder.h"
#include "image/image_shape.h"
#include "xapi/xapi_disk.h"

/* Zeroed but for what is said to be set. */
struct link_send {
    struct vhdstream *v;    /* set */
    struct links *links;    /* set: what it is one of */
    struct xapi_disk *disk; /* set */
    uint64_t *data; /* set: its bytes that were not left out are added */
    const struct xapi_vdi *base; /* set: what is in the disk; NULL: nothing */
    uint64_t known; /* set: bytes of the disk whose content is ours */
    struct image *img;
    struct encoder *enc;
    struct sink *sink;
    struct hashing hashing;
    struct image_shape shape; /* of the first try */
    bool begun;               /* shape is known */
    bool provable;            /* after a break the rest will do, since what was
                                 sent can be read back */
    struct encoder_rest rest; /* what is left after the tries that broke */
};

/* Sends the link, or what is left of it, and with v->verify reads it back.
 * Takes over *img (NULL afterwards). */
int link_send(struct link_send *s, struct image **img, struct err *e);

/* After a failure: whether it may be sent again. Then the server has let go of
 * the disk, and the pause is over: 0; else e->code. */
int link_send_again(struct link_send *s, struct err *e);

/* Frees what the last try has left. `why` as in sink_close. */
void link_send_close(struct link_send *s, struct err *why);

#endif
