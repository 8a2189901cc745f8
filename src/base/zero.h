/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ZERO_H
#define VHDSTREAM_ZERO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether data[0 .. len) is all zero bytes; at memory speed. */
bool zero_is(const uint8_t *data, size_t len);

/* A constant buffer of ZERO_SIZE zero bytes, for writing. */
enum { ZERO_SIZE = 64 * 1024 };
extern const uint8_t zero_bytes[ZERO_SIZE];

#endif
