/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_REPAIR_H
#define VHDSTREAM_VHD_REPAIR_H

/*
 * What can be mended in a VHD without guessing: a footer from its twin, a
 * checksum that everything else confirms, geometry, fields that can only have
 * one value, the batmap from the bitmaps. Data is never touched.
 *
 * A repair is planned on a view of the file (vhd_patch.h), step by step until
 * nothing more can be mended, and judged by the same check as any other VHD.
 * Where an error would remain, nothing at all is to be written.
 */

#include "base/err.h"
#include "image/vhd/vhd_check.h"
#include "image/vhd/vhd_patch.h"
#include "io/source.h"

#include <stdbool.h>
#include <stdint.h>

enum { VHD_MENDS = 24, VHD_MEND_TEXT = 240 };

/* One thing that is mended, or the reason why a finding is not. */
struct vhd_mend {
    enum vhd_finding_id id;
    uint64_t offset; /* byte of the file that is written, or of the finding */
    char text[VHD_MEND_TEXT];
};

struct vhd_repair {
    struct vhd_patches patches; /* what is to be written; empty: nothing */
    struct vhd_mend mends[VHD_MENDS], left[VHD_MENDS];
    int nmends, nleft;
    struct vhd_report after; /* what a check says afterwards, or still */
};

/* Plans the repair of the VHD in a seekable source. 0 and *out, whatever came
 * of it; an error only where src cannot be read. */
int vhd_repair_plan(struct source *src, struct vhd_repair *out, struct err *e);

/* Whether errors would remain, so that nothing is to be written. */
bool vhd_repair_is_refused(const struct vhd_repair *r);

void vhd_repair_free(struct vhd_repair *r);
void vhd_repair_cleanup(struct vhd_repair *r);

/* --- for the parts of the planning ----------------------------------------*/

/* One round: the file as it would be so far, and what is found in it. */
struct vhd_mender {
    struct vhd_repair *r;
    struct vhd_tape *t;
    struct vhd_head *h;
    bool whole; /* the head is known to its end */
    const struct vhd_report *found;
};

bool vhd_mender_has(const struct vhd_mender *m, enum vhd_finding_id id);

/* Tells what is mended, or why something is left as it is (once for each id).
 */
void vhd_mender_did(struct vhd_mender *m, enum vhd_finding_id id,
                    uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void vhd_mender_left(struct vhd_repair *r, enum vhd_finding_id id,
                     uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Each mends what it can of its part: the number of things mended. */
int vhd_mend_ends(struct vhd_mender *m, struct err *e);
int vhd_mend_footer(struct vhd_mender *m, struct err *e);
int vhd_mend_header(struct vhd_mender *m, struct err *e);
int vhd_mend_batmap(struct vhd_mender *m, struct err *e);

#endif
