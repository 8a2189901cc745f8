/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_CHECK_H
#define VHDSTREAM_VHD_CHECK_H

/*
 * Everything that can be said against a VHD: all findings, not the first.
 *
 * Memory does not follow the file (below 40 MiB, for the largest table that is
 * taken), and no byte is read more often than a few times. The parents of a
 * differencing disk are another matter: vhd_check_parents.
 */

#include "image/vhd/vhd_finding.h"
#include "image/vhd/vhd_head.h"
#include "image/vhd/vhd_lineage.h"
#include "io/source.h"

#include <stdbool.h>
#include <stdint.h>

struct vhd_report {
    struct vhd_finding *findings; /* those that are told, by offset */
    uint32_t count, room;
    uint64_t severities[VHD_ERROR + 1]; /* how many of each there are in all */
    uint64_t untold;
    bool stream; /* only what one pass can see was looked at */
    bool is_vhd; /* footer says what it is */
    struct vhd_footer footer;
    struct uuid parent_uuid; /* of a differencing disk's parent */
};

/* Judges what is in *src, from its first byte to its end; `len` as in struct
 * vhd_origin. 0 and *out, whatever was found; an error only where the source
 * cannot be read. */
int vhd_check(struct source **src, uint64_t len, struct vhd_report *out,
              struct err *e);

/* Goes on with the parents of a differencing disk in a file, where *r holds no
 * error, and adds what is found. `chain`: it is to be read with them, so that
 * one that is not at hand is an error. Takes *src over. */
int vhd_check_parents(struct source **src,
                      const struct vhd_lineage_options *opt, bool chain,
                      struct vhd_report *r, struct err *e);

/* For a judge's `take`: ctx is a struct vhd_report. */
int vhd_report_take(void *report, const struct vhd_finding *f, struct err *e);

/* Adds up what a judge has said, and puts the findings in order. */
void vhd_report_settle(struct vhd_report *r, const struct vhd_judge *j);

void vhd_report_free(struct vhd_report *r);
void vhd_report_cleanup(struct vhd_report *r);

#endif
