/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/time_span.h"

#include <string.h>

static const uint64_t century_s = 36525ULL * 86400;

static uint64_t unit_s(char letter)
{
    switch (letter) {
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 7ULL * 86400;
    default:
        return 0;
    }
}

bool time_span_parse(const char *text, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t unit = unit_s(text[digits]);
    uint64_t count = 0;

    if (!digits || !unit || text[digits + 1])
        return false;
    for (size_t i = 0; i < digits; i++) {
        count = count * 10 + (uint64_t)(text[i] - '0');
        if (count > century_s / unit)
            return false;
    }
    *out = count * unit;
    return true;
}
