/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ASK_H
#define VHDSTREAM_ASK_H

#include <stdbool.h>
#include <stddef.h>

enum { ASK_NO_TERMINAL = -1, ASK_STOPPED = -2 };

/* Asks on the terminal for a line that is not shown while it is typed, and
 * stores it without the line's end. 0; ASK_NO_TERMINAL; or the number of the
 * signal that broke it off (the terminal is as it was then, too). */
int ask_hidden(const char *prompt, char *line, size_t size);

/* Whether there is a terminal to ask on. */
bool ask_is_possible(void);

/* Asks for a line that is shown while it is typed. 0; ASK_NO_TERMINAL; or
 * ASK_STOPPED: stop_fd became readable (-1: there is none). */
int ask_shown(const char *prompt, char *line, size_t size, int stop_fd);

#endif
