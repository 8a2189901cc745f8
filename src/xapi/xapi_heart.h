/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_HEART_H
#define VHDSTREAM_XAPI_HEART_H

/*
 * The heartbeat of what a run has made in a pool: a mark that says each minute
 * that the run lives, whatever its other threads wait for. One pulse a session,
 * from the first thing that is kept alive to the session's end, or until the
 * operation is asked to stop; what is kept alive after that, in another try,
 * starts it anew. A beat that fails is left out; it also keeps the session from
 * being forgotten.
 */

#include "xapi/xapi_session.h"

enum { XAPI_BEAT_S = 60 };

/* A thing that is kept alive; a part of what describes it. */
struct xapi_beat {
    struct xapi_beat *next;
    const char *class; /* "VDI", "task"; NULL: it is not kept alive */
    char ref[XAPI_OPAQUE_SIZE];
    bool second; /* which of the two marks is the older one */
};

/* After a stop that was taken back, before a pause: what is kept alive already
 * is so again. Where that cannot be, the next xapi_beat_start says why. NULL is
 * fine. */
void xapi_beat_resume(struct xapi *x);

/* From now on its heartbeat is renewed. *b is zeroed memory, which stays where
 * it is until xapi_beat_stop. */
int xapi_beat_start(struct xapi *x, struct xapi_beat *b, const char *class,
                    const char *ref, struct err *e);

/* After this no beat goes out for it: waits for one that is under way. For
 * zeroed memory, too. */
void xapi_beat_stop(struct xapi *x, struct xapi_beat *b);

#endif
