/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/hash_list.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 64 * 1024, LINE = 96 };

struct hash_list {
    struct sink *sink;
    uint64_t zeros; /* whole leaves of zeros, not written yet */
    size_t used;    /* of the buffer */
    char buffer[BUFFER];
};

static int flush(struct hash_list *l, struct err *e)
{
    TRY(sink_write(l->sink, l->buffer, l->used, e));
    l->used = 0;
    return 0;
}

__attribute__((format(printf, 3, 4))) static int line(struct hash_list *l,
                                                      struct err *e,
                                                      const char *fmt, ...)
{
    va_list args;
    int len;

    if (l->used + LINE > BUFFER)
        TRY(flush(l, e));
    va_start(args, fmt);
    len = vsnprintf(l->buffer + l->used, LINE, fmt, args);
    va_end(args);
    l->used += (size_t)len;
    return 0;
}

int hash_list_open(struct hash_list **out, struct sink *s, uint64_t size,
                   struct err *e)
{
    struct hash_list *l = NULL;

    TRY(mem_alloc(&l, sizeof(*l), "a list of hashes", e));
    l->sink = s;
    (void)line(l, NULL, "%s\nsize %" PRIu64 "\nblock %d\nhash sha256\n",
               hash_list_magic, size, LEAF_SIZE);
    *out = l;
    return 0;
}

void hash_list_close(struct hash_list *l)
{
    free(l);
}

void hash_list_cleanup(struct hash_list **l)
{
    hash_list_close(*l);
    *l = NULL;
}

static int end_zeros(struct hash_list *l, struct err *e)
{
    if (l->zeros)
        TRY(line(l, e, "zero %" PRIu64 "\n", l->zeros));
    l->zeros = 0;
    return 0;
}

int hash_list_add(struct hash_list *l, const struct leaf_hash *hash,
                  uint64_t count, struct err *e)
{
    char text[LEAF_HASH_TEXT_SIZE];

    if (!hash) {
        l->zeros += count;
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (leaf_hash_equal(&hash[i], &leaf_hash_of_zeros)) {
            l->zeros++;
            continue;
        }
        TRY(end_zeros(l, e));
        leaf_hash_format(&hash[i], text);
        TRY(line(l, e, "%s\n", text));
    }
    return 0;
}

int hash_list_end(struct hash_list *l, const struct leaf_hash *digest,
                  struct err *e)
{
    char text[LEAF_HASH_TEXT_SIZE];

    TRY(end_zeros(l, e));
    leaf_hash_format(digest, text);
    TRY(line(l, e, "digest %s\n", text));
    return flush(l, e);
}
