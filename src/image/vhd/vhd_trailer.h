/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_TRAILER_H
#define VHDSTREAM_VHD_TRAILER_H

#include "base/err.h"
#include "image/vhd/vhd_head.h"
#include "io/source.h"

#include <stdbool.h>

/*
 * How many bytes may follow the end of a stream's data, as far as that is
 * known, before its footer: blocks that the table has forgotten, since programs
 * leave such behind, but not more of them than it could hold; without a table
 * as many as the disk could have. Without a head some MiB.
 */
uint64_t vhd_trailer_gap(const struct vhd_head *head);

/*
 * The end of a VHD that comes as a stream: reads on to the verified end of src
 * and finds it whole when a footer stands there that tells of the same disk as
 * the head. `exact`: nothing may stand between the last block and the footer,
 * which has all of its 512 bytes.
 * ERR_CORRUPT for a cut.
 */
int vhd_trailer_check(struct source *src, struct vhd_head *head, bool exact,
                      struct err *e);

#endif
