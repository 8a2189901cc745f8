/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_COMPARE_H
#define VHDSTREAM_IMAGE_COMPARE_H

/*
 * Whether two disks have the same content, whatever their formats and the order
 * of their blocks. How they are compared follows from what they can do:
 *
 *     both come by address, or can be made to     byte by byte, side by side
 *     one does not, the other is seekable         byte by byte, in the order
 *                                                 of the first one
 *     two streams, or a list of block digests     by the hashes of 64 KiB
 *
 * The first two find the very byte. All of them stop at the first difference
 * where none can come before it, and else read both to their verified ends.
 */

#include "base/pool.h"
#include "base/wait.h"
#include "image/digest/hash_list.h"
#include "image/encoder.h"
#include "image/image.h"

/* One of the two: a disk, or the list of its block digests. */
struct compared {
    struct image *img; /* may get wrapped */
    struct hash_reader *list;
    /* Where the two were found to be the same by hashes: what those make. */
    bool has_digest;
    struct leaf_hash digest;
};

uint64_t compared_size(const struct compared *c);

struct comparison {
    bool same; /* content and size */
    /* Where they are not: the first byte that differs is in [first, first +
     * span); the end of the smaller one where nothing else differs. */
    uint64_t first;
    uint32_t span;
    bool rest_is_zero; /* the larger one goes on with nothing but zeros, and
                          all else is the same (told by bytes only) */
};

struct compare_options {
    struct pool *pool;         /* for hashes, */
    unsigned threads;          /* and for reading ahead */
    struct progress *progress; /* or NULL */
    const struct wait *wait;
};

/* Compares; *out says what was found. Failures are those of reading, and
 * ERR_UNSUPPORTED or ERR_NO_SPACE as of digest_prepare. */
int image_compare(struct compared pair[2], const struct compare_options *opt,
                  struct comparison *out, struct err *e);

/* --- the three ways, as image_compare chooses ------------------------------*/

/* Two images that come by address. */
int compare_side_by_side(struct image *const img[2],
                         const struct compare_options *opt,
                         struct comparison *out, struct err *e);

/* An image in any order with a seekable one. */
int compare_in_order(struct image *coming, struct image *seekable,
                     const struct compare_options *opt, struct comparison *out,
                     struct err *e);

/* Anything else, by hashes. */
int compare_hashes(struct compared pair[2], const struct compare_options *opt,
                   struct comparison *out, struct err *e);

/* The first difference of a[0 .. len) and b[0 .. len), where NULL stands for
 * zeros; `len` where there is none. */
size_t compare_bytes(const uint8_t *a, const uint8_t *b, size_t len);

#endif
