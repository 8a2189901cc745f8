/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/mem.h"
#include "image/digest/hash_list.h"
#include "image/digest/leaf_sum.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 64 * 1024, LINE = 96 };

const char hash_list_magic[] = "vhdstream block digests 1";
const char hash_list_magic2[] = "vhdstream block digests 2";

/* What all versions begin with. */
static const char any_version[] = "vhdstream block digests ";

struct hash_reader {
    struct source *src;
    struct leaf_sum *sum; /* of what was read, to be compared at the end */
    uint64_t size, nleaves, at;
    uint64_t nlines;
    bool has_uuid;
    struct uuid uuid;
    struct leaf_hash hash; /* the one handed out */
    char line[LINE];
    size_t from, end; /* what is in the buffer */
    char buffer[BUFFER];
};

bool hash_list_is(const uint8_t *head, size_t len)
{
    size_t want = sizeof(any_version) - 1;

    return len >= want && !memcmp(head, any_version, want);
}

/* --- lines ---------------------------------------------------------------- */

static int bad_line(const struct hash_reader *r, const char *expected,
                    struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: line %" PRIu64 " is \"%.40s\", expected %s",
                   r->src->name, r->nlines, r->line, expected);
}

/* 1: the next byte; 0: the source's end. */
static int next_byte(struct hash_reader *r, char *byte, struct err *e)
{
    if (r->from == r->end) {
        int64_t got = source_read(r->src, r->buffer, BUFFER, e);

        if (got <= 0)
            return (int)got;
        r->from = 0;
        r->end = (size_t)got;
    }
    *byte = r->buffer[r->from++];
    return 1;
}

/* The next line into r->line, without its end. */
static int next_line(struct hash_reader *r, const char *expected, struct err *e)
{
    size_t len = 0;
    int more;

    r->nlines++;
    while ((more = next_byte(r, r->line + len, e)) > 0 &&
           r->line[len] != '\n') {
        if (++len < LINE - 1)
            continue;
        r->line[len] = '\0';
        return bad_line(r, expected, e);
    }
    TRY(more);
    r->line[len] = '\0';
    if (!more)
        return err_set(e, ERR_CORRUPT,
                       "%s: ends in line %" PRIu64 ", expected %s",
                       r->src->name, r->nlines, expected);
    return strlen(r->line) == len ? 0 : bad_line(r, expected, e);
}

/* The number in the line "KEY NUMBER", which is all there may be in it. */
static bool number_after(const char *line, const char *key, uint64_t *number)
{
    size_t len = strlen(key);
    char *end;

    if (strncmp(line, key, len) || line[len] != ' ' || line[len + 1] < '1' ||
        line[len + 1] > '9')
        return false;
    errno = 0;
    *number = strtoull(line + len + 1, &end, 10);
    return !*end && !errno;
}

/* --- the head ------------------------------------------------------------- */

static int read_version(struct hash_reader *r, struct err *e)
{
    TRY(next_line(r, "the first line of a list of block digests", e));
    r->has_uuid = !strcmp(r->line, hash_list_magic2);
    if (r->has_uuid || !strcmp(r->line, hash_list_magic))
        return 0;
    if (hash_list_is((const uint8_t *)r->line, strlen(r->line)))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: a list of block digests of version %.20s; "
                       "versions 1 and 2 are known",
                       r->src->name, r->line + sizeof(any_version) - 1);
    return bad_line(r, "the first line of a list of block digests", e);
}

static int read_uuid(struct hash_reader *r, struct err *e)
{
    TRY(next_line(r, "\"uuid UUID\"", e));
    if (strncmp(r->line, "uuid ", 5) || !uuid_parse(r->line + 5, &r->uuid))
        return bad_line(r, "\"uuid UUID\"", e);
    return 0;
}

static int read_head(struct hash_reader *r, struct err *e)
{
    uint64_t leaf = 0;

    TRY(read_version(r, e));
    TRY(next_line(r, "\"size BYTES\"", e));
    if (!number_after(r->line, "size", &r->size))
        return bad_line(r, "\"size BYTES\"", e);
    r->nleaves = div_up(r->size, LEAF_SIZE);
    if (r->nleaves > LEAVES_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: of a disk of %" PRIu64 " bytes; at most 8 TiB are "
                       "taken",
                       r->src->name, r->size);
    TRY(next_line(r, "\"block 65536\"", e));
    if (!number_after(r->line, "block", &leaf))
        return bad_line(r, "\"block 65536\"", e);
    if (leaf != LEAF_SIZE)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: of blocks of %" PRIu64 " bytes, expected %d",
                       r->src->name, leaf, LEAF_SIZE);
    TRY(next_line(r, "\"hash sha256\"", e));
    if (strcmp(r->line, "hash sha256"))
        return bad_line(r, "\"hash sha256\"", e);
    if (r->has_uuid)
        TRY(read_uuid(r, e));
    return leaf_sum_open(&r->sum, r->size, e);
}

int hash_reader_open(struct hash_reader **out, struct source **src,
                     struct err *e)
{
    struct hash_reader *r = NULL;
    int result;

    TRY(mem_alloc(&r, sizeof(*r), "a list of hashes", e));
    r->src = *src;
    result = read_head(r, e);
    if (result < 0) {
        r->src = NULL;
        hash_reader_close(r);
        return result;
    }
    *src = NULL;
    *out = r;
    return 0;
}

void hash_reader_close(struct hash_reader *r)
{
    if (!r)
        return;
    source_close(r->src);
    leaf_sum_close(r->sum);
    free(r);
}

void hash_reader_cleanup(struct hash_reader **r)
{
    hash_reader_close(*r);
    *r = NULL;
}

uint64_t hash_reader_size(const struct hash_reader *r)
{
    return r->size;
}

bool hash_reader_uuid(const struct hash_reader *r, struct uuid *out)
{
    if (r->has_uuid)
        *out = r->uuid;
    return r->has_uuid;
}

/* --- the leaves ----------------------------------------------------------- */

/* The last line, the digest, and nothing after it. */
static int read_end(struct hash_reader *r, struct err *e)
{
    struct leaf_hash listed, computed;
    char more;
    int result;

    TRY(next_line(r, "\"digest HEX\"", e));
    if (strncmp(r->line, "digest ", 7) ||
        !leaf_hash_parse(r->line + 7, &listed))
        return bad_line(r, "\"digest HEX\"", e);
    TRY(leaf_sum_finish(r->sum, &computed, e));
    if (!leaf_hash_equal(&listed, &computed))
        return err_set(e, ERR_CORRUPT,
                       "%s: its last line is not the digest of the lines "
                       "before it: it was changed or is broken",
                       r->src->name);
    result = next_byte(r, &more, e);
    if (result > 0)
        return err_set(e, ERR_CORRUPT, "%s: goes on after its last line",
                       r->src->name);
    return result;
}

int hash_reader_next(struct hash_reader *r, const struct leaf_hash **hash,
                     uint64_t *count, struct err *e)
{
    static const char expected[] = "the SHA-256 of a block, or \"zero COUNT\"";

    if (r->at == r->nleaves)
        return read_end(r, e);
    TRY(next_line(r, expected, e));
    *hash = NULL;
    *count = 1;
    if (leaf_hash_parse(r->line, &r->hash))
        *hash = &r->hash;
    else if (!number_after(r->line, "zero", count) ||
             *count > r->size / LEAF_SIZE - min_u64(r->at, r->size / LEAF_SIZE))
        return bad_line(r, expected, e);
    TRY(leaf_sum_add(r->sum, *hash, *count, e));
    r->at += *count;
    return 1;
}
