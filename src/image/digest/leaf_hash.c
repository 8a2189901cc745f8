/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/leaf_hash.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/zero.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const struct leaf_hash leaf_hash_of_zeros = {{
    0xde, 0x2f, 0x25, 0x60, 0x64, 0xa0, 0xaf, 0x79, 0x77, 0x47, 0xc2,
    0xb9, 0x75, 0x05, 0xdc, 0x0b, 0x9f, 0x3d, 0xf0, 0xde, 0x4f, 0x48,
    0x9e, 0xac, 0x73, 0x1c, 0x23, 0xae, 0x9c, 0xa9, 0xcc, 0x31,
}};

bool leaf_hash_equal(const struct leaf_hash *a, const struct leaf_hash *b)
{
    return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

void leaf_hash_format(const struct leaf_hash *h, char text[LEAF_HASH_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < LEAF_HASH_SIZE; i++) {
        text[2 * i] = digits[h->bytes[i] >> 4];
        text[2 * i + 1] = digits[h->bytes[i] & 15];
    }
    text[2 * LEAF_HASH_SIZE] = '\0';
}

/* The algorithm is looked up once: that costs as much as hashing 2 KiB. */
struct hasher {
    EVP_MD *sha256;
    EVP_MD_CTX *ctx;
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool leaf_hash_parse(const char *text, struct leaf_hash *out)
{
    for (int i = 0; i < LEAF_HASH_SIZE; i++) {
        int high = digit(text[2 * i]);
        int low = high < 0 ? -1 : digit(text[2 * i + 1]);

        if (low < 0)
            return false;
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return !text[2 * LEAF_HASH_SIZE];
}

int hasher_open(struct hasher **out, struct err *e)
{
    struct hasher *h = NULL;

    TRY(mem_alloc(&h, sizeof(*h), "a hash", e));
    h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (!h->sha256 || !h->ctx) {
        hasher_close(h);
        return err_set(e, ERR_FAILED, "libcrypto has no SHA-256 to offer");
    }
    *out = h;
    return 0;
}

void hasher_close(struct hasher *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->sha256);
    free(h);
}

void hasher_cleanup(struct hasher **h)
{
    hasher_close(*h);
    *h = NULL;
}

static int check(int good, struct err *e)
{
    return good ? 0 : err_set(e, ERR_FAILED, "libcrypto: SHA-256 failed");
}

int hasher_start(struct hasher *h, struct err *e)
{
    return check(EVP_DigestInit_ex(h->ctx, h->sha256, NULL), e);
}

int hasher_add(struct hasher *h, const void *data, size_t len, struct err *e)
{
    return check(EVP_DigestUpdate(h->ctx, data, len), e);
}

int hasher_finish(struct hasher *h, struct leaf_hash *out, struct err *e)
{
    return check(EVP_DigestFinal_ex(h->ctx, out->bytes, NULL), e);
}

int hasher_leaf(struct hasher *h, const uint8_t *data, uint32_t len,
                struct leaf_hash *out, struct err *e)
{
    if (len == LEAF_SIZE && zero_is(data, len)) {
        *out = leaf_hash_of_zeros;
        return 0;
    }
    TRY(hasher_start(h, e));
    TRY(hasher_add(h, data, len, e));
    return hasher_finish(h, out, e);
}

int hasher_leaves(struct hasher *h, const uint8_t *data, uint32_t len,
                  struct leaf_hash *out, struct err *e)
{
    for (uint32_t at = 0; at < len; at += LEAF_SIZE)
        TRY(hasher_leaf(h, data + at, (uint32_t)min_u64(LEAF_SIZE, len - at),
                        out++, e));
    return 0;
}
