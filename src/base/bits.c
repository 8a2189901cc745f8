/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"

#include <string.h>

void bits_set_run(uint8_t *bits, uint64_t from, uint64_t count)
{
    uint64_t end = from + count;

    while (from < end && (from & 7))
        bit_set(bits, from++);
    if (end - from >= 8) {
        memset(bits + from / 8, 0xff, (end - from) / 8);
        from += (end - from) / 8 * 8;
    }
    while (from < end)
        bit_set(bits, from++);
}

void bits_clear_run(uint8_t *bits, uint64_t from, uint64_t count)
{
    uint64_t end = from + count;

    while (from < end && (from & 7))
        bit_clear(bits, from++);
    if (end - from >= 8) {
        memset(bits + from / 8, 0, (end - from) / 8);
        from += (end - from) / 8 * 8;
    }
    while (from < end)
        bit_clear(bits, from++);
}

uint64_t bits_run(const uint8_t *bits, uint64_t from, uint64_t end)
{
    bool first;
    uint64_t i = from;

    if (from >= end)
        return 0;
    first = bit_get(bits, from);
    while (i < end && bit_get(bits, i) == first) {
        if (!(i & 7)) {
            uint8_t whole = first ? 0xff : 0;

            while (end - i >= 8 && bits[i >> 3] == whole)
                i += 8;
            if (i >= end || bit_get(bits, i) != first)
                break;
        }
        i++;
    }
    return i - from;
}

bool bits_all_set(const uint8_t *bits, uint64_t count)
{
    return !count || (bit_get(bits, 0) && bits_run(bits, 0, count) == count);
}

bool bits_all_clear(const uint8_t *bits, uint64_t count)
{
    return !count || (!bit_get(bits, 0) && bits_run(bits, 0, count) == count);
}

uint64_t bits_count(const uint8_t *bits, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count / 8; i++)
        sum += (uint64_t)__builtin_popcount(bits[i]);
    for (uint64_t i = count / 8 * 8; i < count; i++)
        sum += bit_get(bits, i);
    return sum;
}
