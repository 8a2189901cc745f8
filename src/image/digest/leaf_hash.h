/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LEAF_HASH_H
#define VHDSTREAM_LEAF_HASH_H

/*
 * SHA-256 of the parts that a disk is hashed in: leaves of 64 KiB, counted from
 * its first byte; the last one is as long as the disk has it. docs/formats/
 * digest.md says what is made of them.
 */

#include "base/err.h"
#include "image/image.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LEAF_SIZE = 64 * 1024,
    LEAF_HASH_SIZE = 32,
    PIECE_LEAVES = PIECE_MAX / LEAF_SIZE,
};

/* Leaves of a disk of 8 TiB, the largest one that an image of 2 MiB blocks can
 * be; no list of hashes may be longer. */
#define LEAVES_MAX (UINT64_C(1) << 27)

struct leaf_hash {
    uint8_t bytes[LEAF_HASH_SIZE];
};

/* Of a whole leaf of zero bytes. */
extern const struct leaf_hash leaf_hash_of_zeros;

bool leaf_hash_equal(const struct leaf_hash *a, const struct leaf_hash *b);

/* Lower-case hexadecimal digits, with their NUL. */
enum { LEAF_HASH_TEXT_SIZE = 2 * LEAF_HASH_SIZE + 1 };
void leaf_hash_format(const struct leaf_hash *h,
                      char text[LEAF_HASH_TEXT_SIZE]);

/* Reads those, and no others: true and *out. */
bool leaf_hash_parse(const char *text, struct leaf_hash *out);

/* SHA-256 for one thread at a time: of whole data, or of parts one after the
 * other. Failures are libcrypto's: ERR_FAILED. */
struct hasher;

int hasher_open(struct hasher **out, struct err *e);
void hasher_close(struct hasher *h);
void hasher_cleanup(struct hasher **h);

/* Of `len` bytes. Zeros are found first, which is ten times faster. */
int hasher_leaf(struct hasher *h, const uint8_t *data, uint32_t len,
                struct leaf_hash *out, struct err *e);

/* Of `len` bytes, from leaf to leaf: out[] gets div_up(len, LEAF_SIZE). */
int hasher_leaves(struct hasher *h, const uint8_t *data, uint32_t len,
                  struct leaf_hash *out, struct err *e);

int hasher_start(struct hasher *h, struct err *e);
int hasher_add(struct hasher *h, const void *data, size_t len, struct err *e);
int hasher_finish(struct hasher *h, struct leaf_hash *out, struct err *e);

#endif
