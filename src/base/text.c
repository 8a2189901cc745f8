/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/text.h"

#include "base/checked.h"

#include <ctype.h>
#include <string.h>

/* --- UTF-8 -----------------------------------------------------------------*/

/* Bytes of the character that begins with `c`; 0: none does. */
static size_t char_len(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c < 0xe0)
        return 2;
    if (c >= 0xe0 && c < 0xf0)
        return 3;
    return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* The second byte has bounds of its own where the first one is at an edge. */
static bool second_is_sound(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second < 0xa0;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second < 0x90;
    default:
        return true;
    }
}

static size_t sound_char(const unsigned char *p, size_t left)
{
    size_t len = char_len(*p);

    if (!len || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len == 1 || second_is_sound(p[0], p[1]) ? len : 0;
}

bool text_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;

    while (len) {
        size_t now = sound_char(p, len);

        if (!now)
            return false;
        p += now;
        len -= now;
    }
    return true;
}

/* --- copies ----------------------------------------------------------------*/

bool text_copy_part(char *out, size_t size, const char *text, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

void text_copy_cut(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size) {
        len = size - 1;
        while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *text, which is stepped over; -1: a bad escape. */
static int decoded_byte(const char **text, const char *end)
{
    const char *p = *text;
    int high, low;

    if (*p != '%') {
        *text = p + 1;
        return (unsigned char)*p;
    }
    if (end - p < 3)
        return -1;
    high = hex_value(p[1]);
    low = hex_value(p[2]);
    *text = p + 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool text_decode(char *out, size_t size, const char *text, size_t len)
{
    const char *end = text + len;
    size_t used = 0;

    while (text < end) {
        int c = decoded_byte(&text, end);

        if (c < 0x20 || c == 0x7f || used + 1 >= size)
            return false;
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return text_is_utf8(out, used);
}

/* --- cleaning --------------------------------------------------------------*/

static const char dots[] = "...";
enum {
    DOTS = sizeof(dots) - 1,
    PIECE = 4,     /* of a secret, that is one no more */
    RUN_MIN = 2,   /* letters and digits that are looked for */
    OTHER_MAX = 2, /* characters that can be escaped, so they are not */
};

/* Puts dots in the place of p[0 .. len), len at least DOTS; what follows. */
static char *put_dots(char *p, size_t len)
{
    memcpy(p, dots, DOTS);
    memmove(p + DOTS, p + len, strlen(p + len) + 1);
    return p + DOTS;
}

/* A text's own end that begins a secret of `len` bytes. */
static void hide_cut(char *text, const char *secret, size_t len)
{
    size_t all = strlen(text);

    for (size_t part = (size_t)min_u64(len - 1, all); part >= PIECE; part--)
        if (!memcmp(text + all - part, secret, part)) {
            (void)put_dots(text + all - part, part);
            return;
        }
}

void text_hide(char *text, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0;

    if (len < DOTS)
        return;
    for (char *p = strstr(text, secret); p; p = strstr(p, secret))
        p = put_dots(p, len);
    hide_cut(text, secret, len);
}

static size_t plain_run(const char *p)
{
    size_t len = 0;

    while (isalnum((unsigned char)p[len]))
        len++;
    return len;
}

/* Whether a piece of the letters and digits at `run` is in the text. */
static bool tells_run(const char *text, const char *run, size_t len)
{
    char piece[PIECE + 1];
    size_t part = (size_t)min_u64(len, PIECE);

    for (size_t at = 0; at + part <= len; at++) {
        (void)text_copy_part(piece, sizeof(piece), run + at, part);
        if (strstr(text, piece))
            return true;
    }
    return false;
}

bool text_may_tell(const char *text, const char *secret)
{
    size_t plain = 0, other = 0;

    if (!secret || !*secret || !*text)
        return false;
    for (const char *p = secret; *p;) {
        size_t len = plain_run(p);

        if (len >= RUN_MIN && tells_run(text, p, len))
            return true;
        plain += len >= RUN_MIN ? len : 0;
        other += len >= RUN_MIN ? 0 : 1;
        p += len >= RUN_MIN ? len : 1;
    }
    return !plain || other > OTHER_MAX;
}

void text_withhold(char *text, const char *secret)
{
    if (text_may_tell(text, secret))
        *text = '\0';
}

void text_hide_refs(char *text)
{
    static const char prefix[] = "OpaqueRef:";

    for (char *p = strstr(text, prefix); p; p = strstr(p, prefix)) {
        size_t len;

        p += sizeof(prefix) - 1;
        for (len = 0; isalnum((unsigned char)p[len]) || p[len] == '-';)
            len++;
        if (len > DOTS && strncmp(p, "NULL", 4) != 0)
            p = put_dots(p, len);
    }
}

/* The character that the entity at `p` stands for, its length in *len. */
static char entity(const char *p, size_t *len)
{
    static const struct {
        const char *name;
        char is;
    } known[] = {{"&amp;", '&'},
                 {"&lt;", '<'},
                 {"&gt;", '>'},
                 {"&quot;", '"'},
                 {"&#39;", '\''}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        *len = strlen(known[i].name);
        if (!strncmp(p, known[i].name, *len))
            return known[i].is;
    }
    *len = 1;
    return *p;
}

void text_from_html(char *text)
{
    char *out = text;
    bool gap = false;

    for (const char *p = text; *p;) {
        size_t len = 1;
        char c;

        if (*p == '<') {
            p += strcspn(p, ">");
            p += *p != '\0';
            gap = true;
            continue;
        }
        c = entity(p, &len);
        p += len;
        if (isspace((unsigned char)c)) {
            gap = true;
            continue;
        }
        if (gap && out > text)
            *out++ = ' ';
        gap = false;
        *out++ = c;
    }
    *out = '\0';
}
