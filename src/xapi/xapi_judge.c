/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- words -----------------------------------------------------------------*/

static int add_unit(char out[XAPI_SPAN_SIZE], int at, uint64_t count,
                    const char *name)
{
    int len =
        snprintf(out + at, (size_t)(XAPI_SPAN_SIZE - at), "%s%" PRIu64 " %s%s",
                 at ? " " : "", count, name, count == 1 ? "" : "s");

    return at + len;
}

const char *xapi_span(uint64_t seconds, char out[XAPI_SPAN_SIZE])
{
    static const char *const names[] = {"week", "day", "hour", "minute",
                                        "second"};
    const uint64_t counts[] = {seconds / 604800, seconds / 86400 % 7,
                               seconds / 3600 % 24, seconds / 60 % 60,
                               seconds % 60};
    int first = 0, at;

    while (first < 4 && !counts[first])
        first++;
    at = add_unit(out, 0, counts[first], names[first]);
    if (first < 4 && counts[first + 1])
        (void)add_unit(out, at, counts[first + 1], names[first + 1]);
    return out;
}

static bool spare(char why[XAPI_WHY_SIZE], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool spare(char why[XAPI_WHY_SIZE], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, XAPI_WHY_SIZE, fmt, args);
    va_end(args);
    return false;
}

/* --- judging ---------------------------------------------------------------*/

/* Copies and snapshots inherit other_config, so marks alone do not say that a
 * run has made the thing. */
static bool is_made_by_run(const struct xapi_case *c, char why[XAPI_WHY_SIZE])
{
    if (c->flaw)
        return spare(why, "its marks are not those of a run: %s", c->flaw);
    if (c->maker.kind != c->kind)
        return spare(why,
                     "it is a %s with the marks of a %s, so somebody else made "
                     "it from that",
                     xapi_making_name(c->kind),
                     xapi_making_name(c->maker.kind));
    if (c->twins)
        return spare(why,
                     "%u more %s the same " XAPI_MARK_DISK
                     ", so somebody has made copies of it",
                     c->twins, c->twins == 1 ? "has" : "have");
    return true;
}

static bool is_unused(const struct xapi_case *c, char why[XAPI_WHY_SIZE])
{
    if (c->plugged)
        return spare(why, "it is plugged");
    if (c->in_vm)
        return spare(why, "it is a disk of a VM");
    if (c->pending)
        return spare(why,
                     c->kind == XAPI_MADE_TASK
                         ? "it is pending (XAPI ends it a day after its start)"
                         : "a task of its run is pending");
    return true;
}

/* Times that lie ahead say nothing of an age. */
static bool is_dead(const struct xapi_case *c, char why[XAPI_WHY_SIZE])
{
    const struct xapi_maker *m = &c->maker;
    char span[XAPI_SPAN_SIZE];

    if (m->heartbeat > c->now + XAPI_LIVE_S || m->start > c->now + XAPI_LIVE_S)
        return spare(
            why, "its marks are %s ahead of the clock, which was set back",
            xapi_span((uint64_t)(m->heartbeat > m->start ? m->heartbeat - c->now
                                                         : m->start - c->now),
                      span));
    if (m->heartbeat > c->now - XAPI_LIVE_S)
        return spare(why, "its run is alive: its heartbeat is %s old",
                     xapi_span(m->heartbeat < c->now
                                   ? (uint64_t)(c->now - m->heartbeat)
                                   : 0,
                               span));
    return true;
}

static bool is_wanted(const struct xapi_case *c, char why[XAPI_WHY_SIZE])
{
    int64_t age = c->now - c->maker.start;
    char span[XAPI_SPAN_SIZE];

    if (*c->maker.state && !c->force)
        return spare(why,
                     "it was kept for --resume, by the state file %s "
                     "(--force removes it)",
                     c->maker.state);
    if (age < 0 || (uint64_t)age < c->older_than_s)
        return spare(why, "it is younger than %s",
                     xapi_span(c->older_than_s, span));
    return true;
}

bool xapi_judge(const struct xapi_case *c, char why[XAPI_WHY_SIZE])
{
    why[0] = '\0';
    return is_made_by_run(c, why) && is_unused(c, why) && is_dead(c, why) &&
           is_wanted(c, why);
}
