/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/stage.h"

#include <stddef.h>
#include <time.h>

static _Thread_local struct stage *running;
static _Thread_local uint64_t since; /* of it */

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct stage *stage_enter(struct stage *s)
{
    struct stage *before = running;
    uint64_t now;

    if (before == s)
        return before;
    now = clock_ns();
    if (before)
        atomic_fetch_add_explicit(&before->busy_ns, now - since,
                                  memory_order_relaxed);
    running = s;
    since = now;
    return before;
}

void stage_leave(struct stage *before)
{
    (void)stage_enter(before);
}

struct stage *stage_enter_if(struct stage *s)
{
    return s ? stage_enter(s) : running;
}

struct stage *stage_running(void)
{
    return running;
}
