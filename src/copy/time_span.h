/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TIME_SPAN_H
#define VHDSTREAM_TIME_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/* "30m", "12h", "1d", "2w" in seconds, up to a century. False, with *out as it
 * was: it is no such text. */
bool time_span_parse(const char *text, uint64_t *out);

#endif
