/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LINKS_COPY_H
#define VHDSTREAM_LINKS_COPY_H

/* A chain on its way, link by link (copy --chain). */

#include "copy/links/links.h"
#include "copy/output.h"

/* What came of it. */
struct links_made {
    uint64_t size; /* bytes of the leaf */
    uint64_t data; /* bytes of all links that were not left out */
    unsigned count;
    char (*uuids)[UUID_TEXT_SIZE]; /* [count], to be freed: that of the VDI,
                                      then the snapshots, the youngest first */
};

/* Into an image: 0.vhd, the leaf, to the base; each names the next one. */
int links_to_image(struct vhdstream *v, struct links *l, struct output *out,
                   struct links_made *made, struct err *e);

/* Into a pool: the base as a new VDI, a snapshot of it, the next link on top,
 * and so on. `label` is the name for what has none. */
int links_to_pool(struct vhdstream *v, struct links *l, const struct place *dst,
                  const char *label, struct links_made *made, struct err *e);

/* copy --chain, all of it. */
int links_copy_run(struct vhdstream *v, const char *source,
                   const char *destination, json_t **result, struct err *e);

#endif
