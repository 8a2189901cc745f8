/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/stats.h"

#include <stdio.h>

static const struct {
    const char *name, *words, *advice;
} words[NSTAGES] = {
    [STAGE_SOURCE] = {"source", "the source", ""},
    [STAGE_INFLATE] = {"inflate", "decompression", ""},
    [STAGE_DECODE] = {"decode", "decoding", ""},
    [STAGE_HASH] = {"hash", "the digest", ""},
    [STAGE_ENCODE] = {"encode", "encoding", ""},
    [STAGE_COMPRESS] = {"compress", "compression",
                        "; a lower --level or more --threads make it faster"},
    [STAGE_SINK] = {"sink", "the destination", ""},
    [STAGE_LIMIT] = {"limit", "--limit-rate", ""},
};

const char *stats_name(enum stats_stage which)
{
    return words[which].name;
}

void stats_take(struct stats *s, const struct stage *stages, double seconds,
                unsigned threads)
{
    *s = (struct stats){.seconds = seconds, .threads = threads};
    for (int i = 0; i < NSTAGES; i++) {
        s->of[i].busy = (double)atomic_load(&stages[i].busy_ns) / 1e9;
        s->of[i].is_pooled = threads && atomic_load(&stages[i].pooled);
    }
}

unsigned stats_threads(const struct stats *s, enum stats_stage which)
{
    return s->of[which].is_pooled ? s->threads : 1;
}

double stats_waited(const struct stats *s, enum stats_stage which)
{
    double waited = s->seconds * stats_threads(s, which) - s->of[which].busy;

    /* Beside the pool's threads one more may have worked for it. */
    return waited > 0 ? waited : 0;
}

/* Of the time that the stage's threads had. */
static double share(const struct stats *s, double busy, unsigned threads)
{
    double could = s->seconds * threads;
    double part = could > 0 ? busy / could : 0;

    return part < 1 ? part : 1;
}

/* Of the pool's time: all that ran on it. */
static double pool_share(const struct stats *s)
{
    double busy = 0;

    for (int i = 0; i < NSTAGES; i++)
        if (s->of[i].is_pooled)
            busy += s->of[i].busy;
    return share(s, busy, s->threads);
}

static double share_of(const struct stats *s, enum stats_stage which)
{
    return s->of[which].is_pooled ? pool_share(s)
                                  : share(s, s->of[which].busy, 1);
}

enum stats_stage stats_bound(const struct stats *s)
{
    enum stats_stage most = STAGE_SOURCE;

    for (enum stats_stage i = STAGE_INFLATE; i < NSTAGES; i++) {
        double here = share_of(s, i), there = share_of(s, most);
        bool both_pooled = s->of[i].is_pooled && s->of[most].is_pooled;

        if (here > there || (both_pooled && s->of[i].busy > s->of[most].busy))
            most = i;
    }
    return most;
}

void stats_sentence(const struct stats *s, char text[STATS_TEXT])
{
    enum stats_stage which = stats_bound(s);
    double percent = 100 * share_of(s, which);

    if (!s->threads)
        (void)snprintf(text, STATS_TEXT,
                       "one thread does everything (--threads 0); most of its "
                       "time, %.0f %%, goes into %s",
                       percent, words[which].words);
    else if (percent < 50)
        (void)snprintf(text, STATS_TEXT,
                       "no stage bounds the transfer: the busiest is %s, at "
                       "work %.0f %% of the time",
                       words[which].words, percent);
    else
        (void)snprintf(text, STATS_TEXT,
                       "%s bounds the transfer: at work %.0f %% of the time%s",
                       words[which].words, percent, words[which].advice);
}

void stats_report(const struct stats *s, json_t *result)
{
    json_t *stages = json_object();
    char text[STATS_TEXT];

    for (enum stats_stage i = STAGE_SOURCE; i < NSTAGES; i++)
        json_object_set_new(stages, stats_name(i),
                            json_pack("{s:f, s:f, s:i}", "busy", s->of[i].busy,
                                      "waited", stats_waited(s, i), "threads",
                                      (int)stats_threads(s, i)));
    stats_sentence(s, text);
    json_object_set_new(result, "stages", stages);
    json_object_set_new(result, "bound_by",
                        json_string(stats_name(stats_bound(s))));
    json_object_set_new(result, "bound", json_string(text));
}
