/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_JSON_TEXT_H
#define VHDSTREAM_JSON_TEXT_H

/* JSON that comes from anybody, before it is parsed. */

#include <stdbool.h>

/* Whether parsing will take bounded memory and stack: at most `max_values`
 * values, nested at most `max_depth` deep. Says nothing else of the text. */
bool json_text_is_bounded(const char *text, unsigned max_depth,
                          unsigned max_values);

#endif
