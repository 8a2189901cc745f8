/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/crc32.h"

#include <isa-l/crc.h>

/* A sum is a polynomial over GF(2) modulo this one; the highest bit is the
 * coefficient of x^0. */
#define MODULUS 0xedb88320u
#define X_TO_0  0x80000000u
#define X_TO_8  0x00800000u

uint32_t crc32_add(uint32_t crc, const void *data, size_t len)
{
    return crc32_gzip_refl(crc, data, len);
}

static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t power = X_TO_0; power; power >>= 1) {
        if (a & power)
            product ^= b;
        b = b & 1 ? (b >> 1) ^ MODULUS : b >> 1;
    }
    return product;
}

/* A byte after the first stretch shifts its sum by x^8. What the inversions at
 * both ends add is the same in both sums, and falls out. */
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t second_len)
{
    uint32_t shift = X_TO_0;

    for (uint32_t power = X_TO_8; second_len; second_len >>= 1) {
        if (second_len & 1)
            shift = multiply(shift, power);
        power = multiply(power, power);
    }
    return multiply(first, shift) ^ second;
}
