/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ASK_H
#define VHDSTREAM_ASK_H

#include <stddef.h>

enum { ASK_NO_TERMINAL = -1 };

/* Asks on the terminal for a line that is not shown while it is typed, and
 * stores it without the line's end. 0; ASK_NO_TERMINAL; or the number of the
 * signal that broke it off (the terminal is as it was then, too). */
int ask_hidden(const char *prompt, char *line, size_t size);

#endif
