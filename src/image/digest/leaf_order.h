/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LEAF_ORDER_H
#define VHDSTREAM_LEAF_ORDER_H

/*
 * From the order in which an image delivers its blocks to that of their
 * addresses. What comes too early waits as hashes; how many have to wait at
 * once follows from the map and the order, so it is known beforehand. Holes are
 * filled in as zeros.
 */

#include "image/digest/leaf_hash.h"

/* Takes the next `count` leaves of the disk: hash[0 .. count), or all of them
 * whole leaves of zeros where `hash` is NULL. */
typedef int leaf_line(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e);

struct leaf_order;

/* No more than this many bytes of hashes wait, for any disk: the data of
 * 128 GiB. */
enum { LEAF_ORDER_BUDGET = 64 * 1024 * 1024 };

/* Stores the greatest number of bytes that wait at once while the image, whose
 * blocks are at least as large as a leaf, comes. */
int leaf_order_need(const struct image *img, uint64_t *bytes, struct err *e);

/* The failure of an image that needs `bytes`, more than the budget:
 * ERR_NO_SPACE. */
int leaf_order_refuse(const struct image *img, uint64_t bytes, struct err *e);

/* Hands all leaves of `img` to `line` in their order. The image must outlive
 * it. ERR_NO_SPACE beyond the budget. */
int leaf_order_open(struct leaf_order **out, const struct image *img,
                    leaf_line *line, void *ctx, struct err *e);
void leaf_order_close(struct leaf_order *o);

/* Takes the next piece: a leaf_taker, of the leaf_order as ctx. */
int leaf_order_take(void *ctx, uint64_t first, const struct leaf_hash *hash,
                    uint32_t count, struct err *e);

/* After the last one: hands on the holes that follow it. */
int leaf_order_finish(struct leaf_order *o, struct err *e);

#endif
