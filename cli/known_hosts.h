/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_KNOWN_HOSTS_H
#define VHDSTREAM_KNOWN_HOSTS_H

/* The certificates that the user has trusted, in
 * $XDG_CONFIG_HOME/vhdstream/known_hosts, or below ~/.config. A line has a
 * host, a space and "sha256:" with 64 hexadecimal digits; '#' begins a comment.
 */

#include <stdbool.h>
#include <stddef.h>

enum { KNOWN_PATH_MAX = 4096, KNOWN_SUM_SIZE = 7 + 64 + 1 };

enum known {
    KNOWN_NOT,
    KNOWN_SAME,
    KNOWN_OTHER, /* the host has another certificate there */
};

/* What is known of the host's certificate `sum`. A file that cannot be read, or
 * that others may write to, is said to be so and counts as empty; *line is the
 * number of the line for KNOWN_OTHER. */
enum known known_hosts_look(const char *host, const char *sum, unsigned *line);

/* Adds a line. False after having said why it could not. */
bool known_hosts_add(const char *host, const char *sum);

/* The file's path in out; false: there is no place for it. */
bool known_hosts_path(char out[KNOWN_PATH_MAX]);

#endif
