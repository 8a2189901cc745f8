/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_REPORT_H
#define VHDSTREAM_REPORT_H

/* Results, as JSON objects. The keys are a promise to scripts. */

#include "copy/input.h"
#include "copy/operation.h"
#include "copy/output.h"
#include "copy/place.h"

/* Of a copy: "source", "destination", "format", "virtual_size", "data" (bytes
 * that were not left out), "read", "written", "seconds", and for a disk in a
 * pool its "uuid". */
int report_copy(const struct place *src, const struct input *in,
                const struct place *dst, const struct output *out,
                const struct progress *p, double seconds, json_t **result,
                struct err *e);

/* Of a place: "place", "format", "virtual_size", blocks, and what the VHD says
 * of itself ("vhd"). */
int report_info(const struct place *p, const struct input *in, json_t **result,
                struct err *e);

/* Adds "size_as": the exact size as each output format that can hold the image,
 * which has blocks of 2 MiB. */
void report_sizes(const struct image *img, json_t *result);

#endif
