/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HASHING_H
#define VHDSTREAM_HASHING_H

/* The digest of a disk on its way, and the list of its block digests where
 * --blocks names a file for it. All steps but the first do nothing where
 * neither is wanted. */

#include "copy/operation.h"
#include "image/chain/coverage.h"
#include "image/digest/digest.h"
#include "image/digest/leaf_record.h"
#include "io/sink.h"

#include <stdbool.h>

struct hashing {
    bool wanted;
    bool alone;        /* there will be nothing to compare it with */
    bool part;         /* of a delta: as if it were laid over zeros */
    struct uuid uuid;  /* of the disk's copy, for the list; null: none */
    struct sink *sink; /* the list's file */
    struct hash_list *list;
    struct digest *digest;
    struct coverage *coverage;  /* of `part`: the sectors that the delta has */
    struct leaf_record *record; /* of --verify: for what is read back */
    struct leaf_hash result;    /* after hashing_end */
};

/* Whether a copy takes the digest. */
bool hashing_is_wanted(const struct vhdstream *v);

/* The list's file may be written. */
int hashing_prepare(struct vhdstream *v, bool wanted, struct hashing *h,
                    struct err *e);

/* The disk has a digest; brings it into a form in which it can be taken. */
int hashing_fit(const struct hashing *h, struct image **img, struct err *e);

/* Wraps *img, whose blocks then come to be used: image_hash. */
int hashing_begin(struct vhdstream *v, struct hashing *h, struct image **img,
                  struct err *e);

/* A delta says nothing of a sector that it does not have, so what is compared
 * are those that it has, the others as zeros: *img becomes that, and which they
 * are is noted in *out as they pass. It must outlive the image. */
int hashing_cover(const struct vhdstream *v, struct image **img,
                  struct coverage **out, struct err *e);

/* They all came. */
int hashing_end(struct hashing *h, struct err *e);

/* Makes the list last. */
int hashing_finish(struct hashing *h, struct err *e);

/* Frees; the image must be closed before. `why` as in sink_close. */
void hashing_close(struct hashing *h, struct err *why);

#endif
