/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_INBAND_H
#define VHDSTREAM_XAPI_INBAND_H

/* XAPI answers 200 before it has read one byte of the disk. When it fails after
 * that, it writes a second answer, "HTTP/1.1 500 ..." with a page of HTML, into
 * the body of the first one: as its first bytes, or behind what was sent. */

#include <stddef.h>
#include <stdint.h>

enum { XAPI_INBAND_NOTE_SIZE = 512 };

/* Looks for the last such head in bytes[0 .. len), the end of a body. Returns
 * where it begins, with the page's text as one line in `note`; len: there is
 * none. */
size_t xapi_inband_find(const uint8_t *bytes, size_t len,
                        char note[XAPI_INBAND_NOTE_SIZE]);

#endif
