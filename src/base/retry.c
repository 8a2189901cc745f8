/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/retry.h"

static unsigned pause_s(const struct retry *r)
{
    unsigned most =
        r->delay_s < RETRY_DELAY_MAX_S ? RETRY_DELAY_MAX_S : r->delay_s;
    unsigned used = r->used, doublings = used < 6 ? used : 6;
    unsigned seconds = r->delay_s << doublings;

    return seconds < most ? seconds : most;
}

int retry_pause(struct retry *r, struct err *e)
{
    unsigned seconds, used = r->used;
    struct err failure = *e;

    if (e->code != ERR_TEMPORARY || !r->max || used > r->max)
        return e->code;
    seconds = pause_s(r);
    r->used = ++used;
    /* Past the last one: who is asked above it has nothing to add. */
    if (used > r->max)
        return err_append(e, "; tried %u times", used);
    notice_say(r->notice, "%s; trying again in %u s (%u of %u)", failure.text,
               seconds, used, r->max);
    *e = (struct err){0};
    return wait_sleep(r->wait, seconds * 1000, e);
}

void retry_progress(struct retry *r)
{
    r->used = 0;
}
