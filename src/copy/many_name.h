/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MANY_NAME_H
#define VHDSTREAM_MANY_NAME_H

/* Where a source goes that is copied together with others. */

#include "base/err.h"
#include "image/format.h"
#include "io/source.h" /* NAME_SIZE */

#include <stdbool.h>

/* The destination of one of several. Into an SR: that. Into a folder: what a
 * file or URL is called, without its suffixes, or how a VDI was named, and the
 * suffix of `to` (NULL: .vhd). ERR_USAGE for what is neither, for a source
 * without a name, and for a name that is taken in that folder, unless `force`.
 * In `name`, the source's, for messages: it holds no secret. */
int many_name(char **out, char name[NAME_SIZE], const char *source,
              const char *destination, const struct format *to, bool force,
              struct err *e);

/* The sources by those names. ERR_USAGE where two of them would become one
 * file. */
int many_name_differs(const char *a, const char *source_a, const char *b,
                      const char *source_b, struct err *e);

#endif
