/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_REPORT_CLEAN_H
#define VHDSTREAM_REPORT_CLEAN_H

/* What cleaning a pool has to say, as JSON. The keys are a promise. */

#include "copy/options.h"
#include "copy/place.h"
#include "xapi/xapi_clean.h"

/* Appends to `items`: "what" (disk, snapshot, task), "uuid", "name_label"; of
 * disks "sr", "sr_name", "virtual_size"; where the marks are sound "run",
 * "host", "program", "start", "heartbeat", "age" (seconds); "state" of a disk
 * kept to be resumed; "fate" (removed, removable, spared, not_removed), and but
 * for the first two "why"; where it is left "command", which removes it. */
int report_remnant(const struct xapi_remnant *r, json_t *items, struct err *e);

/* "place", "dry_run", "older_than" (seconds), "clock" (of the pool or "own"),
 * the number of each fate, and "items". */
int report_clean(const struct place *p, const struct options *o, json_t *items,
                 const unsigned count[XAPI_FATES], bool own_clock,
                 json_t **result, struct err *e);

#endif
