/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_AUTO_LEVEL_H
#define VHDSTREAM_AUTO_LEVEL_H

/*
 * A level for each chunk, as dense as the slowest stage beside the compressor
 * leaves time for. The queue of chunks tells, and no clock: who has to wait for
 * a chunk to become free is held up by the compressor, which is then asked for
 * less; while a thread has nothing to do, the others are slower, and it is
 * asked for more.
 *
 * What a step costs is seen only when its chunks come to the front, and one
 * that is too dense holds up everybody. So a step up is taken after a whole
 * round of calm; and each time that it turns out to be one too many, the next
 * try waits twice as long.
 */

#include <stdbool.h>

enum { AUTO_LEVEL_STEPS = 5, AUTO_LEVEL_NOBODY = -1 };

/* Levels of deflate_chunk.h, from fast to dense. */
extern const int auto_levels[AUTO_LEVEL_STEPS];

struct auto_level {
    unsigned threads;  /* that deflate */
    unsigned slots;    /* chunks that can be on their way */
    unsigned step;     /* of auto_levels */
    unsigned calm;     /* chunks since the last change with an idle thread */
    unsigned patience; /* rounds of calm before the next step up */
    bool rose;         /* the last change was a step up */
};

/* Begins at the default level. */
void auto_level_init(struct auto_level *a, unsigned threads, unsigned slots);

/* The step for the next chunk. `waited_for`: the step of the chunk that its
 * maker had to wait for, or AUTO_LEVEL_NOBODY; `busy` chunks are with the
 * threads, or wait for one. */
unsigned auto_level_next(struct auto_level *a, int waited_for, unsigned busy);

#endif
