/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_DISK_INNER_H
#define VHDSTREAM_XAPI_DISK_INNER_H

/* What those share who make VDIs (xapi_disk.c, xapi_clone.c); for no one else.
 */

#include "xapi/xapi_disk.h"

/* Cuts the text of a failure so that there is room for what must be said. */
void xapi_disk_make_room(struct err *why);

/* Destroys a VDI that this run has made; what fails is appended to *why. `uuid`
 * is NULL where it could not be learnt. */
void xapi_disk_remove(struct xapi *x, const char *ref, const char *uuid,
                      struct err *why);

/* Whether a failed call may have been carried out all the same. */
bool xapi_disk_is_open(int code);

/* For the mark of a making. */
int xapi_disk_fresh_uuid(char out[UUID_TEXT_SIZE], struct err *e);

/* What other_config of a new one gets: marks, and what `how` says. NULL: no
 * memory. */
json_t *xapi_disk_config(const struct xapi *x, const struct xapi_new *how,
                         const char *disk, int64_t now);

/* Wraps the VDI of `ref`; one that is ours is destroyed when that fails. */
int xapi_disk_take(struct xapi_disk **out, struct xapi *x, const char *ref,
                   bool ours, struct err *e);

#endif
