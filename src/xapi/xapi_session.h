/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_SESSION_H
#define VHDSTREAM_XAPI_SESSION_H

/*
 * A session with a pool, and the calls over it. Every function here may be
 * called from any thread; calls of one session go out one after the other.
 *
 * The pool's master answers calls: where the place names another host, or the
 * master moves, HOST_IS_SLAVE is followed. A session that the server has
 * forgotten is opened anew, once a call, where the password is known.
 */

#include "base/err.h"
#include "base/notice.h"
#include "base/uuid.h"
#include "base/wait.h"
#include "io/http.h"
#include "xapi/xapi_fault.h"
#include "xapi/xapi_json.h"
#include "xapi/xapi_place.h"

#include <stddef.h>

struct xapi;

/* How long things of a pool may take; 0: as the comment says. */
struct xapi_times {
    unsigned settle_s;   /* to wait for a task without progress, and for a VDI
                            to be detached; 900 */
    unsigned beat_s;     /* between heartbeats; a minute */
    unsigned keep_s;     /* between calls that keep a session alive; 900 */
    unsigned task_old_s; /* from when on the task is kept, too; 23 hours */
};

struct xapi_config {
    const struct xapi_place *place; /* copied */
    const char *user;               /* NULL: the place's, else "root" */
    const char *password;           /* copied, wiped at the end */
    const char *session; /* a ref of the caller's: then no login, no logout,
                            and no password is needed; else NULL */
    const struct http_trust *trust; /* copied; cacert must outlive it */
    const struct wait *wait;        /* must outlive it, too */
    const struct notice *notice;    /* so must this; or NULL */
    const char *run; /* uuid of this run, for marks; NULL: a fresh one */
    struct xapi_times times;
};

/* Logs in. ERR_AUTH: user, password or TLS; ERR_TEMPORARY: not reached. */
int xapi_open(struct xapi **out, const struct xapi_config *cfg, struct err *e);

/* Logs out as well as it can, wipes the secrets, frees. NULL is fine. */
void xapi_close(struct xapi *x);
void xapi_cleanup(struct xapi **x);

/* --- calls -----------------------------------------------------------------*/

/* How a call, and the waiting around it, behaves. */
enum xapi_mode {
    XAPI_NORMAL,  /* can be stopped; the place's inactivity limit */
    XAPI_FIRM,    /* cannot: what it makes has to be known; the same limit */
    XAPI_CLEANUP, /* cannot, and has to end soon */
    XAPI_PULSE,   /* a pulse's: can be stopped, and has to end soon */
};

/* One call, made a second time where that does no harm and may help. `args` is
 * an array without the session, and is taken over (NULL: making it failed). `e`
 * must not be NULL. 0 and *out (the caller's), 1 and *fault when the server
 * refused, or an error: no answer, or none that makes sense. */
int xapi_ask(struct xapi *x, enum xapi_mode mode, const char *method,
             json_t *args, json_t **out, struct xapi_fault *fault,
             struct err *e);

/* The same where a refusal is an error; `pack` and what follows are jansson's
 * json_pack() for the arguments after the session: "s", ref. */
int xapi_call(struct xapi *x, enum xapi_mode mode, json_t **out, struct err *e,
              const char *method, const char *pack, ...);

/* A call with one argument whose answer is a ref. */
int xapi_get_ref(struct xapi *x, const char *method, const char *arg,
                 char out[XAPI_OPAQUE_SIZE], struct err *e);

/* "PLACE: METHOD" into out, which is returned: the `what` of xapi_json.h. */
enum { XAPI_WHAT_SIZE = NAME_SIZE + 64 };
const char *xapi_what(const struct xapi *x, const char *method,
                      char out[XAPI_WHAT_SIZE]);

/* The error for a refusal of `method`. */
int xapi_refuse(struct xapi *x, const struct xapi_fault *fault,
                const char *method, struct err *e);

/* --- facts -----------------------------------------------------------------*/

const char *xapi_name(const struct xapi *x); /* the place, for messages */
const char *xapi_run(const struct xapi *x);  /* uuid of the run */
bool xapi_is_tls(const struct xapi *x);
unsigned xapi_settle_s(const struct xapi *x);
const struct xapi_times *xapi_times(const struct xapi *x);
const struct http_trust *xapi_trust(const struct xapi *x);
const struct wait *xapi_wait(const struct xapi *x, enum xapi_mode mode);
/* Who hears what should be known at once; or NULL. */
const struct notice *xapi_notice(const struct xapi *x);

/* The session's ref, now. For URLs only: never for messages. */
void xapi_session_ref(struct xapi *x, char out[XAPI_OPAQUE_SIZE]);

/* The host that answers calls, now. */
void xapi_session_host(struct xapi *x, struct host_port *out);

/* Another host of the pool, from how XAPI names it: the place's port holds for
 * it, where one was given. False: that is no host. */
bool xapi_other_host(const struct xapi *x, const char *address,
                     struct host_port *out);

/* Whether several calls in a row, over five seconds, got no connection: then
 * more of them, to explain or to clean up, are in vain. */
bool xapi_is_out_of_reach(struct xapi *x);

/* fault as a text, our session's ref cut out. */
void xapi_session_fault_text(struct xapi *x, const struct xapi_fault *fault,
                             char out[XAPI_FAULT_TEXT_SIZE]);

/* xapi_fault_say with our session. */
void xapi_session_fault_say(struct xapi *x, const struct xapi_fault *fault,
                            struct err *e);

#endif
