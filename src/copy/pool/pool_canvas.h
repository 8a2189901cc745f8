/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_CANVAS_H
#define VHDSTREAM_POOL_CANVAS_H

/*
 * The VDI of a pool on which the members of a chain are laid: a PUT for each,
 * and each is only begun when the task of the one before has succeeded. On an
 * SR that hands out zeroed disks a member goes as a differencing VHD, of which
 * XAPI writes the sectors that are set; elsewhere, and where its blocks are too
 * small for that, as chunked records of these sectors.
 */

#include "copy/pool/pool_output.h"
#include "image/chain/canvas.h"
#include "image/chain/coverage.h"

/* Whether what no member has must be written as zeros. */
bool pool_canvas_is_dirty(const struct pool_output *pool);

/* `label` as in pool_output_begin. All of them must outlive it. */
int pool_canvas(struct canvas **out, struct output *output,
                const struct coverage *coverage, const char *label,
                struct err *e);

#endif
