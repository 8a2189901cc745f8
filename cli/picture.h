/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_PICTURE_H
#define VHDSTREAM_PICTURE_H

#include <jansson.h>

/* Prints the result of a map as a picture in text: the disk, and the file where
 * there is something to tell of it. */
void picture_print(json_t *result);

#endif
