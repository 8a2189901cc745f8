/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/utf16.h"

enum { NOT_A_CHARACTER = 0xFFFD, LAST = 0x10FFFF };

/* Of a unit, or of a whole character. */
static bool is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

static uint32_t get_unit(const uint8_t *raw, enum utf16_order order)
{
    return order == UTF16_BE ? (uint32_t)(raw[0] << 8 | raw[1])
                             : (uint32_t)(raw[1] << 8 | raw[0]);
}

size_t utf16_len(const uint8_t *raw, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        if (!raw[i] && !raw[i + 1])
            return i;
    return len;
}

/* Writes one character; its length, 1 to 4. */
static size_t put_utf8(char *out, uint32_t c)
{
    uint8_t *p = (uint8_t *)out;

    if (c < 0x80) {
        p[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        p[0] = (uint8_t)(0xC0 | c >> 6);
        p[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        p[0] = (uint8_t)(0xE0 | c >> 12);
        p[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        p[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    p[0] = (uint8_t)(0xF0 | c >> 18);
    p[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    p[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    p[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

/* The character at raw, and in *used how many of the `left` bytes it takes. */
static uint32_t get_character(const uint8_t *raw, size_t left,
                              enum utf16_order order, size_t *used)
{
    uint32_t high, low;

    *used = left < 2 ? left : 2;
    if (left < 2)
        return NOT_A_CHARACTER;
    high = get_unit(raw, order);
    if (!is_high(high) && !is_low(high))
        return high;
    if (is_low(high) || left < 4)
        return NOT_A_CHARACTER;
    low = get_unit(raw + 2, order);
    if (!is_low(low))
        return NOT_A_CHARACTER;
    *used = 4;
    return 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
}

size_t utf16_to_utf8(const uint8_t *raw, size_t len, enum utf16_order order,
                     char *out, bool *sound)
{
    size_t n = 0, used;

    *sound = true;
    for (size_t i = 0; i < len; i += used) {
        uint32_t c = get_character(raw + i, len - i, order, &used);

        /* The file itself may hold U+FFFD, as one unit. */
        if (c == NOT_A_CHARACTER &&
            (used < 2 || get_unit(raw + i, order) != NOT_A_CHARACTER))
            *sound = false;
        n += put_utf8(out + n, c);
    }
    out[n] = '\0';
    return n;
}

/* The character at text, and in *used its length; LAST + 1 for none. */
static uint32_t get_utf8(const char *text, size_t left, size_t *used)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *p = (const uint8_t *)text;
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xC0 ? 0
                 : p[0] < 0xE0 ? 2
                 : p[0] < 0xF0 ? 3
                 : p[0] < 0xF8 ? 4
                               : 0;
    uint32_t c;

    *used = len;
    if (!len || len > left)
        return LAST + 1;
    c = len == 1 ? p[0] : p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return LAST + 1;
        c = c << 6 | (p[i] & 0x3F);
    }
    return c < least[len] || is_high(c) || is_low(c) ? LAST + 1 : c;
}

bool utf8_is_sound(const char *text, size_t len)
{
    size_t used;

    for (size_t i = 0; i < len; i += used)
        if (get_utf8(text + i, len - i, &used) > LAST)
            return false;
    return true;
}

static void put_unit(uint8_t *out, uint32_t unit, enum utf16_order order)
{
    out[order == UTF16_BE ? 0 : 1] = (uint8_t)(unit >> 8);
    out[order == UTF16_BE ? 1 : 0] = (uint8_t)unit;
}

bool utf16_from_utf8(const char *text, size_t len, enum utf16_order order,
                     uint8_t *out, size_t room, size_t *out_len)
{
    size_t n = 0, used;

    for (size_t i = 0; i < len; i += used) {
        uint32_t c = get_utf8(text + i, len - i, &used);
        size_t size = c < 0x10000 ? 2 : 4;

        if (c > LAST || room - n < size)
            return false;
        if (size == 2) {
            put_unit(out + n, c, order);
        } else {
            put_unit(out + n, 0xD800 | (c - 0x10000) >> 10, order);
            put_unit(out + n + 2, 0xDC00 | (c & 0x3FF), order);
        }
        n += size;
    }
    *out_len = n;
    return true;
}
