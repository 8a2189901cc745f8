/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/digest_note.h"

#include "base/mem.h"
#include "xapi/xapi_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char algorithm[] = "blkhash-sha256";

enum { VERSION = 1 };

/* --- writing --------------------------------------------------------------*/

size_t digest_note_json(const struct digest_note *n,
                        char text[DIGEST_NOTE_SIZE])
{
    char hex[LEAF_HASH_TEXT_SIZE];

    leaf_hash_format(&n->digest, hex);
    return (size_t)snprintf(text, DIGEST_NOTE_SIZE,
                            "{\"version\": %d, \"algorithm\": \"%s\", "
                            "\"block_size\": %d, \"virtual_size\": %" PRIu64
                            ", \"digest\": \"%s\"}\n",
                            VERSION, algorithm, LEAF_SIZE, n->size, hex);
}

void digest_note_value(const struct digest_note *n, char text[DIGEST_NOTE_SIZE])
{
    char hex[LEAF_HASH_TEXT_SIZE];

    leaf_hash_format(&n->digest, hex);
    (void)snprintf(text, DIGEST_NOTE_SIZE, "%s:%s:%" PRIu64, algorithm, hex,
                   n->size);
}

/* --- reading --------------------------------------------------------------*/

static int bad_note(const char *name, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: its %s is broken: %s", name,
                   TAR_TAIL_NAME, what);
}

/* 1: this kind is known; 0: it is another one. */
static int check_kind(const json_t *root, const char *name, struct err *e)
{
    const json_t *version = json_object_get(root, "version");
    const json_t *method = json_object_get(root, "algorithm");
    const json_t *block = json_object_get(root, "block_size");

    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return bad_note(name, "it has no version", e);
    if (json_integer_value(version) != VERSION)
        return 0;
    if (!json_is_string(method))
        return bad_note(name, "it names no algorithm", e);
    if (strcmp(json_string_value(method), algorithm))
        return 0;
    if (!json_is_integer(block) || json_integer_value(block) != LEAF_SIZE)
        return bad_note(name, "its block_size is not 65536", e);
    return 1;
}

static int read_values(const json_t *root, const char *name,
                       struct digest_note *out, struct err *e)
{
    const json_t *size = json_object_get(root, "virtual_size");
    const char *hex = json_string_value(json_object_get(root, "digest"));

    if (!json_is_integer(size) || json_integer_value(size) < 1)
        return bad_note(name, "it has no virtual_size", e);
    out->size = (uint64_t)json_integer_value(size);
    if (!hex || !leaf_hash_parse(hex, &out->digest))
        return bad_note(
            name, "its digest is not 64 lower-case hexadecimal digits", e);
    return 1;
}

int digest_note_read(const struct tar_tail *tail, const char *name,
                     const struct notice *notice, struct digest_note *out,
                     struct err *e)
{
    CLEANUP(json) json_t *root = NULL;
    int known;

    if (!tail->found)
        return 0;
    root = json_loadb(tail->text, tail->len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root))
        return bad_note(name, "it is not one JSON object", e);
    known = check_kind(root, name, e);
    TRY(known);
    if (known)
        return read_values(root, name, out, e);
    notice_say(notice,
               "%s: its %s is of a kind that this version does not know; its "
               "digest was not looked at",
               name, TAR_TAIL_NAME);
    return 0;
}

/* --- checking -------------------------------------------------------------*/

static int check_digest(const struct digest_note *n, const struct image *img,
                        const struct leaf_hash *digest, struct err *e)
{
    char noted[LEAF_HASH_TEXT_SIZE], found[LEAF_HASH_TEXT_SIZE];

    if (leaf_hash_equal(&n->digest, digest))
        return 0;
    leaf_hash_format(&n->digest, noted);
    leaf_hash_format(digest, found);
    return err_set(e, ERR_CORRUPT,
                   "%s: its content has the digest %s, but its %s says %s: one "
                   "of them was changed",
                   img->name, found, TAR_TAIL_NAME, noted);
}

int digest_note_check(const struct tar_tail *tail, const struct image *img,
                      const struct leaf_hash *digest,
                      const struct notice *notice, struct err *e)
{
    struct digest_note n;
    int known = digest_note_read(tail, img->name, notice, &n, e);

    if (known <= 0)
        return known;
    if (n.size != img->size)
        return err_set(e, ERR_CORRUPT,
                       "%s: the disk has %" PRIu64
                       " bytes, but its %s tells of one of %" PRIu64,
                       img->name, img->size, TAR_TAIL_NAME, n.size);
    return digest ? check_digest(&n, img, digest, e) : 0;
}
