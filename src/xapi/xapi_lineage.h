/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_LINEAGE_H
#define VHDSTREAM_XAPI_LINEAGE_H

#include "xapi/xapi_vdi.h"

/* A disk, or a snapshot, and the snapshots of the same disk before it: *out is
 * an array of *count, to be freed, [0] the disk itself, then the youngest
 * first. Snapshots that a run has made for itself are left out. */
int xapi_lineage_read(struct xapi *x, const char *name, struct xapi_vdi **out,
                      unsigned *count, struct err *e);

#endif
