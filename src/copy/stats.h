/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STATS_H
#define VHDSTREAM_STATS_H

/* What --stats tells: how long each stage of a copy was at work, and which of
 * them bounds it. */

#include "base/stage.h"

#include <jansson.h>
#include <stdbool.h>

enum stats_stage {
    STAGE_SOURCE,   /* reading the place */
    STAGE_INFLATE,  /* taking compression off */
    STAGE_DECODE,   /* tar, tables, blocks of the input */
    STAGE_HASH,     /* the digest */
    STAGE_ENCODE,   /* blocks and tables of the output */
    STAGE_COMPRESS, /* of the output */
    STAGE_SINK,     /* writing to the place, and its verdict */
    STAGE_LIMIT,    /* sleeping for --limit-rate */
    NSTAGES,
};

enum { STATS_TEXT = 256 };

struct stats {
    double seconds;   /* of the whole */
    unsigned threads; /* of the pool; 0: one thread did everything */
    struct {
        double busy;    /* seconds, of all threads of the stage */
        bool is_pooled; /* the pool's threads took part */
    } of[NSTAGES];
};

/* `stages` has NSTAGES, which nobody works for any more. */
void stats_take(struct stats *s, const struct stage *stages, double seconds,
                unsigned threads);

/* The name in the result. */
const char *stats_name(enum stats_stage which);

/* Threads that the stage had, at least 1; and the seconds that they were not at
 * work: they waited for the stages before and after it. */
unsigned stats_threads(const struct stats *s, enum stats_stage which);
double stats_waited(const struct stats *s, enum stats_stage which);

/* The stage that was at work for the largest share of what it could have been.
 * Stages on the pool share its threads: the larger one stands for all. */
enum stats_stage stats_bound(const struct stats *s);

/* One sentence that names it. */
void stats_sentence(const struct stats *s, char text[STATS_TEXT]);

/* Adds "stages", "bound_by" and "bound" to a result. */
void stats_report(const struct stats *s, json_t *result);

#endif
