/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SIDE_OPTIONS_H
#define VHDSTREAM_SIDE_OPTIONS_H

/* The options that belong to one side of a copy, or with src- and dst- before
 * their name to the one or the other; without, to both. */

#include "copy/options.h"

/* 1; 0: it is no such option. ERR_USAGE. */
int side_options_set(struct options *o, const char *name, const char *value,
                     struct err *e);

/* What one side has; secrets are wiped. */
void side_free(struct side *s);

#endif
