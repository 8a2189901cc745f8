/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_REPORT_H
#define VHDSTREAM_REPORT_H

/* Results, as JSON objects. The keys are a promise to scripts. */

#include "copy/digest_note.h"
#include "copy/hashing.h"
#include "copy/input.h"
#include "copy/map/map_model.h"
#include "copy/operation.h"
#include "copy/output.h"
#include "copy/place.h"
#include "image/digest/image_compare.h"
#include "image/vhd/vhd_layout.h"

/* A name from outside as a string. */
json_t *report_text(const char *value);

/* What a VHD's footer says of the disk, but for the virtual size. */
json_t *report_footer(const struct vhd_footer *f);

/* Of a copy: "source", "destination", "format", "virtual_size", "data" (bytes
 * that were not left out), "read", "written", "seconds", and for a disk in a
 * pool its "uuid", for an image in a store its id as "uuid". */
int report_copy(const struct place *src, const struct input *in,
                const struct place *dst, const struct output *out,
                const struct progress *p, double seconds, json_t **result,
                struct err *e);

/* Adds a copy's "digest". */
void report_add_digest(const struct hashing *h, json_t *result);

/* Adds the digest that an image has with it: "recorded_digest". */
void report_add_note(const struct digest_note *n, json_t *result);

/* Of a digest: "place", "format", "virtual_size", "digest", "algorithm" and its
 * "block_size"; "data", "read", "seconds" as of a copy. */
int report_digest(const struct place *p, const struct input *in,
                  const struct hashing *h, const struct progress *progress,
                  double seconds, json_t **result, struct err *e);

/* Of a comparison: "places" and "sizes" of the two, "identical"; where they are
 * not "first_difference" (the byte) and "within": it is in so many bytes from
 * there; "rest_is_zero" where one is longer and all else is the same. */
int report_compare(const struct place places[2],
                   const struct compared compared[2],
                   const struct comparison *found, json_t **result,
                   struct err *e);

/* "data", "zero", "hole", "parent". */
const char *report_kind(enum extent_kind kind);

/* Of a map: "place", "format", "virtual_size", "zeros_told" and in what "unit",
 * "bytes" of each kind, "picture" (struct map_text). Of the file of a VHD: its
 * "size", bytes of "blocks", "metadata" and "gaps", "runs", "picture". */
int report_map(const struct place *p, const struct input *in,
               const struct map_model *m, json_t **result, struct err *e);

/* Of a place: "place", "format", "virtual_size", blocks, "allocated_size"
 * (bytes of the disk in them), "sparse_ratio" (the share that is not), and what
 * the VHD says of itself ("vhd"). *result is the caller's also after a failure.
 */
int report_info(const struct place *p, const struct input *in, json_t **result,
                struct err *e);

/* Adds "size_as": the exact size as each output format that can hold the image,
 * which has blocks of 2 MiB. */
int report_sizes(const struct image *img, json_t *result, struct err *e);

/* Adds "size_as_child": that of a copy that keeps its parent, and names it by
 * the path `parent`, or not (NULL). */
int report_child_sizes(const struct image *img, const char *parent,
                       json_t *result, struct err *e);

/* Appends a parent to a chain: "place", "format", "virtual_size", and "type"
 * and "uuid" of a VHD. */
void report_parent(json_t *chain, const char *path, const struct image *img);

#endif
