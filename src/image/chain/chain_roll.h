/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHAIN_ROLL_H
#define VHDSTREAM_CHAIN_ROLL_H

/*
 * The members of a chain image as they come: which place in the chain each has
 * by its name, and whether the uuids in the VHDs say the same.
 *
 * Names as OpenStack's XenServer images have them: 0.vhd is the leaf, 1.vhd its
 * parent, and so on without a gap to the base (.raw and .img for one that is no
 * VHD). The old ones are snap.vhd, image.vhd and base.vhd, of which any may be
 * left out that no other has for its parent.
 */

#include "base/uuid.h"
#include "image/chain/coverage.h"
#include "image/image.h"

struct chain_roll;

/* What a member's name (without folder) says: 1 and its rank, or 0. */
int chain_name_rank(const char *member, unsigned *rank);

/* Whether a disk that comes first in an archive, under this name, shows that it
 * is one of a chain. */
bool chain_name_is_part(const char *member, const struct image *img);

/* The same without doubt: one with an old name may be alone. */
bool chain_name_is_surely_part(const char *member, const struct image *img);

/* What is known of a member whose blocks nobody wants. */
struct chain_member {
    uint64_t size;
    bool has_parent;
    bool is_vhd; /* uuid is its own; parent, where it has one, its parent's */
    struct uuid uuid, parent;
};

/* `archive` is its name, for messages; must outlive the roll. takes_alone: a
 * disk without a parent that comes alone is whole, whatever its number. */
int chain_roll_open(struct chain_roll **out, const char *archive,
                    bool takes_alone, struct err *e);
void chain_roll_close(struct chain_roll *r);
void chain_roll_cleanup(struct chain_roll **r);

/* The next member, before its blocks are read: its rank. ERR_CORRUPT for one
 * that came before, is not of this chain by name or uuid, or stands below a
 * disk that has no parent; ERR_UNSUPPORTED where a disk is smaller than its
 * parent. */
int chain_roll_add(struct chain_roll *r, const char *member,
                   const struct image *img, unsigned *rank, struct err *e);

/* The same where its blocks have been read, and there is no image of it:
 * chain_roll_end has nothing to add. */
int chain_roll_add_read(struct chain_roll *r, const char *member,
                        const struct chain_member *m, unsigned *rank,
                        struct err *e);

/* After its blocks: what an image knows of itself at its end only, the uuid of
 * a fixed VHD. */
int chain_roll_end(struct chain_roll *r, unsigned rank, const struct image *img,
                   struct err *e);

/* At the end of the archive: whether all members came. ERR_CORRUPT. */
int chain_roll_check(const struct chain_roll *r, struct err *e);

#endif
