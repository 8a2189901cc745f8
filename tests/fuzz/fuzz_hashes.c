/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A list of block digests: what is taken covers the disk exactly, and, written
 * anew, reads as the same. */

#include "fuzzing.h"
#include "image/digest/hash_list.h"
#include "image/digest/leaf_sum.h"
#include "memory_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the input's first byte: the digest at the end is made right. */
enum { MEND_DIGEST = 1, LINES_MAX = 2000 };

/* A reading, with everything that it gave. */
struct reading {
    int code; /* as hash_reader_next's; 1: too long to be read here */
    uint64_t size, leaves;
    struct leaf_hash digest; /* of the leaves that were there */
    struct hash_list *copy;
};

static void take(struct reading *r, struct leaf_sum *sum,
                 const struct leaf_hash *hash, uint64_t count)
{
    demand(count && (!hash || count == 1));
    demand(!leaf_sum_add(sum, hash, count, NULL));
    demand(!hash_list_add(r->copy, hash, count, NULL));
    r->leaves += count;
}

static void read_leaves(struct reading *r, struct hash_reader *reader)
{
    const struct leaf_hash *hash;
    struct leaf_sum *sum = NULL;
    uint64_t count;

    r->size = hash_reader_size(reader);
    demand(r->size);
    demand(!leaf_sum_open(&sum, r->size, NULL));
    for (int i = 0; i < LINES_MAX; i++) {
        r->code = hash_reader_next(reader, &hash, &count, NULL);
        if (r->code <= 0)
            break;
        take(r, sum, hash, count);
    }
    demand(r->leaves <= r->size / LEAF_SIZE + 1);
    if (leaf_sum_finish(sum, &r->digest, NULL))
        demand(r->code);
    leaf_sum_close(sum);
}

/* Reads, and writes what comes anew into *copy (to be freed). */
static void read_list(struct reading *r, const uint8_t *text, size_t len,
                      uint8_t **copy, size_t *copy_len)
{
    struct source *src = memory_source(text, len, 77, false);
    struct sink *sink = memory_sink(copy, copy_len, false);
    struct hash_reader *reader = NULL;
    struct uuid uuid;
    bool known;

    *r = (struct reading){0};
    r->code = hash_reader_open(&reader, &src, NULL);
    if (!r->code) {
        known = hash_reader_uuid(reader, &uuid);
        demand(!hash_list_open_of(&r->copy, sink, hash_reader_size(reader),
                                  known ? &uuid : NULL, NULL));
        read_leaves(r, reader);
        demand(!hash_list_end(r->copy, &r->digest, NULL));
        hash_list_close(r->copy);
    }
    hash_reader_close(reader);
    source_close(src);
    sink_close(sink, NULL);
}

/* Puts the right digest into the last line, where there is one. */
static void mend_digest(uint8_t *text, size_t len)
{
    char hex[LEAF_HASH_TEXT_SIZE];
    struct reading r;
    size_t copy_len;
    uint8_t *copy;

    if (len < sizeof(hex) || memcmp(text + len - 65 - 7, "digest ", 7) != 0)
        return;
    read_list(&r, text, len, &copy, &copy_len);
    leaf_hash_format(&r.digest, hex);
    memcpy(text + len - 65, hex, 64);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *text, *copy, *again;
    size_t copy_len, again_len;
    struct reading r, s;

    if (!len)
        return 0;
    text = fuzz_copy(data + 1, --len);
    if (data[0] & MEND_DIGEST && len >= 72)
        mend_digest(text, len);
    read_list(&r, text, len, &copy, &copy_len);
    if (!r.code) {
        read_list(&s, copy, copy_len, &again, &again_len);
        demand(!s.code && s.size == r.size && s.leaves == r.leaves);
        demand(!memcmp(&s.digest, &r.digest, sizeof(s.digest)));
        demand(copy_len == again_len && !memcmp(copy, again, copy_len));
        free(again);
    }
    free(copy);
    free(text);
    return 0;
}
