/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TAR_SOURCE_H
#define VHDSTREAM_TAR_SOURCE_H

/*
 * The disk in a tar archive (ustar, GNU, pax, old; sparse members of GNU and
 * pax, their holes as zeros).
 *
 * A disk is a regular member whose name ends in .vhd, .raw or .img (in either
 * case), in any folder. Passed over are folders, `swap.vhd` (OpenStack's),
 * names that begin with `._` (what macOS adds) and everything else; of what is
 * neither a folder nor swap.vhd the notice tells.
 */

#include "base/notice.h"
#include "io/source.h"
#include "io/tar_tail.h"

/* Reads up to the first disk of the archive *s, which becomes that member: its
 * size is known, its name is "ARCHIVE: MEMBER". ERR_CORRUPT where there is none
 * (the members that were found are named) or what comes is not tar.
 *
 * The member's end is the archive's: read goes on past the other members
 * (a second disk is ERR_UNSUPPORTED: chains come with names of their own), the
 * two empty blocks that end an archive must be there, and behind them up to the
 * inner source's verified end only zeros and what tar_tail_read takes, which is
 * in *tail then (NULL: nobody wants it).
 *
 * Memory is bounded, whatever the archive says: headers and sparse maps may
 * have 2 MiB, an archive 10000 members. `n` may be NULL; it and `tail` must
 * outlive the source.
 */
int source_untar(struct source **s, const struct notice *n,
                 struct tar_tail *tail, struct err *e);

#endif
