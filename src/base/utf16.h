/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_UTF16_H
#define VHDSTREAM_UTF16_H

/* UTF-16 in either byte order, without a mark, to UTF-8 and back. Text in files
 * from outside may be no text: everything is bounded by lengths, nothing needs
 * a terminator, and what is no character is told of. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum utf16_order { UTF16_BE, UTF16_LE };

/* Bytes before the first NUL unit of raw[0 .. len); `len` where there is none.
 */
size_t utf16_len(const uint8_t *raw, size_t len);

/* Bytes that the UTF-8 form of `len` bytes of UTF-16 takes at most, with a NUL.
 */
static inline size_t utf16_utf8_room(size_t len)
{
    return (len + 1) / 2 * 3 + 1;
}

/* Writes raw[0 .. len) as UTF-8 with a NUL into out, which has
 * utf16_utf8_room(len) bytes; NUL units become NUL bytes. Returns the length
 * without the last NUL. Surrogates that stand alone, and an odd byte at the
 * end, are written as U+FFFD; *sound tells whether there were none. */
size_t utf16_to_utf8(const uint8_t *raw, size_t len, enum utf16_order order,
                     char *out, bool *sound);

/* Writes text[0 .. len) as UTF-16 into out and the bytes of it into *out_len;
 * false where it is no UTF-8 or does not fit `room` bytes. */
bool utf16_from_utf8(const char *text, size_t len, enum utf16_order order,
                     uint8_t *out, size_t room, size_t *out_len);

/* Whether text[0 .. len) is UTF-8: shortest forms, no surrogates, none above
 * U+10FFFF. */
bool utf8_is_sound(const char *text, size_t len);

#endif
