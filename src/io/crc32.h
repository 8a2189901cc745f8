/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CRC32_H
#define VHDSTREAM_CRC32_H

/* The CRC-32 of gzip (RFC 1952), at memory speed. */

#include <stddef.h>
#include <stdint.h>

/* The sum of what `crc` covers (0: nothing) and data[0 .. len) after it. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t len);

/* The sum of two stretches, from the sum of each and the length of the second;
 * so that pieces can be summed apart. */
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t second_len);

#endif
