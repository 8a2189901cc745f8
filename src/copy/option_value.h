/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_OPTION_VALUE_H
#define VHDSTREAM_OPTION_VALUE_H

/* What the value of an option may be. Each failure is ERR_USAGE, and names the
 * option, but for memory. */

#include "base/err.h"
#include "image/format.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether there is a value (not NULL) where one belongs, and only there. */
int option_check_value(const char *name, const char *value, bool has_value,
                       struct err *e);

/* A copy to *out, which may have had one; secrets are wiped. */
int option_text(char **out, const char *value, struct err *e);

/* The same of a file's name; not "-", which means standard output everywhere:
 * that has the verb's own result. */
int option_file(char **out, const char *name, const char *value, struct err *e);

int option_check_utf8(const char *name, const char *value, struct err *e);

int option_format(const struct format **out, const char *name,
                  const char *value, struct err *e);

/* A whole number, decimal and without sign. */
int option_number(uint64_t *out, const char *name, const char *value,
                  uint64_t least, uint64_t most, struct err *e);

#endif
