/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_RECORDS_H
#define VHDSTREAM_XAPI_RECORDS_H

#include "xapi/xapi_session.h"

/* Takes one; a result below 0 ends it. */
typedef int xapi_record_fn(void *ctx, const char *ref, const json_t *record,
                           struct err *e);

/* Calls take(ctx, ref, record) for each object of a class ("VDI", "task"). In
 * one call; where a pool has more than an answer may hold, one by one. */
int xapi_records(struct xapi *x, const char *class, xapi_record_fn *take,
                 void *ctx, struct err *e);

#endif
