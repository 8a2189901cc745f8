/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/leaf_record.h"

#include "base/checked.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* `count` leaves of the same hash. */
struct leaf_run {
    uint64_t count;
    struct leaf_hash hash;
};

struct leaf_record {
    struct leaf_run *runs; /* NULL: none yet, or forgotten */
    size_t nruns, room, most;
    bool forgotten;
    /* Of matching: the run, how much of it has been matched, and the leaf. */
    const char *name;
    size_t at;
    uint64_t used;
    uint64_t leaf;
};

enum { ROOM_MIN = 256 };

int leaf_record_open(struct leaf_record **out, size_t budget, struct err *e)
{
    struct leaf_record *r = NULL;

    TRY(mem_alloc(&r, sizeof(*r), "a record of hashes", e));
    r->most = budget / sizeof(struct leaf_run);
    r->name = "the copy";
    *out = r;
    return 0;
}

void leaf_record_close(struct leaf_record *r)
{
    if (!r)
        return;
    free(r->runs);
    free(r);
}

void leaf_record_begin(struct leaf_record *r, const char *name)
{
    r->name = name;
    r->at = 0;
    r->used = r->leaf = 0;
}

static void forget(struct leaf_record *r)
{
    free(r->runs);
    r->runs = NULL;
    r->nruns = 0;
    r->forgotten = true;
}

/* Room for one more; or, past the budget, for none. */
static int make_room(struct leaf_record *r, struct err *e)
{
    struct leaf_run *more;
    size_t room = r->room ? 2 * r->room : ROOM_MIN;

    if (r->nruns < r->room)
        return 0;
    if (room > r->most)
        room = r->most;
    if (room <= r->room) {
        forget(r);
        return 0;
    }
    TRY(mem_alloc_array(&more, room, sizeof(*more), "hashes", e));
    if (r->runs)
        memcpy(more, r->runs, r->nruns * sizeof(*more));
    free(r->runs);
    r->runs = more;
    r->room = room;
    return 0;
}

static int append(struct leaf_record *r, const struct leaf_hash *hash,
                  uint64_t count, struct err *e)
{
    struct leaf_run *last = r->nruns ? &r->runs[r->nruns - 1] : NULL;

    if (last && leaf_hash_equal(&last->hash, hash)) {
        last->count += count;
        return 0;
    }
    TRY(make_room(r, e));
    if (r->runs)
        r->runs[r->nruns++] = (struct leaf_run){count, *hash};
    return 0;
}

int leaf_record_add(void *ctx, const struct leaf_hash *hash, uint64_t count,
                    struct err *e)
{
    struct leaf_record *r = ctx;

    if (!hash)
        return r->forgotten ? 0 : append(r, &leaf_hash_of_zeros, count, e);
    for (uint64_t i = 0; i < count && !r->forgotten; i++)
        TRY(append(r, &hash[i], 1, e));
    return 0;
}

/* --- matching -------------------------------------------------------------*/

static int differs(const struct leaf_record *r, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: what is read back is not what was written: they differ "
                   "in the 64 KiB from byte %" PRIu64
                   " of the disk, and not before",
                   r->name, r->leaf * LEAF_SIZE);
}

static int match(struct leaf_record *r, const struct leaf_hash *hash,
                 uint64_t count, struct err *e)
{
    while (count) {
        const struct leaf_run *run = r->at < r->nruns ? &r->runs[r->at] : NULL;
        uint64_t now;

        if (!run || !leaf_hash_equal(&run->hash, hash))
            return differs(r, e);
        now = min_u64(count, run->count - r->used);
        count -= now;
        r->leaf += now;
        r->used += now;
        if (r->used < run->count)
            continue;
        r->at++;
        r->used = 0;
    }
    return 0;
}

int leaf_record_match(void *ctx, const struct leaf_hash *hash, uint64_t count,
                      struct err *e)
{
    struct leaf_record *r = ctx;

    if (r->forgotten)
        return 0;
    if (!hash)
        return match(r, &leaf_hash_of_zeros, count, e);
    for (uint64_t i = 0; i < count; i++)
        TRY(match(r, &hash[i], 1, e));
    return 0;
}
