/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_BITS_H
#define VHDSTREAM_BITS_H

/* Bit maps, most significant bit first, as VHD sector bitmaps have them:
 * bit i is byte i/8, mask 0x80 >> (i%8). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bit_get(const uint8_t *bits, uint64_t i)
{
    return bits[i >> 3] & (0x80 >> (i & 7));
}

static inline void bit_set(uint8_t *bits, uint64_t i)
{
    bits[i >> 3] |= (uint8_t)(0x80 >> (i & 7));
}

static inline void bit_clear(uint8_t *bits, uint64_t i)
{
    bits[i >> 3] &= (uint8_t) ~(0x80 >> (i & 7));
}

/* Bytes that hold `count` bits. */
static inline size_t bits_size(uint64_t count)
{
    return (size_t)(count / 8 + (count % 8 != 0));
}

/* Sets bits [from, from + count). */
void bits_set_run(uint8_t *bits, uint64_t from, uint64_t count);

/* Clears bits [from, from + count). */
void bits_clear_run(uint8_t *bits, uint64_t from, uint64_t count);

/* Length of the run of equal bits that begins at `from` and ends before `end`;
 * at least 1 where from < end. */
uint64_t bits_run(const uint8_t *bits, uint64_t from, uint64_t end);

/* Whether bits [0, count) are all set, or all clear. */
bool bits_all_set(const uint8_t *bits, uint64_t count);
bool bits_all_clear(const uint8_t *bits, uint64_t count);

/* Number of bits set in [0, count). */
uint64_t bits_count(const uint8_t *bits, uint64_t count);

#endif
