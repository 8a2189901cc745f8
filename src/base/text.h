/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TEXT_H
#define VHDSTREAM_TEXT_H

/* Short texts in buffers of fixed size. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether len bytes are UTF-8 (no surrogates, nothing overlong). */
bool text_is_utf8(const char *text, size_t len);

/* text[0 .. len) with a NUL into out. False, with out spoiled: no room. */
bool text_copy_part(char *out, size_t size, const char *text, size_t len);

/* The same, cut to fit without halving a UTF-8 character. */
void text_copy_cut(char *out, size_t size, const char *text);

/* Percent-decodes. False, with out spoiled: no room, a bad escape, a control
 * character, or no UTF-8. */
bool text_decode(char *out, size_t size, const char *text, size_t len);

/* Replaces each `secret` in `text` by dots, in place, and a beginning of it
 * that the text was cut in. NULL and "" are none. */
void text_hide(char *text, const char *secret);

/* Whether the text may tell a part of the secret, as it is or escaped in any
 * way: four letters and digits that are next to each other in it, or what fewer
 * are. Where it has more than two other characters, or none next to each other,
 * any text that is not empty may. NULL and "" are no secrets. For the answers
 * to a login. */
bool text_may_tell(const char *text, const char *secret);

/* Empties a text that may. */
void text_withhold(char *text, const char *secret);

/* Leaves of each "OpaqueRef:..." in `text` only these dots, in place. */
void text_hide_refs(char *text);

/* Turns a scrap of HTML into one line: tags removed, white space joined, the
 * common entities decoded. In place. */
void text_from_html(char *text);

#endif
