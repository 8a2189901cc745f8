/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_GATHER_H
#define VHDSTREAM_VHD_GATHER_H

/*
 * Reads chosen sectors of a block. Runs that are near each other are read at
 * once and copied, so that a block of which every second sector is wanted costs
 * tens of reads, not thousands.
 */

#include "base/err.h"
#include "io/source.h"

#include <stdint.h>

enum { GATHER_SECTORS = 64, GATHER_RUNS = GATHER_SECTORS / 2 };

struct vhd_gather {
    struct source *src; /* seekable */
    uint64_t at;        /* byte of the source that is sector 0 */
    uint8_t *buf;       /* where sector `skip` goes */
    uint32_t skip;
    uint32_t from, end; /* of what is pending, sectors; none: from == end */
    uint32_t nruns;
    struct {
        uint32_t from, end;
    } runs[GATHER_RUNS];
};

/* Takes sectors [from, end), all past those of the last call. */
int vhd_gather_add(struct vhd_gather *g, uint32_t from, uint32_t end,
                   struct err *e);

/* Reads what is pending. */
int vhd_gather_flush(struct vhd_gather *g, struct err *e);

#endif
