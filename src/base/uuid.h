/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_UUID_H
#define VHDSTREAM_UUID_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { UUID_TEXT_SIZE = 37 };

struct uuid {
    uint8_t bytes[16];
};

/* A random (version 4) uuid. */
int uuid_make(struct uuid *out, struct err *e);

/* Lower-case text with its NUL, as "01234567-89ab-cdef-0123-456789abcdef". */
void uuid_format(const struct uuid *u, char text[UUID_TEXT_SIZE]);

/* Whether `text` is a uuid in that form, in either case. */
bool uuid_is(const char *text);

/* Reads that form: true and *out. */
bool uuid_parse(const char *text, struct uuid *out);

bool uuid_is_null(const struct uuid *u);
bool uuid_equal(const struct uuid *a, const struct uuid *b);

#endif
