/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MANY_NAME_H
#define VHDSTREAM_MANY_NAME_H

/* Where a source goes that is copied together with others. */

#include "base/err.h"
#include "image/format.h"

#include <stdbool.h>

/* Into an SR: that. Into a folder: what a file or URL is called, without its
 * suffixes, or how a VDI was named, and the suffix of `to` (NULL: .vhd).
 * ERR_USAGE for what is neither, for a source without a name, and for a name
 * that is taken in that folder, unless `force`. */
int many_name(char **out, const char *source, const char *destination,
              const struct format *to, bool force, struct err *e);

/* ERR_USAGE where two sources would become one file. */
int many_name_differs(const char *a, const char *source_a, const char *b,
                      const char *source_b, struct err *e);

#endif
