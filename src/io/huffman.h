/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HUFFMAN_H
#define VHDSTREAM_HUFFMAN_H

/* The Huffman codes of deflate (RFC 1951, 3.2.2): given by the lengths of their
 * codes alone. */

#include <stdbool.h>
#include <stdint.h>

enum { HUFFMAN_BITS_MAX = 15, HUFFMAN_SYMBOLS_MAX = 288 };

struct huffman {
    uint16_t count[HUFFMAN_BITS_MAX + 1];  /* codes of each length */
    uint16_t symbols[HUFFMAN_SYMBOLS_MAX]; /* in the order of their codes */
};

/* Builds the code from the length of each symbol's (at most HUFFMAN_BITS_MAX;
 * 0: the symbol has none); false when there is no such code. One that is not
 * complete is fine: a block may have a single distance, or none. */
bool huffman_build(struct huffman *h, const uint8_t *lengths, unsigned symbols);

/* The symbol whose code `bits`, lowest first, begin with, and the length of
 * that code, at most `limit`; false when there is none. */
bool huffman_find(const struct huffman *h, uint64_t bits, unsigned limit,
                  unsigned *symbol, unsigned *length);

#endif
