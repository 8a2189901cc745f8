/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_SURVEY_H
#define VHDSTREAM_VHD_SURVEY_H

/* A look at every block of a VHD, in the order of the file: what its sector
 * bitmap says, and what stands where that says nothing stands. */

#include "image/vhd/vhd_head.h"

#include <stdint.h>

struct vhd_survey {
    /* Byte of the first bitmap with a bit set past the disk's end; UINT64_MAX:
     * there is none. */
    uint64_t bit_past_end;
    /* First sector with data under a clear bit of a dynamic disk, in the block
     * of the lowest number; UINT64_MAX: there is none. */
    uint64_t hidden_data;
    uint32_t hidden_block; /* that number */
    uint8_t *full;         /* bit i: every sector of block i is present */
};

/* Fills *out, to be freed with vhd_survey_free. Reads all bitmaps, and the data
 * under clear bits; of a stream everything up to the last block. A stream that
 * ends in a block ends the survey. */
int vhd_survey_make(struct vhd_tape *t, const struct vhd_head *h,
                    struct vhd_survey *out, struct err *e);

void vhd_survey_free(struct vhd_survey *s);
void vhd_survey_cleanup(struct vhd_survey *s);

#endif
