/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/image_shape.h"

#include "base/bits.h"
#include "base/bytes.h"

#include <openssl/evp.h>

#include <string.h>

/* The order as it is followed, however it is stored. */
static bool add_order(EVP_MD_CTX *sum, const struct image *img)
{
    uint8_t raw[4 * 1024];
    size_t len = 0;
    uint32_t cursor = 0;

    for (uint32_t i = 0; i < img->nmapped; i++) {
        put_be32(raw + len, image_step(img, &cursor));
        len += 4;
        if (len < sizeof(raw))
            continue;
        if (!EVP_DigestUpdate(sum, raw, len))
            return false;
        len = 0;
    }
    return EVP_DigestUpdate(sum, raw, len);
}

static bool add_all(EVP_MD_CTX *sum, const struct image *img)
{
    uint8_t raw[16];

    put_be64(raw, img->size);
    put_be32(raw + 8, img->block_size);
    put_be32(raw + 12, img->has_parent);
    return EVP_DigestInit_ex(sum, EVP_sha256(), NULL) &&
           EVP_DigestUpdate(sum, raw, sizeof(raw)) && add_order(sum, img);
}

int image_shape_take(const struct image *img, struct image_shape *out,
                     struct err *e)
{
    struct image_shape shape;
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    bool taken =
        sum && add_all(sum, img) && EVP_DigestFinal_ex(sum, shape.sum, NULL);

    EVP_MD_CTX_free(sum);
    if (!taken)
        return err_set(e, ERR_NO_SPACE, "out of memory: a map's fingerprint");
    *out = shape;
    return 0;
}

bool image_shape_is_same(const struct image_shape *a,
                         const struct image_shape *b)
{
    return !memcmp(a->sum, b->sum, sizeof(a->sum));
}
