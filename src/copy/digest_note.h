/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DIGEST_NOTE_H
#define VHDSTREAM_DIGEST_NOTE_H

/* The digest of a disk as it is written down: in an image as digest.json, with
 * a VDI in other_config. docs/formats/digest.md has both. */

#include "base/notice.h"
#include "image/digest/leaf_hash.h"
#include "image/image.h"
#include "io/tar_tail.h"

#include <stdbool.h>
#include <stdint.h>

struct digest_note {
    uint64_t size; /* of the disk, bytes */
    struct leaf_hash digest;
};

enum { DIGEST_NOTE_SIZE = 512 };

/* Stores the text of digest.json; its length is returned. */
size_t digest_note_json(const struct digest_note *n,
                        char text[DIGEST_NOTE_SIZE]);

/* The same for other_config. */
void digest_note_value(const struct digest_note *n,
                       char text[DIGEST_NOTE_SIZE]);

/* Reads the file behind an archive: 1 and *out; 0 where there is none, or one
 * of a kind that is not known (then the notice tells). ERR_CORRUPT for what is
 * no such file. `name` is the archive's place. */
int digest_note_read(const struct tar_tail *tail, const char *name,
                     const struct notice *notice, struct digest_note *out,
                     struct err *e);

/* Whether what an image's digest.json says is what came out of the image, all
 * of whose blocks have come: its size, and its digest where that is known (not
 * NULL). ERR_CORRUPT where it contradicts. */
int digest_note_check(const struct tar_tail *tail, const struct image *img,
                      const struct leaf_hash *digest,
                      const struct notice *notice, struct err *e);

#endif
