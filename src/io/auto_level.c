/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/auto_level.h"

enum { START = 1, PATIENCE_MAX = 64 };

const int auto_levels[AUTO_LEVEL_STEPS] = {1, 2, 4, 6, 9};

void auto_level_init(struct auto_level *a, unsigned threads, unsigned slots)
{
    *a = (struct auto_level){
        .threads = threads, .slots = slots, .step = START, .patience = 1};
}

/* Of a step that was left already, chunks may still be on their way. */
static void step_down(struct auto_level *a, unsigned waited_for)
{
    a->calm = 0;
    if (waited_for != a->step)
        return;
    a->step = waited_for ? waited_for - 1 : 0;
    a->rose = false;
    if (a->patience < PATIENCE_MAX)
        a->patience *= 2;
}

static void step_up(struct auto_level *a)
{
    a->calm = 0;
    if (a->step + 1 < AUTO_LEVEL_STEPS)
        a->step++;
    if (a->rose && a->patience > 1)
        a->patience /= 2;
    a->rose = true;
}

unsigned auto_level_next(struct auto_level *a, int waited_for, unsigned busy)
{
    if (waited_for != AUTO_LEVEL_NOBODY)
        step_down(a, (unsigned)waited_for);
    else if (busy < a->threads && ++a->calm >= a->patience * a->slots)
        step_up(a);
    return a->step;
}
