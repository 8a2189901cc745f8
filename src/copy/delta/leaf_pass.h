/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LEAF_PASS_H
#define VHDSTREAM_LEAF_PASS_H

/* A disk in a pool that is read for its hashes, and goes nowhere. */

#include "copy/operation.h"
#include "image/digest/leaf_hash.h"
#include "image/digest/leaf_order.h"
#include "image/image_retry.h"

struct leaf_pass {
    struct vhdstream *v;
    image_reopen_fn *open; /* the disk, as often as it takes */
    void *open_ctx;
    /* Before the first leaf. */
    int (*begin)(void *ctx, uint64_t size, struct err *e);
    leaf_line *line; /* takes all leaves in their order */
    void *ctx;       /* of these two */
};

int leaf_pass_run(const struct leaf_pass *p, struct err *e);

#endif
