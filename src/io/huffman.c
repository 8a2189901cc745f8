/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/huffman.h"

#include <string.h>

bool huffman_build(struct huffman *h, const uint8_t *lengths, unsigned symbols)
{
    uint16_t next[HUFFMAN_BITS_MAX + 1];
    int room = 1;

    memset(h->count, 0, sizeof(h->count));
    for (unsigned i = 0; i < symbols; i++)
        h->count[lengths[i]]++;
    h->count[0] = 0;
    next[0] = 0;
    for (unsigned bits = 1; bits <= HUFFMAN_BITS_MAX; bits++) {
        room = 2 * room - h->count[bits];
        if (room < 0)
            return false;
        next[bits] = (uint16_t)(next[bits - 1] + h->count[bits - 1]);
    }
    for (unsigned i = 0; i < symbols; i++)
        if (lengths[i])
            h->symbols[next[lengths[i]]++] = (uint16_t)i;
    return true;
}

/* Codes of one length are consecutive numbers, and lie in the stream from their
 * highest bit on. */
bool huffman_find(const struct huffman *h, uint64_t bits, unsigned limit,
                  unsigned *symbol, unsigned *length)
{
    unsigned value = 0; /* of the bits so far, less the first code's */
    unsigned index = 0; /* of that first code's symbol */

    for (unsigned i = 1; i <= limit; i++, bits >>= 1) {
        value = 2 * value + (unsigned)(bits & 1);
        if (value < h->count[i]) {
            *symbol = h->symbols[index + value];
            *length = i;
            return true;
        }
        value -= h->count[i];
        index += h->count[i];
    }
    return false;
}
