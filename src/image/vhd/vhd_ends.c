/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_ends.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "image/vhd/vhd_judge.h"
#include "image/vhd/vhd_table.h"

#include <inttypes.h>
#include <string.h>

/* Offsets of fields in a footer. */
enum { FEATURES = 8, DATA_OFFSET = 16, TIMESTAMP = 24, SIZE = 48, TYPE = 60 };
enum { SAVED_STATE = 84, HIDDEN = 85 };

static bool has_cookie(const struct vhd_end *end)
{
    return end->size && end->state != VHD_ALIEN;
}

static bool is_poisoned(const struct vhd_end *end)
{
    return has_cookie(end) && end->f.poisoned;
}

bool vhd_end_is_sound(const struct vhd_end *end)
{
    return end->size && end->state == VHD_INTACT && !end->f.poisoned;
}

static void end_decode(struct vhd_end *end, uint64_t at, uint32_t size)
{
    end->at = at;
    end->size = size;
    end->state = vhd_footer_decode(end->raw, &end->f);
}

void vhd_end_find_tail(struct vhd_end *tail, const uint8_t *last, size_t len,
                       uint64_t size)
{
    const size_t short_size = VHD_FOOTER_SIZE - 1;
    struct vhd_end other = {0};

    *tail = (struct vhd_end){0};
    if (len >= VHD_FOOTER_SIZE) {
        memcpy(tail->raw, last + len - VHD_FOOTER_SIZE, VHD_FOOTER_SIZE);
        end_decode(tail, size - VHD_FOOTER_SIZE, VHD_FOOTER_SIZE);
    }
    /* Before Virtual PC 2004 the last, always zero, byte was not written. */
    if (size % 512 != short_size || len < short_size || has_cookie(tail))
        return;
    memcpy(other.raw, last + len - short_size, short_size);
    end_decode(&other, size - short_size, (uint32_t)short_size);
    if (has_cookie(&other))
        *tail = other;
}

/* --- what is said of them -------------------------------------------------*/

static int find_poisoned(struct vhd_judge *j, const struct vhd_end *end,
                         struct err *e)
{
    if (!is_poisoned(end))
        return 0;
    return vhd_find(j, FOUND_POISONED, end->at, e,
                    "the footer's cookie is \"v_poison\": a resize was "
                    "interrupted; `vhd-util revert` with its journal mends it");
}

static int find_bad_sum(struct vhd_judge *j, enum vhd_finding_id id,
                        const struct vhd_end *end, const char *what,
                        struct err *e)
{
    return vhd_find(j, id, end->at + VHD_FOOTER_SUM, e,
                    "%s has the checksum 0x%08" PRIx32
                    ", its bytes sum up to 0x%08" PRIx32,
                    what, end->f.checksum,
                    vhd_checksum(end->raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM));
}

static int find_early_sum(struct vhd_judge *j, const struct vhd_end *end,
                          struct err *e)
{
    if (!end->f.sum_without_hidden)
        return 0;
    return vhd_find(j, FOUND_FOOTER_SUM_HIDDEN, end->at + VHD_FOOTER_SUM, e,
                    "the footer's checksum 0x%08" PRIx32
                    " is right with the hidden byte taken as 0, as early "
                    "td-util left it",
                    end->f.checksum);
}

static int find_tail_missing(struct vhd_judge *j, uint64_t size, struct err *e)
{
    return vhd_find(j, FOUND_TRAILING_FOOTER_MISSING, size, e,
                    "%s ends at byte %" PRIu64
                    " without a trailing footer: in use, crashed or cut",
                    j->stream ? "the stream" : "the file", size);
}

/* Time and state may differ with little harm. */
static bool is_state(size_t i)
{
    return (i >= FEATURES && i < FEATURES + 4) ||
           (i >= TIMESTAMP && i < TIMESTAMP + 4) ||
           (i >= VHD_FOOTER_SUM && i < VHD_FOOTER_SUM + 4) ||
           i == SAVED_STATE || i == HIDDEN;
}

static bool is_layout(size_t i)
{
    return (i >= DATA_OFFSET && i < DATA_OFFSET + 8) ||
           (i >= SIZE && i < SIZE + 8) || (i >= TYPE && i < TYPE + 4);
}

/* Both are sound: the first byte of each kind in which they differ. */
static int find_differences(struct vhd_judge *j, const struct vhd_end *copy,
                            const struct vhd_end *tail, struct err *e)
{
    size_t state = VHD_FOOTER_SIZE, serious = VHD_FOOTER_SIZE;
    size_t layout = VHD_FOOTER_SIZE;

    for (size_t i = VHD_FOOTER_SIZE; i-- > 0;) {
        if (copy->raw[i] == tail->raw[i])
            continue;
        if (is_state(i))
            state = i;
        else
            serious = i;
        if (is_layout(i))
            layout = i;
    }
    if (layout < VHD_FOOTER_SIZE)
        return vhd_find(
            j, FOUND_FOOTERS_CONFLICT, tail->at + layout, e,
            "the trailing footer says type %" PRIu32 ", %" PRIu64
            " bytes, header at %" PRIu64 "; the one at byte 0 type %" PRIu32
            ", %" PRIu64 " bytes, header at %" PRIu64,
            tail->f.type, tail->f.current_size, tail->f.data_offset,
            copy->f.type, copy->f.current_size, copy->f.data_offset);
    if (serious < VHD_FOOTER_SIZE)
        return vhd_find(j, FOUND_FOOTERS_DIFFER, tail->at + serious, e,
                        "the trailing footer and the one at byte 0 are both "
                        "sound and differ in byte %zu: 0x%02x, 0x%02x",
                        serious, tail->raw[serious], copy->raw[serious]);
    if (state < VHD_FOOTER_SIZE)
        return vhd_find(j, FOUND_FOOTERS_DIFFER_STATE, tail->at + state, e,
                        "the trailing footer and the one at byte 0 differ in "
                        "state or time, first in byte %zu: 0x%02x, 0x%02x",
                        state, tail->raw[state], copy->raw[state]);
    return 0;
}

static int find_short_tail(struct vhd_judge *j, const struct vhd_end *tail,
                           struct err *e)
{
    if (tail->size == VHD_FOOTER_SIZE)
        return 0;
    return vhd_find(j, FOUND_TRAILING_FOOTER_511, tail->at, e,
                    "the trailing footer has 511 bytes instead of 512, as "
                    "before Virtual PC 2004");
}

static int find_guest_head(struct vhd_judge *j, struct err *e)
{
    return vhd_find(j, FOUND_GUEST_VHD_HEAD, 0, e,
                    "the data of this fixed disk begins with a VHD's footer: "
                    "it belongs to the guest");
}

/* --- a file ---------------------------------------------------------------*/

static int read_ends(struct vhd_tape *t, struct vhd_head *h, struct err *e)
{
    uint64_t from = t->size - min_u64(t->size, VHD_FOOTER_SIZE);
    uint8_t last[VHD_FOOTER_SIZE];
    int64_t got;

    got = vhd_tape_read(t, last, sizeof(last), from, e);
    TRY(got);
    vhd_end_find_tail(&h->tail, last, (size_t)got, t->size);
    got = vhd_tape_read(t, h->copy.raw, sizeof(h->copy.raw), 0, e);
    TRY(got);
    if (got == VHD_FOOTER_SIZE)
        end_decode(&h->copy, 0, VHD_FOOTER_SIZE);
    return 0;
}

enum choice { NEITHER, COPY, TAIL };

/* Stores COPY, TAIL or NEITHER. */
static int choose(struct vhd_tape *t, const struct vhd_head *h,
                  enum choice *choice, struct err *e)
{
    const struct vhd_end *copy = &h->copy, *tail = &h->tail;
    int covered = 0;

    *choice = TAIL;
    if (!vhd_end_is_sound(tail)) {
        *choice = vhd_end_is_sound(copy) && copy->f.type != VHD_FIXED ? COPY
                                                                      : NEITHER;
        return 0;
    }
    if (!vhd_end_is_sound(copy) || uuid_equal(&copy->f.uuid, &tail->f.uuid) ||
        (tail->f.type == VHD_FIXED && tail->f.current_size == tail->at))
        return 0;
    covered = vhd_table_covers_by(t, &copy->f, t->size - 1, e);
    TRY(covered);
    if (covered)
        *choice = COPY;
    return 0;
}

/* No sound footer at either end. */
static int find_none(struct vhd_judge *j, const struct vhd_head *h,
                     struct err *e)
{
    bool copy = has_cookie(&h->copy) && !vhd_end_is_sound(&h->copy);
    bool tail = has_cookie(&h->tail) && !vhd_end_is_sound(&h->tail);

    if (!copy && !tail)
        return vhd_find(j, FOUND_NOT_A_VHD, 0, e,
                        "not a VHD: a fixed disk's footer (\"conectix\") at "
                        "byte 0, and none at the end");
    if (tail && h->tail.at)
        TRY(find_bad_sum(j, FOUND_FOOTER_CHECKSUM, &h->tail,
                         "the trailing footer", e));
    if (copy)
        TRY(find_bad_sum(j, FOUND_FOOTER_CHECKSUM, &h->copy,
                         "the footer at byte 0", e));
    return 0;
}

static int judge_lone_copy(struct vhd_judge *j, struct vhd_head *h,
                           uint64_t size, struct err *e)
{
    h->has_footer = true;
    h->footer = h->copy.f;
    h->footer_at = 0;
    h->limit = size;
    TRY(find_early_sum(j, &h->copy, e));
    /* A sound footer that was not chosen is a sector of the guest's. */
    if (vhd_end_is_sound(&h->tail) || !has_cookie(&h->tail))
        return find_tail_missing(j, size, e);
    h->limit = h->tail.at;
    return find_bad_sum(j, FOUND_TRAILING_FOOTER_CHECKSUM, &h->tail,
                        "the trailing footer", e);
}

static int judge_copy_beside_tail(struct vhd_judge *j, const struct vhd_head *h,
                                  struct err *e)
{
    const struct vhd_end *copy = &h->copy, *tail = &h->tail;

    if (tail->f.type == VHD_FIXED &&
        (tail->f.current_size <= tail->at || !vhd_end_is_sound(copy)))
        return vhd_end_is_sound(copy) && tail->at ? find_guest_head(j, e) : 0;
    if (vhd_end_is_sound(copy))
        return find_differences(j, copy, tail, e);
    if (has_cookie(copy))
        return find_bad_sum(j, FOUND_FOOTER_COPY_CHECKSUM, copy,
                            "the footer at byte 0", e);
    return vhd_find(j, FOUND_FOOTER_COPY_MISSING, 0, e,
                    "no footer (\"conectix\") at byte 0; the trailing one is "
                    "used");
}

static int judge_tail_first(struct vhd_judge *j, struct vhd_head *h,
                            struct err *e)
{
    h->has_footer = true;
    h->footer = h->tail.f;
    h->footer_at = h->tail.at;
    h->footer_size = h->tail.size;
    h->limit = h->tail.at;
    TRY(find_early_sum(j, &h->tail, e));
    TRY(find_short_tail(j, &h->tail, e));
    return judge_copy_beside_tail(j, h, e);
}

int vhd_ends_judge(struct vhd_tape *t, struct vhd_judge *j, struct vhd_head *h,
                   struct err *e)
{
    enum choice choice;

    TRY(read_ends(t, h, e));
    if (!h->copy.size)
        return vhd_find(j, FOUND_NOT_A_VHD, 0, e,
                        "not a VHD: %" PRIu64
                        " bytes are less than a footer's 512",
                        t->size);
    if (!has_cookie(&h->copy) && !has_cookie(&h->tail))
        return vhd_find(j, FOUND_NOT_A_VHD, 0, e,
                        "not a VHD: no footer (\"conectix\") at byte 0, nor at "
                        "the end");
    if (is_poisoned(&h->copy) || is_poisoned(&h->tail)) {
        TRY(find_poisoned(j, &h->copy, e));
        return h->tail.at ? find_poisoned(j, &h->tail, e) : 0;
    }
    TRY(choose(t, h, &choice, e));
    if (choice == NEITHER)
        return find_none(j, h, e);
    if (choice == COPY)
        TRY(judge_lone_copy(j, h, t->size, e));
    else
        TRY(judge_tail_first(j, h, e));
    return 1;
}

int vhd_ends_judge_fixed(struct vhd_judge *j, struct vhd_head *h, struct err *e)
{
    if (!has_cookie(&h->tail))
        return vhd_find(j, FOUND_NOT_A_VHD, 0, e,
                        "not a VHD: no footer (\"conectix\") at byte 0, nor at "
                        "the end");
    if (is_poisoned(&h->tail))
        return find_poisoned(j, &h->tail, e);
    if (!vhd_end_is_sound(&h->tail))
        return find_bad_sum(j, FOUND_FOOTER_CHECKSUM, &h->tail,
                            "the trailing footer", e);
    TRY(judge_tail_first(j, h, e));
    h->size = h->footer.current_size;
    return vhd_judge_footer(j, h, e);
}

/* --- a stream -------------------------------------------------------------*/

int vhd_ends_judge_first(struct vhd_tape *t, struct vhd_judge *j,
                         struct vhd_head *h, struct err *e)
{
    int64_t got = vhd_tape_read(t, h->copy.raw, sizeof(h->copy.raw), 0, e);

    TRY(got);
    h->limit = VHD_SIZE_UNKNOWN;
    if (got < VHD_FOOTER_SIZE)
        return vhd_find(
            j, FOUND_NOT_A_VHD, 0, e,
            "not a VHD: %" PRId64 " bytes are less than a footer's 512", got);
    end_decode(&h->copy, 0, VHD_FOOTER_SIZE);
    if (is_poisoned(&h->copy))
        return find_poisoned(j, &h->copy, e);
    if (!has_cookie(&h->copy))
        return vhd_find(j, FOUND_FOOTER_COPY_MISSING, 0, e,
                        "no footer (\"conectix\") at byte 0: no VHD, a fixed "
                        "one, or one that lost it; a file could be looked at "
                        "from its end");
    if (!vhd_end_is_sound(&h->copy))
        return find_bad_sum(j, FOUND_FOOTER_COPY_CHECKSUM, &h->copy,
                            "the footer at byte 0", e);
    h->has_footer = true;
    h->footer = h->copy.f;
    TRY(find_early_sum(j, &h->copy, e));
    return 1;
}

/* There was no footer at byte 0: what the end has to say to that. */
static int judge_last_alone(struct vhd_judge *j, const struct vhd_end *tail,
                            struct err *e)
{
    if (vhd_end_is_sound(tail) && tail->f.type == VHD_FIXED)
        return vhd_find(j, FOUND_PIPE_FIXED, 0, e,
                        "a fixed VHD: where its data ends is not known from "
                        "its beginning; give its length with --size, or start "
                        "from a file");
    if (!has_cookie(tail))
        return vhd_find(j, FOUND_NOT_A_VHD, 0, e,
                        "not a VHD: no footer (\"conectix\") at byte 0, nor at "
                        "the end");
    return 0;
}

static int judge_last_beside_first(struct vhd_judge *j, struct vhd_head *h,
                                   struct err *e)
{
    const struct vhd_end *tail = &h->tail;

    h->footer_size = tail->size;
    TRY(find_short_tail(j, tail, e));
    if (tail->f.type == VHD_FIXED && tail->f.current_size <= tail->at)
        return find_guest_head(j, e);
    TRY(find_differences(j, &h->copy, tail, e));
    return vhd_judge_last_footer(j, &h->copy, tail, e);
}

int vhd_ends_judge_last(struct vhd_tape *t, struct vhd_judge *j,
                        struct vhd_head *h, struct err *e)
{
    struct vhd_end *tail = &h->tail;

    vhd_end_find_tail(tail, t->last, t->last_len, t->size);
    h->limit = t->size;
    if (!h->copy.size || is_poisoned(&h->copy))
        return 0;
    if (!has_cookie(&h->copy))
        return judge_last_alone(j, tail, e);
    if (!vhd_end_is_sound(&h->copy))
        return 0;
    if (has_cookie(tail) && !(vhd_end_is_sound(tail) &&
                              !uuid_equal(&tail->f.uuid, &h->footer.uuid) &&
                              vhd_table_covers(h, t->size - 1)))
        h->limit = tail->at;
    if (h->limit == t->size)
        return find_tail_missing(j, t->size, e);
    if (is_poisoned(tail))
        return find_poisoned(j, tail, e);
    if (!vhd_end_is_sound(tail))
        return find_bad_sum(j, FOUND_TRAILING_FOOTER_CHECKSUM, tail,
                            "the trailing footer", e);
    return judge_last_beside_first(j, h, e);
}
