/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_inner.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTLE_S = 900, /* XAPI itself waits 300 s for a device to be free */
    KEEP_S = 900,
    TASK_OLD_S = 23 * 3600,
    CLEANUP_S = 60,    /* inactivity limit of calls that clean up */
    BEAT_S = 30,       /* and of those that a pulse makes */
    LOGIN_MAX_S = 120, /* and of a login, which cannot be stopped */
};

/* --- life ------------------------------------------------------------------*/

static unsigned or_else(unsigned given, unsigned usual)
{
    return given ? given : usual;
}

static int copy_facts(struct xapi *x, const struct xapi_config *cfg,
                      struct err *e)
{
    const struct xapi_place *place = cfg->place;
    const char *user = cfg->user      ? cfg->user
                       : *place->user ? place->user
                                      : "root";

    (void)snprintf(x->name, sizeof(x->name), "%s", place->name);
    x->tls = place->tls;
    x->host = place->host;
    x->port = place->host.port;
    if (cfg->trust)
        x->trust = *cfg->trust;
    x->trust.vouched = x->vouched;
    x->trust.nvouched = 0;
    x->notice = cfg->notice;
    x->times.settle_s = or_else(cfg->times.settle_s, SETTLE_S);
    x->times.keep_s = or_else(cfg->times.keep_s, KEEP_S);
    x->times.task_old_s = or_else(cfg->times.task_old_s, TASK_OLD_S);
    x->http.trust = &x->trust;
    x->http.wait = &x->call_wait;
    TRY(mem_copy_text(&x->user, user, e));
    if (cfg->password)
        TRY(mem_copy_text(&x->password, cfg->password, e));
    return 0;
}

static unsigned at_most(unsigned limit, unsigned seconds)
{
    return seconds && seconds < limit ? seconds : limit;
}

static void set_waits(struct xapi *x, const struct wait *wait)
{
    unsigned timeout_s = wait ? wait->timeout_s : 0;

    x->waits[XAPI_NORMAL].cancel = wait ? wait->cancel : NULL;
    x->waits[XAPI_NORMAL].timeout_s = timeout_s;
    x->waits[XAPI_FIRM].timeout_s = at_most(SETTLE_S, timeout_s);
    x->waits[XAPI_CLEANUP].timeout_s = at_most(CLEANUP_S, timeout_s);
    x->waits[XAPI_PULSE].cancel = x->waits[XAPI_NORMAL].cancel;
    x->waits[XAPI_PULSE].timeout_s = at_most(BEAT_S, timeout_s);
}

static int set_run(struct xapi *x, const char *run, struct err *e)
{
    struct uuid fresh;

    if (!run) {
        TRY(uuid_make(&fresh, e));
        uuid_format(&fresh, x->run);
        return 0;
    }
    if (!uuid_is(run))
        return err_set(e, ERR_USAGE, "%s: a run's name is a uuid", run);
    memcpy(x->run, run, sizeof(x->run));
    return 0;
}

/* A login that was stopped half way would leave a session behind that nobody
 * can name, so it cannot be stopped. */
static int start_session(struct xapi *x, const struct xapi_config *cfg,
                         struct err *e)
{
    int code;

    if (cfg->session) {
        if (!xapi_ref_is(cfg->session))
            return err_set(e, ERR_USAGE,
                           "%s: what was given as a session "
                           "is no session reference",
                           x->name);
        x->borrowed = true;
        (void)snprintf(x->session, sizeof(x->session), "%s", cfg->session);
        return 0;
    }
    if (!x->password)
        return err_set(e, ERR_USAGE, "%s: no password is given for %s", x->name,
                       x->user);
    TRY(wait_check(cfg->wait, e));
    x->call_wait.cancel = NULL;
    x->call_wait.timeout_s =
        at_most(LOGIN_MAX_S, x->waits[XAPI_FIRM].timeout_s);
    pthread_mutex_lock(&x->lock);
    code = xapi_log_in(x, e);
    pthread_mutex_unlock(&x->lock);
    return code;
}

static void free_session(struct xapi *x)
{
    xapi_heart_close(&x->heart);
    http_client_close(x->client);
    pthread_mutex_destroy(&x->lock);
    explicit_bzero(x->session, sizeof(x->session));
    mem_free_secret(x->password);
    free(x->user);
    free(x);
}

int xapi_open(struct xapi **out, const struct xapi_config *cfg, struct err *e)
{
    struct xapi *x = NULL;
    int code;

    TRY(mem_alloc(&x, sizeof(*x), "a session", e));
    pthread_mutex_init(&x->lock, NULL);
    xapi_heart_open(&x->heart, cfg->times.beat_s);
    set_waits(x, cfg->wait);
    code = copy_facts(x, cfg, e);
    if (!code)
        code = set_run(x, cfg->run, e);
    if (!code)
        code = start_session(x, cfg, e);
    if (code < 0) {
        free_session(x);
        return code;
    }
    *out = x;
    return 0;
}

void xapi_close(struct xapi *x)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    struct err ignored;

    if (!x)
        return;
    if (!x->borrowed)
        (void)xapi_ask(x, XAPI_CLEANUP, "session.logout", json_array(), &result,
                       &fault, &ignored);
    free_session(x);
}

void xapi_cleanup(struct xapi **x)
{
    xapi_close(*x);
    *x = NULL;
}

/* --- facts -----------------------------------------------------------------*/

const char *xapi_name(const struct xapi *x)
{
    return x->name;
}

const char *xapi_run(const struct xapi *x)
{
    return x->run;
}

bool xapi_is_tls(const struct xapi *x)
{
    return x->tls;
}

unsigned xapi_settle_s(const struct xapi *x)
{
    return x->times.settle_s;
}

const struct xapi_times *xapi_times(const struct xapi *x)
{
    return &x->times;
}

const struct http_trust *xapi_trust(const struct xapi *x)
{
    return &x->trust;
}

const struct notice *xapi_notice(const struct xapi *x)
{
    return x->notice;
}

const struct wait *xapi_wait(const struct xapi *x, enum xapi_mode mode)
{
    return &x->waits[mode];
}

void xapi_session_ref(struct xapi *x, char out[XAPI_OPAQUE_SIZE])
{
    pthread_mutex_lock(&x->lock);
    memcpy(out, x->session, XAPI_OPAQUE_SIZE);
    pthread_mutex_unlock(&x->lock);
}

void xapi_session_host(struct xapi *x, struct host_port *out)
{
    pthread_mutex_lock(&x->lock);
    *out = x->host;
    pthread_mutex_unlock(&x->lock);
}

void xapi_session_fault_text(struct xapi *x, const struct xapi_fault *fault,
                             char out[XAPI_FAULT_TEXT_SIZE])
{
    pthread_mutex_lock(&x->lock);
    xapi_fault_text(fault, x->session, out);
    pthread_mutex_unlock(&x->lock);
}

void xapi_session_fault_say(struct xapi *x, const struct xapi_fault *fault,
                            struct err *e)
{
    pthread_mutex_lock(&x->lock);
    xapi_fault_say(fault, x->session, e);
    pthread_mutex_unlock(&x->lock);
}

const char *xapi_what(const struct xapi *x, const char *method,
                      char out[XAPI_WHAT_SIZE])
{
    (void)snprintf(out, XAPI_WHAT_SIZE, "%s: %s", x->name, method);
    return out;
}
