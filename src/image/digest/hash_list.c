/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/hash_list.h"

#include "base/mem.h"
#include "io/printer.h"

#include <inttypes.h>
#include <stdlib.h>

struct hash_list {
    struct printer *out;
    uint64_t zeros; /* whole leaves of zeros, not written yet */
};

static int print_head(struct hash_list *l, uint64_t size,
                      const struct uuid *uuid, struct err *e)
{
    char text[UUID_TEXT_SIZE];

    TRY(printer_print(
        l->out, e, "%s\nsize %" PRIu64 "\nblock %d\nhash sha256\n",
        uuid ? hash_list_magic2 : hash_list_magic, size, LEAF_SIZE));
    if (!uuid)
        return 0;
    uuid_format(uuid, text);
    return printer_print(l->out, e, "uuid %s\n", text);
}

int hash_list_open(struct hash_list **out, struct sink *s, uint64_t size,
                   struct err *e)
{
    return hash_list_open_of(out, s, size, NULL, e);
}

int hash_list_open_of(struct hash_list **out, struct sink *s, uint64_t size,
                      const struct uuid *uuid, struct err *e)
{
    struct hash_list *l = NULL;
    int result;

    TRY(mem_alloc(&l, sizeof(*l), "a list of hashes", e));
    result = printer_open(&l->out, s, e);
    if (!result)
        result = print_head(l, size, uuid, e);
    if (result < 0) {
        hash_list_close(l);
        return result;
    }
    *out = l;
    return 0;
}

void hash_list_close(struct hash_list *l)
{
    if (!l)
        return;
    printer_close(l->out);
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
        TRY(printer_print(l->out, e, "zero %" PRIu64 "\n", l->zeros));
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
        TRY(printer_print(l->out, e, "%s\n", text));
    }
    return 0;
}

int hash_list_end(struct hash_list *l, const struct leaf_hash *digest,
                  struct err *e)
{
    char text[LEAF_HASH_TEXT_SIZE];

    TRY(end_zeros(l, e));
    leaf_hash_format(digest, text);
    TRY(printer_print(l->out, e, "digest %s\n", text));
    return printer_flush(l->out, e);
}
