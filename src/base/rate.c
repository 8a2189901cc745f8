/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/rate.h"

#include "base/checked.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_A_SECOND = 8, PIECE_MAX = 256 * 1024 };

static const double credit_s = 0.25; /* that a pause is good for, at most */

bool rate_parse(const char *text, uint64_t *per_s)
{
    static const char suffixes[] = "bBkKmMgGtT";
    unsigned long long number;
    const char *suffix;
    char *end;
    int shift;

    errno = 0;
    number = strtoull(text, &end, 10);
    suffix = *end ? strchr(suffixes, *end) : suffixes;
    if (text[0] < '0' || text[0] > '9' || errno || !suffix || (*end && end[1]))
        return false;
    shift = (int)(suffix - suffixes) / 2 * 10;
    if (!number || number > (unsigned long long)INT64_MAX >> shift)
        return false;
    *per_s = (uint64_t)number << shift;
    return true;
}

void rate_init(struct rate *r, uint64_t per_s, const struct wait *wait)
{
    uint64_t piece = min_u64(per_s / PIECES_A_SECOND, PIECE_MAX);

    *r = (struct rate){
        .per_s = per_s,
        .piece = piece ? (size_t)piece : 1,
        .wait = wait,
        .now = wait_now,
        .sleep = wait_sleep,
    };
    pthread_mutex_init(&r->lock, NULL);
}

void rate_end(struct rate *r)
{
    pthread_mutex_destroy(&r->lock);
}

size_t rate_piece(const struct rate *r, size_t len)
{
    return r && len > r->piece ? r->piece : len;
}

/* Takes the next len / per_s seconds; how long it is until they are over. */
static double reserve(struct rate *r, size_t len)
{
    double now, left;

    pthread_mutex_lock(&r->lock);
    now = r->now();
    if (r->free_at <= 0)
        r->free_at = now; /* no credit at the start */
    else if (r->free_at < now - credit_s)
        r->free_at = now - credit_s;
    r->free_at += (double)len / (double)r->per_s;
    left = r->free_at - now;
    pthread_mutex_unlock(&r->lock);
    return left;
}

int rate_pay(struct rate *r, size_t len, struct err *e)
{
    struct stage *before;
    double ms;
    int code;

    if (!r)
        return 0;
    ms = reserve(r, len) * 1000;
    /* What is shorter than the clock's step is paid with the next piece. */
    if (ms < 1)
        return 0;
    before = stage_enter_if(r->stage);
    code = r->sleep(r->wait, ms < INT_MAX ? (unsigned)ms + 1 : INT_MAX, e);
    stage_leave(before);
    return code;
}
