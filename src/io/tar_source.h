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
 * no folder the notice tells.
 */

#include "base/notice.h"
#include "io/source.h"
#include "io/tar_tail.h"

/* What lies beside the disks of a chain: of it nobody is told. */
#define TAR_CHAIN_NOTE "chain.json"

/* Whether a member is a disk by its first bytes, whatever its name. */
typedef bool tar_judge_fn(const uint8_t *head, size_t len);

/* Reads up to the first disk of the archive *s, which becomes that member: its
 * size is known, its name is "ARCHIVE: MEMBER". ERR_CORRUPT where there is none
 * (the members that were found are named) or what comes is not tar.
 *
 * The member's end is the archive's: read goes on past the other members
 * (a second disk is ERR_UNSUPPORTED, unless tar_source_apart was called), the
 * two empty blocks that end an archive must be there, and behind them up to the
 * inner source's verified end only zeros and what tar_tail_read takes, which is
 * in *tail then (NULL: nobody wants it).
 *
 * `judge` is asked of members with other names than disks have; NULL: they are
 * none.
 *
 * Memory is bounded, whatever the archive says: headers and sparse maps may
 * have 2 MiB, an archive 10000 members. `n` may be NULL; it and `tail` must
 * outlive the source.
 */
int source_untar(struct source **s, tar_judge_fn *judge, const struct notice *n,
                 struct tar_tail *tail, struct err *e);

/* --- for archives of several disks ----------------------------------------
 * `s` is what source_untar made, not what has been wrapped around it. */

/* From now on a member's end is only its own, and closing the source closes the
 * member: the archive is the caller's, to be closed by tar_source_end. */
void tar_source_apart(struct source *s);

/* Then, when a member was closed, at its end or before: 1, and `s` is the next
 * disk, from its first byte; or 0 at the end, where all is checked that is said
 * above. */
int tar_source_next(struct source *s, struct err *e);

/* The name of the member, without its folder; of the archive. */
const char *tar_source_member(const struct source *s);
const char *tar_source_archive(const struct source *s);

/* A small file beside the disks, from now on: kept where it comes, and nobody
 * is told that it is left out. *side must outlive the archive. */
struct tar_side {
    const char *name;
    size_t len; /* 0: it did not come, or is larger than there is room, which
                   the notice tells */
    char text[1024 * 1024];
};
void tar_source_keep(struct source *s, struct tar_side *side);

/* Closes the archive; NULL is fine. */
void tar_source_end(struct source *s);

#endif
