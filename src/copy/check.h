/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHECK_H
#define VHDSTREAM_CHECK_H

/* Findings as results. */

#include "image/vhd/vhd_check.h"

#include <jansson.h>

/* Adds "verdict" (sound; usable: with warnings; broken: with errors), "errors",
 * "warnings", "notes" and "not_listed" to an object. */
void check_report_counts(json_t *object, const struct vhd_report *r);

/* The same and "findings". */
void check_report(json_t *object, const struct vhd_report *r);

/* Appends the findings; `member` of an archive they are of, or NULL. */
void check_report_findings(json_t *findings, const struct vhd_report *r,
                           const char *member);

/* Adds "virtual_size" and "vhd", where it is known what it is. */
void check_report_disk(json_t *object, const struct vhd_report *r);

/* ERR_CORRUPT, with how many and the first, where there are errors; else 0. */
int check_verdict(const char *name, const struct vhd_report *r, struct err *e);

#endif
