/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/chain/chain_roll.h"

#include "base/mem.h"
#include "image/vhd/vhd_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MEMBER_NAME = 64 };

enum identity {
    ID_LATER, /* a fixed VHD's footer is still to come */
    ID_UUID,
    ID_NONE, /* no VHD */
};

struct member {
    bool came;
    char name[MEMBER_NAME];
    uint64_t size;
    bool has_parent;
    enum identity identity;
    struct uuid uuid, parent;
};

struct chain_roll {
    const char *archive;
    bool old_names;   /* snap.vhd and so on, else numbers */
    bool takes_alone; /* see chain_roll_open */
    unsigned count;
    struct member members[RANKS_MAX]; /* by rank */
};

int chain_roll_open(struct chain_roll **out, const char *archive,
                    bool takes_alone, struct err *e)
{
    struct chain_roll *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "a chain", e));
    r->archive = archive;
    r->takes_alone = takes_alone;
    *out = r;
    return 0;
}

void chain_roll_close(struct chain_roll *r)
{
    free(r);
}

void chain_roll_cleanup(struct chain_roll **r)
{
    chain_roll_close(*r);
    *r = NULL;
}

/* --- names ----------------------------------------------------------------*/

static const char *const old_names[] = {"snap.vhd", "image.vhd", "base.vhd"};

enum { OLD_NAMES = sizeof(old_names) / sizeof(old_names[0]) };

static bool is_old(const char *member, unsigned *rank)
{
    for (unsigned i = 0; i < OLD_NAMES; i++)
        if (!strcasecmp(member, old_names[i])) {
            *rank = i;
            return true;
        }
    return false;
}

static bool is_suffix(const char *text)
{
    return !strcasecmp(text, ".vhd") || !strcasecmp(text, ".raw") ||
           !strcasecmp(text, ".img");
}

/* Digits without a zero before them, so that no two names mean one rank. */
static bool is_number(const char *member, unsigned *rank)
{
    size_t digits = strspn(member, "0123456789");
    unsigned long value;

    if (!digits || digits > 4 || (digits > 1 && *member == '0') ||
        !is_suffix(member + digits))
        return false;
    value = strtoul(member, NULL, 10);
    *rank = (unsigned)value;
    return value < RANKS_MAX;
}

int chain_name_rank(const char *member, unsigned *rank)
{
    return is_number(member, rank) || is_old(member, rank);
}

bool chain_name_is_part(const char *member, const struct image *img)
{
    unsigned rank;

    return chain_name_rank(member, &rank) && (rank || img->has_parent);
}

bool chain_name_is_surely_part(const char *member, const struct image *img)
{
    unsigned rank;

    return chain_name_is_part(member, img) &&
           (img->has_parent || !is_old(member, &rank));
}

/* --- one member -----------------------------------------------------------*/

static void identify(struct member *m, const struct image *img)
{
    const bool vhd = !strncmp(img->format, "vhd", 3);

    m->identity = !vhd ? ID_NONE : img->vhd ? ID_UUID : ID_LATER;
    if (img->vhd)
        m->uuid = img->vhd->footer.uuid;
    if (img->vhd && img->has_parent)
        m->parent = img->vhd->header.parent_uuid;
}

static int place_by_name(struct chain_roll *r, const char *member,
                         unsigned *rank, struct err *e)
{
    bool old = is_old(member, rank);

    if (!r->count)
        r->old_names = old;
    if ((!old && !is_number(member, rank)) || old != r->old_names)
        return err_set(e, ERR_CORRUPT,
                       "%s: member %s is not part of the chain: expected %s",
                       r->archive, member,
                       r->old_names ? "snap.vhd, image.vhd or base.vhd"
                                    : "0.vhd, 1.vhd, 2.vhd, ...");
    return 0;
}

static int came_twice(const struct chain_roll *r, const char *member,
                      const char *before, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: member %s is doubled: %s came before with its %s",
                   r->archive, member, before, what);
}

static int check_doubled(const struct chain_roll *r, unsigned rank,
                         const struct member *m, struct err *e)
{
    if (r->members[rank].came)
        return came_twice(r, m->name, r->members[rank].name, "number", e);
    for (unsigned i = 0; m->identity == ID_UUID && i < RANKS_MAX; i++)
        if (r->members[i].came && r->members[i].identity == ID_UUID &&
            uuid_equal(&r->members[i].uuid, &m->uuid))
            return came_twice(r, m->name, r->members[i].name, "uuid", e);
    return 0;
}

/* --- a member and those around it -----------------------------------------*/

static int not_its_parent(const struct chain_roll *r, const struct member *m,
                          const struct member *parent, struct err *e)
{
    char wanted[UUID_TEXT_SIZE], found[UUID_TEXT_SIZE];

    uuid_format(&m->parent, wanted);
    uuid_format(&parent->uuid, found);
    return err_set(e, ERR_CORRUPT,
                   "%s: member %s is not part of the chain: the parent of %s "
                   "is the disk %s, not %s",
                   r->archive, parent->name, m->name,
                   uuid_is_null(&m->parent) ? "without a uuid" : wanted,
                   parent->identity == ID_NONE ? "one without a uuid" : found);
}

static int check_link(const struct chain_roll *r, const struct member *m,
                      const struct member *parent, struct err *e)
{
    bool same;

    if (!m->has_parent)
        return err_set(e, ERR_CORRUPT,
                       "%s: member %s is not part of the chain: %s has no "
                       "parent",
                       r->archive, parent->name, m->name);
    if (parent->identity == ID_LATER)
        return 0;
    same = parent->identity == ID_NONE ? uuid_is_null(&m->parent)
                                       : uuid_equal(&m->parent, &parent->uuid);
    return same ? 0 : not_its_parent(r, m, parent, e);
}

static int check_sizes(const struct chain_roll *r, const struct member *m,
                       const struct member *parent, struct err *e)
{
    if (m->size >= parent->size)
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: member %s has %" PRIu64 " bytes, less than the %" PRIu64
                   " of %s below it; a chain that shrinks is not taken in one "
                   "pass: unpack it, and copy the leaf's file",
                   r->archive, m->name, m->size, parent->size, parent->name);
}

/* The next one up or down that came; NULL: none. With the old names a gap is
 * none. */
static const struct member *neighbour(const struct chain_roll *r, unsigned rank,
                                      int step)
{
    for (int i = (int)rank + step; i >= 0 && i < RANKS_MAX; i += step)
        if (r->members[i].came)
            return &r->members[i];
    return NULL;
}

/* Of `upper` towards the leaf and `lower` towards the base. Who is whose parent
 * is known of two that are next to each other. */
static int check_pair(const struct chain_roll *r, const struct member *upper,
                      const struct member *lower, struct err *e)
{
    if (!upper || !lower)
        return 0;
    if (!upper->has_parent || (!r->old_names && lower - upper == 1))
        TRY(check_link(r, upper, lower, e));
    return check_sizes(r, upper, lower, e);
}

static int add(struct chain_roll *r, const char *member, struct member *m,
               unsigned *rank, struct err *e)
{
    struct member *at;

    m->came = true;
    (void)snprintf(m->name, sizeof(m->name), "%s", member);
    TRY(place_by_name(r, m->name, rank, e));
    TRY(check_doubled(r, *rank, m, e));
    at = &r->members[*rank];
    *at = *m;
    r->count++;
    TRY(check_pair(r, neighbour(r, *rank, -1), at, e));
    return check_pair(r, at, neighbour(r, *rank, 1), e);
}

int chain_roll_add(struct chain_roll *r, const char *member,
                   const struct image *img, unsigned *rank, struct err *e)
{
    struct member m = {.size = img->size, .has_parent = img->has_parent};

    identify(&m, img);
    return add(r, member, &m, rank, e);
}

int chain_roll_add_read(struct chain_roll *r, const char *member,
                        const struct chain_member *m, unsigned *rank,
                        struct err *e)
{
    struct member own = {
        .size = m->size,
        .has_parent = m->has_parent,
        .identity = m->is_vhd ? ID_UUID : ID_NONE,
        .uuid = m->uuid,
        .parent = m->parent,
    };

    return add(r, member, &own, rank, e);
}

int chain_roll_end(struct chain_roll *r, unsigned rank, const struct image *img,
                   struct err *e)
{
    struct member *m = &r->members[rank];
    const struct member *child = neighbour(r, rank, -1);

    if (m->identity != ID_LATER)
        return 0;
    identify(m, img);
    return check_pair(r, child, m, e);
}

/* --- the end --------------------------------------------------------------*/

static int missing(const struct chain_roll *r, unsigned rank,
                   const struct member *child, struct err *e)
{
    char parent[UUID_TEXT_SIZE];

    if (!child)
        return err_set(e, ERR_CORRUPT,
                       "%s: member 0.vhd is missing: the archive has ended, "
                       "and the leaf of its chain did not come",
                       r->archive);
    uuid_format(&child->parent, parent);
    if (r->old_names)
        return err_set(e, ERR_CORRUPT,
                       "%s: the parent of %s, the disk %s, is missing: the "
                       "archive has ended",
                       r->archive, child->name, parent);
    return err_set(e, ERR_CORRUPT,
                   "%s: member %u.vhd is missing: the archive has ended, and "
                   "the parent of %s, the disk %s, did not come",
                   r->archive, rank, child->name, parent);
}

/* With the old names a member may be left out, so only at the end is it known
 * who stands next to whom. */
static int check_old(const struct chain_roll *r, struct err *e)
{
    const struct member *child = NULL;

    for (unsigned i = 0; i < OLD_NAMES; i++) {
        const struct member *m = &r->members[i];

        if (!m->came)
            continue;
        if (child)
            TRY(check_link(r, child, m, e));
        child = m;
    }
    return child && child->has_parent ? missing(r, 0, child, e) : 0;
}

static bool is_whole_alone(const struct chain_roll *r)
{
    for (unsigned i = 0; i < RANKS_MAX; i++)
        if (r->members[i].came)
            return r->count == 1 && !r->members[i].has_parent;
    return false;
}

int chain_roll_check(const struct chain_roll *r, struct err *e)
{
    const struct member *child = NULL;

    if (r->takes_alone && is_whole_alone(r))
        return 0;
    if (r->old_names)
        return check_old(r, e);
    for (unsigned i = 0; i < RANKS_MAX; i++) {
        if (!r->members[i].came)
            return missing(r, i, child, e);
        child = &r->members[i];
        if (!child->has_parent)
            return 0;
    }
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: a chain of more than %d disks; merge some first",
                   r->archive, RANKS_MAX);
}
