/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DEFLATE_PROBE_H
#define VHDSTREAM_DEFLATE_PROBE_H

/* Cheap looks at data that is to be deflated: what deflate gains, it gains by
 * bytes that are more frequent than others, or by what was there before. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether bytes spread over in[0 .. len) come nearly equally often, so that
 * there is nothing to be gained by their frequencies; false for less than
 * 64 KiB. */
bool deflate_looks_random(const uint8_t *in, size_t len);

/* Whether at least 2 % of the middle 64 KiB (or of all, where it is less) was
 * there before within the 32 KiB that deflate can refer to. What repeats every
 * few bytes may be missed where its bytes differ: that does not look random. */
bool deflate_has_repeats(const uint8_t *in, size_t len);

#endif
