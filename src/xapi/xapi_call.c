/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_inner.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    HOPS_MAX = 5, /* HOST_IS_SLAVE in a row */
    MISSES_MIN = 3,
    REACH_S = 5,
};

/* --- one exchange, under the lock ------------------------------------------*/

static void disconnect(struct xapi *x)
{
    http_client_close(x->client);
    x->client = NULL;
}

static void note_reach(struct xapi *x)
{
    if (http_client_was_sent(x->client))
        x->misses = 0;
    else if (!x->misses++)
        x->missed_since = wait_now();
}

bool xapi_is_out_of_reach(struct xapi *x)
{
    bool out;

    pthread_mutex_lock(&x->lock);
    out = x->misses >= MISSES_MIN && wait_now() - x->missed_since >= REACH_S;
    pthread_mutex_unlock(&x->lock);
    return out;
}

static int post(struct xapi *x, const char *what, const char *body, char **out,
                struct err *e)
{
    int code;
    char origin[ORIGIN_SIZE];
    char url[ORIGIN_SIZE + 16];
    struct http_reply reply = {0};

    host_port_origin(&x->host, x->tls, origin);
    (void)snprintf(url, sizeof(url), "%s/jsonrpc", origin);
    if (!x->client)
        TRY(http_client_open(&x->client, &x->http, e));
    code = http_client_post(x->client, url, what, "application/json", body,
                            strlen(body), XAPI_REPLY_MAX, out, &reply, e);
    note_reach(x);
    TRY(code);
    if (reply.status == 200)
        return 0;
    mem_cleanup(out);
    text_withhold(reply.note, x->password);
    text_hide_refs(reply.note);
    TRY(http_reply_check(&reply, what, e));
    return err_set(e, ERR_FAILED, "%s: HTTP status %d where 200 was expected",
                   what, reply.status);
}

/* Whether a call may be made twice without harm. */
static bool is_repeatable(const char *method)
{
    static const char *const once[] = {"session.login_with_password",
                                       "task.create", "VDI.create",
                                       "VDI.snapshot"};

    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        if (!strcmp(method, once[i]))
            return false;
    return strncmp(method, "Async.", 6) != 0;
}

/* A connection that was kept open may have died unnoticed: that is no reason
 * to fail a call that can be repeated. */
static int post_again(struct xapi *x, const char *method, const char *what,
                      const char *body, char **out, struct err *e)
{
    bool again = x->client != NULL && is_repeatable(method);
    struct err first = {0};
    int code = post(x, what, body, out, &first);

    if (code < 0)
        disconnect(x);
    if (code == ERR_TEMPORARY && again) {
        code = post(x, what, body, out, e);
        if (code < 0)
            disconnect(x);
    } else if (code < 0) {
        *e = first;
    }
    return code;
}

static int exchange(struct xapi *x, const char *method, const char *session,
                    json_t *args, json_t **out, struct xapi_fault *fault,
                    struct err *e)
{
    char what[XAPI_WHAT_SIZE];
    char *body = NULL;
    char *answer = NULL;
    int code;

    (void)xapi_what(x, method, what);
    TRY(xapi_json_request(&body, method, session, args, e));
    code = post_again(x, method, what, body, &answer, e);
    mem_free_secret(body);
    TRY(code);
    code = xapi_json_reply(out, fault, answer, what, e);
    mem_free_secret(answer);
    return code;
}

/* --- hosts and sessions, under the lock ------------------------------------*/

bool xapi_other_host(const struct xapi *x, const char *address,
                     struct host_port *out)
{
    if (!host_port_parse(out, address))
        return false;
    if (!out->port)
        out->port = x->port;
    return true;
}

/* Goes to the master that the refusal names; false: it names none. */
static bool go_to_master(struct xapi *x, const struct xapi_fault *fault)
{
    struct host_port master;

    if (!xapi_fault_is(fault, "HOST_IS_SLAVE") || !fault->nparams)
        return false;
    if (!xapi_other_host(x, fault->params[0], &master))
        return false;
    x->host = master;
    disconnect(x);
    return true;
}

/* exchange(), at the master wherever it is. */
static int at_master(struct xapi *x, const char *method, const char *session,
                     json_t *args, json_t **out, struct xapi_fault *fault,
                     struct err *e)
{
    int code = exchange(x, method, session, args, out, fault, e);

    for (int hop = 0; code == 1 && hop < HOPS_MAX; hop++) {
        if (!go_to_master(x, fault))
            break;
        code = exchange(x, method, session, args, out, fault, e);
    }
    return code;
}

static int fault_error(const struct xapi *x, const struct xapi_fault *fault,
                       const char *method, struct err *e)
{
    char what[XAPI_WHAT_SIZE];

    return xapi_fault_set(fault, x->session, xapi_what(x, method, what), e);
}

/* jansson frees texts as they are. */
static void wipe_text(json_t *text)
{
    char *secret = (char *)(uintptr_t)json_string_value(text);

    if (secret)
        explicit_bzero(secret, json_string_length(text));
}

int xapi_log_in(struct xapi *x, struct err *e)
{
    static const char method[] = "session.login_with_password";
    char what[XAPI_WHAT_SIZE];
    json_t *args =
        json_pack("[ssss]", x->user, x->password, "1.1", "vhdstream");
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    int code;

    x->session[0] = '\0';
    code = at_master(x, method, NULL, args, &result, &fault, e);
    wipe_text(json_array_get(args, 1));
    json_decref(args);
    if (code == 1) {
        xapi_fault_withhold(&fault, x->password);
        return fault_error(x, &fault, method, e);
    }
    TRY(code);
    TRY(xapi_json_ref(result, NULL, xapi_what(x, method, what), x->session, e));
    x->borrowed = false;
    return 0;
}

static bool is_forgotten(const struct xapi *x, const struct xapi_fault *fault)
{
    return x->password && xapi_fault_is(fault, "SESSION_INVALID");
}

static int ask_locked(struct xapi *x, const char *method, json_t *args,
                      json_t **out, struct xapi_fault *fault, struct err *e)
{
    int code = at_master(x, method, x->session, args, out, fault, e);

    if (code == 1 && is_forgotten(x, fault) &&
        strcmp(method, "session.logout") != 0) {
        TRY(xapi_log_in(x, e));
        code = at_master(x, method, x->session, args, out, fault, e);
    }
    return code;
}

/* --- calls -----------------------------------------------------------------*/

static int ask_once(struct xapi *x, enum xapi_mode mode, const char *method,
                    json_t *args, json_t **out, struct xapi_fault *fault,
                    struct err *e)
{
    int code;

    pthread_mutex_lock(&x->lock);
    x->call_wait = x->waits[mode];
    code = wait_check(&x->call_wait, e);
    if (!code)
        code = ask_locked(x, method, args, out, fault, e);
    pthread_mutex_unlock(&x->lock);
    return code;
}

/* Cleaning up is worth a second try where the failure was our own (memory, a
 * descriptor); a pool that is not reached is its caller's matter. */
static bool is_worth_more(enum xapi_mode mode, const char *method, int code)
{
    return mode == XAPI_CLEANUP && is_repeatable(method) &&
           (code == ERR_NO_SPACE || code == ERR_FAILED);
}

int xapi_ask(struct xapi *x, enum xapi_mode mode, const char *method,
             json_t *args, json_t **out, struct xapi_fault *fault,
             struct err *e)
{
    struct err first = {0};
    int code = ask_once(x, mode, method, args, out, fault, &first);

    if (code < 0 && is_worth_more(mode, method, code))
        code = ask_once(x, mode, method, args, out, fault, e);
    else if (code < 0)
        *e = first;
    json_decref(args);
    return code;
}

int xapi_refuse(struct xapi *x, const struct xapi_fault *fault,
                const char *method, struct err *e)
{
    int code;

    pthread_mutex_lock(&x->lock);
    code = fault_error(x, fault, method, e);
    pthread_mutex_unlock(&x->lock);
    return code;
}

int xapi_call(struct xapi *x, enum xapi_mode mode, json_t **out, struct err *e,
              const char *method, const char *pack, ...)
{
    struct xapi_fault fault;
    char whole[32];
    json_t *args;
    va_list list;
    int code;

    (void)snprintf(whole, sizeof(whole), "[%s]", pack);
    va_start(list, pack);
    args = json_vpack_ex(NULL, 0, whole, list);
    va_end(list);
    code = xapi_ask(x, mode, method, args, out, &fault, e);
    return code == 1 ? xapi_refuse(x, &fault, method, e) : code;
}

int xapi_get_ref(struct xapi *x, const char *method, const char *arg,
                 char out[XAPI_OPAQUE_SIZE], struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    char what[XAPI_WHAT_SIZE];

    TRY(xapi_call(x, XAPI_NORMAL, &result, e, method, "s", arg));
    return xapi_json_ref(result, NULL, xapi_what(x, method, what), out, e);
}
