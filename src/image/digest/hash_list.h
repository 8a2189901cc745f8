/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HASH_LIST_H
#define VHDSTREAM_HASH_LIST_H

/*
 * A file with the hash of each leaf of a disk, made with its digest; another
 * disk can be compared with it. Its form, lines of text, is defined in
 * docs/formats/digest.md.
 */

#include "base/uuid.h"
#include "image/digest/leaf_hash.h"
#include "io/sink.h"
#include "io/source.h"

#include <stdbool.h>

/* The first line of the lists that are written, and of those with a uuid. */
extern const char hash_list_magic[];
extern const char hash_list_magic2[];

struct hash_list;

/* Writes the list of a disk of `size` bytes to a sink, which stays the
 * caller's. */
int hash_list_open(struct hash_list **out, struct sink *s, uint64_t size,
                   struct err *e);
/* The same for a disk that is known by a uuid (NULL: by none), as its copy is.
 */
int hash_list_open_of(struct hash_list **out, struct sink *s, uint64_t size,
                      const struct uuid *uuid, struct err *e);
void hash_list_close(struct hash_list *l);
void hash_list_cleanup(struct hash_list **l);

/* The next leaves, as a leaf_line (leaf_order.h) gets them. */
int hash_list_add(struct hash_list *l, const struct leaf_hash *hash,
                  uint64_t count, struct err *e);

/* After the last one; `digest` is that of the disk. */
int hash_list_end(struct hash_list *l, const struct leaf_hash *digest,
                  struct err *e);

/* --- reading ---------------------------------------------------------------*/

/* Whether these first bytes of something are those of a list. */
bool hash_list_is(const uint8_t *head, size_t len);

struct hash_reader;

/* Reads the head of a list. Takes over *src (NULL afterwards) on success.
 * ERR_CORRUPT, and ERR_UNSUPPORTED for a version, hash or leaf size that is not
 * known. */
int hash_reader_open(struct hash_reader **out, struct source **src,
                     struct err *e);
void hash_reader_close(struct hash_reader *r);
void hash_reader_cleanup(struct hash_reader **r);

/* Of the disk, bytes. */
uint64_t hash_reader_size(const struct hash_reader *r);

/* The uuid that the list tells; false: none. */
bool hash_reader_uuid(const struct hash_reader *r, struct uuid *out);

/* The next leaves: 1, with *hash NULL and *count of zeros, or one that is not;
 * 0 at the end, when all of the disk was listed and its digest is right. The
 * hash is good until the next call. */
int hash_reader_next(struct hash_reader *r, const struct leaf_hash **hash,
                     uint64_t *count, struct err *e);

#endif
