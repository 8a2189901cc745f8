/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/store_hash.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MD5, OTHER, SUMS };

/* One sum, and what is to be added to it: a piece of work. */
struct store_sum {
    EVP_MD_CTX *ctx; /* NULL: not taken */
    const void *buf;
    size_t len;
};

struct store_hash {
    struct store_sum sums[SUMS];
    struct lane *lane; /* NULL: none is taken */
};

/* Those that Glance can be set to, and that are no longer than a sum. */
static const EVP_MD *find_algorithm(const char *name)
{
    static const char *const names[] = {"md5",    "sha1",   "sha224",
                                        "sha256", "sha384", "sha512"};

    for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
        if (!strcasecmp(name, names[i]))
            return EVP_get_digestbyname(names[i]);
    return NULL;
}

/* A system may forbid MD5 altogether: then that sum is not taken. */
static EVP_MD_CTX *begin(const EVP_MD *md)
{
    EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;

    if (ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1)
        return ctx;
    EVP_MD_CTX_free(ctx);
    return NULL;
}

static int add_piece(void *slot, struct err *e)
{
    const struct store_sum *sum = slot;

    if (EVP_DigestUpdate(sum->ctx, sum->buf, sum->len) == 1)
        return 0;
    return err_set(e, ERR_FAILED, "libcrypto cannot go on with a sum");
}

static int open_lane(struct store_hash *h, struct pool *pool, struct err *e)
{
    void *slots[SUMS];
    unsigned n = 0;

    for (int i = 0; i < SUMS; i++)
        if (h->sums[i].ctx)
            slots[n++] = &h->sums[i];
    return n ? lane_open(&h->lane, pool, slots, n, add_piece, e) : 0;
}

int store_hash_open(struct store_hash **out, const char *algorithm,
                    struct pool *pool, bool *known, struct err *e)
{
    CLEANUP(store_hash) struct store_hash *h = NULL;

    TRY(mem_alloc(&h, sizeof(*h), "the sums of an image", e));
    h->sums[MD5].ctx = begin(EVP_md5());
    h->sums[OTHER].ctx = begin(find_algorithm(algorithm));
    TRY(open_lane(h, pool, e));
    *known = h->sums[OTHER].ctx != NULL;
    *out = h;
    h = NULL;
    return 0;
}

void store_hash_add(struct store_hash *h, const void *buf, size_t len)
{
    struct store_sum *sum;

    while (h->lane && (sum = lane_slot(h->lane))) {
        sum->buf = buf;
        sum->len = len;
        lane_submit(h->lane);
    }
}

int store_hash_wait(struct store_hash *h, struct err *e)
{
    void *slot;
    int more;

    while (h->lane && (more = lane_take(h->lane, &slot, e))) {
        TRY(more);
        lane_release(h->lane);
    }
    return 0;
}

static int end_sum(EVP_MD_CTX *ctx, char out[STORE_SUM_SIZE], struct err *e)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    *out = '\0';
    if (!ctx)
        return 0;
    if (EVP_DigestFinal_ex(ctx, raw, &len) != 1)
        return err_set(e, ERR_FAILED, "libcrypto cannot end a sum");
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(out + (size_t)2 * i, 3, "%02x", raw[i]);
    return 0;
}

int store_hash_end(struct store_hash *h, char md5[STORE_SUM_SIZE],
                   char sum[STORE_SUM_SIZE], struct err *e)
{
    TRY(end_sum(h->sums[MD5].ctx, md5, e));
    return end_sum(h->sums[OTHER].ctx, sum, e);
}

void store_hash_close(struct store_hash *h)
{
    if (!h)
        return;
    lane_close(h->lane);
    for (int i = 0; i < SUMS; i++)
        EVP_MD_CTX_free(h->sums[i].ctx);
    free(h);
}

void store_hash_cleanup(struct store_hash **h)
{
    store_hash_close(*h);
    *h = NULL;
}
