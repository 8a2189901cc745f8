/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_MARKS_H
#define VHDSTREAM_XAPI_MARKS_H

/*
 * What a run makes in a pool carries its marks in other_config until it is
 * complete. The one that decides is XAPI_MARK_RUN: where it is, a disk is not
 * whole. All times are the pool's (xapi_clock.h).
 */

#include "base/uuid.h"
#include "xapi/xapi_clock.h"
#include "xapi/xapi_json.h"

#define XAPI_MARK_RUN     "vhdstream:run"     /* uuid of the run */
#define XAPI_MARK_DISK    "vhdstream:disk"    /* uuid of this one making */
#define XAPI_MARK_KIND    "vhdstream:kind"    /* "disk", "snapshot", "task" */
#define XAPI_MARK_PROGRAM "vhdstream:program" /* name and version */
#define XAPI_MARK_HOST    "vhdstream:host"    /* name of the machine it is on */
#define XAPI_MARK_START   "vhdstream:start"   /* 2026-08-21T02:00:23Z */

/* When the run was last known to live. It is renewed in turns under one key and
 * the other, since XAPI replaces no value: so there always is one. */
#define XAPI_MARK_HEARTBEAT  "vhdstream:heartbeat"
#define XAPI_MARK_HEARTBEAT2 "vhdstream:heartbeat2"

/* The disk belongs to a run that can be resumed: the name of its state file. */
#define XAPI_MARK_STATE "vhdstream:state"

enum xapi_making {
    XAPI_MADE_DISK,
    XAPI_MADE_SNAPSHOT,
    XAPI_MADE_TASK,
};

/* "disk", "snapshot", "task". */
const char *xapi_making_name(enum xapi_making kind);

/* A map of the marks for other_config; NULL: no memory. `disk` is a fresh uuid
 * by which a VDI can be found when the answer to its making is lost; NULL for
 * what is none. */
json_t *xapi_marks(const struct xapi *x, enum xapi_making kind,
                   const char *disk, int64_t now);

/* All keys, the deciding one first; ended by NULL. */
extern const char *const xapi_mark_keys[];

/* --- reading them ----------------------------------------------------------*/

/* What marks say of who made a thing. */
struct xapi_maker {
    char run[UUID_TEXT_SIZE];
    char disk[UUID_TEXT_SIZE]; /* "": of a task */
    enum xapi_making kind;
    char program[64];
    char host[256];
    int64_t start;
    int64_t
        heartbeat;   /* the later one; that of the start where there is none */
    char state[512]; /* cut; "": it is not kept to be resumed */
};

/* Whether this other_config has the deciding mark. */
bool xapi_marks_are_in(const json_t *config);

/* Reads them all. False, with *flaw a clause that says which one is not as a
 * run writes it: then it may be anybody's. *out then has what could be read. */
bool xapi_marks_read(struct xapi_maker *out, const json_t *config,
                     const char **flaw);

#endif
