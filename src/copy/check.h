/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHECK_H
#define VHDSTREAM_CHECK_H

/* Findings as results. */

#include "image/vhd/vhd_check.h"

#include <jansson.h>

/* Adds "verdict" (sound; usable: with warnings; broken: with errors), "errors",
 * "warnings", "notes", "not_listed" and "findings" to an object. */
void check_report(json_t *object, const struct vhd_report *r);

/* ERR_CORRUPT, with how many and the first, where there are errors; else 0. */
int check_verdict(const char *name, const struct vhd_report *r, struct err *e);

#endif
