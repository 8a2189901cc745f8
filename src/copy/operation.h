/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_OPERATION_H
#define VHDSTREAM_OPERATION_H

/* What a `struct vhdstream` is inside: the options, and the state of the
 * operation that runs. */

#include "base/notice.h"
#include "base/pool.h"
#include "base/rate.h"
#include "base/retry.h"
#include "base/wait.h"
#include "copy/options.h"
#include "copy/stats.h"
#include "image/encoder.h"
#include "io/http.h"
#include "vhdstream.h"

#include <jansson.h>

struct store_side;
struct many;

struct vhdstream {
    struct options opt;
    struct cancel *cancel; /* by the user */
    struct notice notice;
    int (*judge)(void *ctx, const struct vhdstream_certificate *c);
    void *judge_ctx; /* for certificates; judge NULL: nobody is asked */
    vhdstream_progress_fn *teller; /* NULL: nobody listens */
    void *teller_ctx;
    struct ticker *ticker;
    source_caller_fn *reader; /* of a place "caller:"; or NULL */
    void *reader_ctx;
    sink_caller_fn *writer;
    void *writer_ctx;
    vhdstream_size_fn *sizer; /* NULL: nobody listens */
    void *sizer_ctx;
    struct progress progress;
    struct cancel *halt; /* by the user, or since something failed */
    struct wait wait;    /* on halt: what all parts wait with */
    struct retry retry;  /* what is left of the tries */
    bool verify; /* the copy is read back: the user wants it, or it was gone on
                    with after a break */
    struct http_config http[2];   /* of source and destination */
    struct store_side *store[2];  /* of either, NULL until it is asked for */
    struct pool *pool;            /* NULL until it is asked for */
    struct rate rate;             /* of --limit-rate */
    struct rate *rate_in;         /* it, where the source's bytes count ... */
    struct rate *rate_out;        /* ... or the destination's; else NULL */
    struct stage stages[NSTAGES]; /* with --stats: their times */
    struct vhdstream *whole; /* that this copy is a part of (many.h); or NULL */
    struct many *_Atomic many; /* of the last vhdstream_copy_many; or NULL */
    struct err err;            /* the last failure */
    char *result;              /* JSON of the last success, or NULL */
};

enum { SIDE_SRC, SIDE_DST };

/* Has the operation's threads ready in v->pool, which compress and hash; they
 * end with it. */
int operation_pool(struct vhdstream *v, struct err *e);

/* What is to be charged with the time of a stage; NULL without --stats. */
struct stage *operation_stage(struct vhdstream *v, enum stats_stage which);

/* Has --limit-rate count at the destination (which the verbs that have none do
 * not call). */
void operation_limit_output(struct vhdstream *v);

/* The verbs (copy.c, info.c ...): 0 and *result, or the failure. */
int copy_run(struct vhdstream *v, const char *source, const char *destination,
             json_t **result, struct err *e);
/* The same for a delta that is laid over `nstack` disks, files that are named
 * by stack[], the nearest first. */
int copy_over_run(struct vhdstream *v, const char *const *stack,
                  unsigned nstack, const char *source, const char *destination,
                  json_t **result, struct err *e);

/* places[]: the base, the deltas in their order, the destination. */
int merge_run(struct vhdstream *v, const char *const *places, unsigned count,
              json_t **result, struct err *e);
int info_run(struct vhdstream *v, const char *place, json_t **result,
             struct err *e);
int digest_run(struct vhdstream *v, const char *place, json_t **result,
               struct err *e);
int map_run(struct vhdstream *v, const char *place, vhdstream_extent_fn *take,
            void *ctx, json_t **result, struct err *e);
int compare_run(struct vhdstream *v, const char *a, const char *b,
                json_t **result, struct err *e);

/* clean_run.c: *result is set also where something failed after the login. */
int clean_run(struct vhdstream *v, const char *place, json_t **result,
              struct err *e);

/* check.c, repair.c: as the others; but *result is set also where the failure
 * is that there are errors in the disk. */
int check_run(struct vhdstream *v, const char *place, json_t **result,
              struct err *e);
int repair_run(struct vhdstream *v, const char *file, json_t **result,
               struct err *e);

#endif
