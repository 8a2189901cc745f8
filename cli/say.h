/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SAY_H
#define VHDSTREAM_SAY_H

/* What the program says on stderr, with its name before it. Control characters,
 * which names from outside may hold, are shown as '?'. */

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An error of the command line; adds where help is. Returns the exit status. */
int say_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line on stdout that may hold names from outside: what a terminal would
 * obey, control characters, those above 0x80 in UTF-8, too, is replaced.
 * print_end tells whether it arrived. */
void print_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* JSON on stdout, or what has no more in it: the control characters that JSON
 * lets stand, those above ASCII, are escaped. print_end tells. */
void put_json(const char *text);

/* The same as a line that must arrive: 0, or the exit status after having said
 * why not. */
int print_line(const char *text);

/* The same for what was written to stdout before. */
int print_end(void);

#endif
