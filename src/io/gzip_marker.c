/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/gzip_marker.h"

enum {
    BLOCK = 5, /* bytes of an empty stored block */
    PADDING = 5,
    HEAD_BITS = 3,
    MAGIC_BITS = 13,
    MAGIC = 0x1b5a,
};

static const uint8_t no_bytes[BLOCK] = {0, 0, 0, 0xff, 0xff};

static uint64_t padding_at(uint64_t number, size_t block)
{
    return (number >> (PADDING * block)) & ((1u << PADDING) - 1);
}

/* The bytes of a marker, and of each the bits that are the same in all. */
static uint8_t byte_at(uint64_t number, size_t at)
{
    if (at % BLOCK)
        return no_bytes[at % BLOCK];
    return (uint8_t)(padding_at(number, at / BLOCK) << HEAD_BITS);
}

static uint8_t fixed_at(size_t at)
{
    uint64_t fixed = (1u << MAGIC_BITS) - 1;

    if (at % BLOCK)
        return 0xff;
    return (uint8_t)(byte_at(fixed, at) | ((1u << HEAD_BITS) - 1));
}

void gzip_marker_encode(uint8_t raw[GZIP_MARKER_SIZE], uint32_t size)
{
    uint64_t number = (uint64_t)size << MAGIC_BITS | MAGIC;

    for (size_t i = 0; i < GZIP_MARKER_SIZE; i++)
        raw[i] = byte_at(number, i);
}

bool gzip_marker_begins(const uint8_t *raw, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((raw[i] ^ byte_at(MAGIC, i)) & fixed_at(i))
            return false;
    return true;
}

bool gzip_marker_decode(const uint8_t raw[GZIP_MARKER_SIZE], uint32_t *size)
{
    uint64_t number = 0;

    if (!gzip_marker_begins(raw, GZIP_MARKER_SIZE))
        return false;
    for (size_t i = 0; i < GZIP_MARKER_SIZE / BLOCK; i++)
        number |= (uint64_t)(raw[BLOCK * i] >> HEAD_BITS) << (PADDING * i);
    *size = (uint32_t)(number >> MAGIC_BITS);
    return true;
}
