/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/uuid.h"

#include "base/zero.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int uuid_make(struct uuid *out, struct err *e)
{
    struct uuid u;

    if (getrandom(u.bytes, sizeof(u.bytes), 0) != sizeof(u.bytes))
        return err_errno(e, errno, "no random bytes for a uuid");
    u.bytes[6] = (u.bytes[6] & 0x0f) | 0x40;
    u.bytes[8] = (u.bytes[8] & 0x3f) | 0x80;
    *out = u;
    return 0;
}

void uuid_format(const struct uuid *u, char text[UUID_TEXT_SIZE])
{
    for (int i = 0, at = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        (void)snprintf(text + at, 3, "%02x", u->bytes[i]);
        at += 2;
    }
}

bool uuid_is(const char *text)
{
    for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[UUID_TEXT_SIZE - 1] == '\0';
}

bool uuid_parse(const char *text, struct uuid *out)
{
    char digits[3] = "";

    if (!uuid_is(text))
        return false;
    for (int i = 0; i < 16; i++, text += 2) {
        text += *text == '-';
        memcpy(digits, text, 2);
        out->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

bool uuid_is_null(const struct uuid *u)
{
    return zero_is(u->bytes, sizeof(u->bytes));
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
