/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_transfer.h"

#include "base/text.h"
#include "xapi/xapi_vouch.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    REDIRECTS_MAX = 5,
    VERDICT_S = 60, /* for the task's word on a broken stream */
    OPENING_S = 1,  /* the same where it is not sure that it was begun */
    URL_SIZE = ORIGIN_SIZE + 4 * XAPI_OPAQUE_SIZE + 128,
};

/* --- one request -----------------------------------------------------------*/

static const char *const format_queries[] = {
    [XAPI_RAW] = "raw",
    [XAPI_CHUNKED] = "raw&chunked=true",
    [XAPI_VHD] = "vhd",
};

static void build_url(struct xapi_transfer *t, const struct host_port *host,
                      bool tls, const struct xapi_vdi *vdi,
                      const struct xapi_request *req,
                      char session[XAPI_OPAQUE_SIZE], char url[URL_SIZE])
{
    char origin[ORIGIN_SIZE];

    host_port_origin(host, tls, origin);
    xapi_session_ref(t->x, session);
    (void)snprintf(
        url, URL_SIZE,
        "%s/%s_raw_vdi?session_id=%s&task_id=%s&vdi=%s&format=%s%s%s", origin,
        req->import ? "import" : "export", session, t->task.ref, vdi->ref,
        format_queries[req->format], req->base ? "&base=" : "",
        req->base ? req->base : "");
}

static int send_request(struct xapi_transfer *t, const char *url,
                        const struct xapi_request *req, struct err *e)
{
    int64_t length = req->length == XAPI_LENGTH_OPEN ? HTTP_SIZE_WITHIN
                                                     : (int64_t)req->length;

    if (req->import)
        return http_put_open(&t->stream, &t->http, url, xapi_name(t->x), NULL,
                             length, true, e);
    return http_get_open(&t->stream, &t->http, url, xapi_name(t->x), NULL, e);
}

static void close_stream(struct xapi_transfer *t)
{
    http_stream_close(t->stream);
    t->stream = NULL;
}

/* --- redirects -------------------------------------------------------------*/

/* The host of a Location. Only the host is taken from it: path and query stay
 * ours. */
static bool location_host(const struct xapi *x, const char *location, bool *tls,
                          struct host_port *out)
{
    char authority[ORIGIN_SIZE];
    const char *start;

    *tls = !strncmp(location, "https://", 8);
    if (!*tls && strncmp(location, "http://", 7) != 0)
        return false;
    start = location + (*tls ? 8 : 7);
    if (!text_copy_part(authority, sizeof(authority), start,
                        strcspn(start, "/?#")))
        return false;
    if (*tls == xapi_is_tls(x))
        return xapi_other_host(x, authority, out);
    return host_port_parse(out, authority);
}

static int follow(struct xapi_transfer *t, bool *tls, struct host_port *host,
                  struct err *e)
{
    const struct http_reply *reply = http_stream_reply(t->stream);
    bool was_tls = *tls;

    if (!location_host(t->x, reply->location, tls, host))
        return err_set(e, ERR_FAILED,
                       "%s: HTTP status %d leads to no host of a pool",
                       xapi_name(t->x), reply->status);
    if (was_tls && !*tls)
        return err_set(e, ERR_AUTH,
                       "%s: HTTP status %d leads from https to http, where "
                       "the session could be read on the way",
                       xapi_name(t->x), reply->status);
    close_stream(t);
    return 0;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

/* --- refusals --------------------------------------------------------------*/

bool xapi_fault_in_note(struct xapi_fault *out, const char *note)
{
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    char code[XAPI_CODE_SIZE];
    char params[XAPI_PARAM_SIZE];

    for (const char *p = note; *p; p++) {
        size_t len = isupper((unsigned char)*p) ? strspn(p, upper) : 0;

        if (len < 4 || strncmp(p + len, ": [", 3) != 0)
            continue;
        if (!text_copy_part(code, sizeof(code), p, len))
            return false;
        xapi_fault_init(out, code);
        p += len + 3;
        p += strspn(p, " ");
        len = strcspn(p, "]");
        while (len && p[len - 1] == ' ')
            len--;
        if (len >= sizeof(params))
            len = sizeof(params) - 1;
        (void)text_copy_part(params, sizeof(params), p, len);
        xapi_fault_add(out, params);
        return true;
    }
    return false;
}

/* Adds what the task says to *e; its code where that tells more. */
static int add_verdict(struct xapi_transfer *t, struct err *e)
{
    char text[XAPI_VERDICT_TEXT_SIZE];
    int code = xapi_verdict_code(&t->verdict);

    xapi_verdict_text(t->x, &t->verdict, text);
    (void)err_append(e, "; %s", text);
    xapi_verdict_say(t->x, &t->verdict, e);
    if (code < 0 && code != ERR_FAILED && code != ERR_UNSETTLED)
        e->code = code;
    return e->code;
}

static void note_reached(struct xapi_transfer *t)
{
    if (t->verdict.reached > t->reached)
        t->reached = t->verdict.reached;
}

/* Waits for the task, limit_s and the settle time at most. */
static bool learn_verdict(struct xapi_transfer *t, enum xapi_mode mode,
                          unsigned limit_s)
{
    unsigned settle_s = xapi_settle_s(t->x);
    struct err ignored = {0};

    if (settle_s < limit_s)
        limit_s = settle_s;
    t->settled =
        !xapi_task_wait(&t->task, mode, limit_s, &t->verdict, &ignored);
    t->waited = true;
    note_reached(t);
    return t->settled;
}

/* What the answer itself says: HTTP's status, and XAPI's code in its text. */
static void describe_answer(struct xapi_transfer *t,
                            const struct http_reply *reply, struct err *e)
{
    struct xapi_fault fault;

    if (http_reply_check(reply, xapi_name(t->x), e) >= 0)
        (void)err_set(e, ERR_FAILED,
                      "%s: HTTP status %d where 200 was expected",
                      xapi_name(t->x), reply->status);
    if (reply->status == 404) /* XAPI's word for what it does not know */
        e->code = ERR_UNSUPPORTED;
    if (xapi_fault_in_note(&fault, reply->note)) {
        e->code = xapi_fault_kind(&fault);
        xapi_session_fault_say(t->x, &fault, e);
    }
    text_hide_refs(e->text);
}

/* Some refusals fail the task, and then it knows the cause; others leave it
 * pending for ever. */
static int refused(struct xapi_transfer *t, struct err *e)
{
    const struct http_reply *reply = http_stream_reply(t->stream);
    struct err ignored;
    bool asks_task = reply->status != 401 && reply->status < 500;

    describe_answer(t, reply, e);
    close_stream(t);
    if (!asks_task ||
        xapi_task_look(&t->task, XAPI_NORMAL, &t->verdict, &ignored) < 0)
        return e->code;
    t->settled = t->verdict.status != XAPI_PENDING;
    return t->settled ? add_verdict(t, e) : e->code;
}

/* The request failed, perhaps after it had arrived. */
static int not_sent(struct xapi_transfer *t, struct err *e)
{
    if (e->code == ERR_TEMPORARY && learn_verdict(t, XAPI_NORMAL, OPENING_S))
        return add_verdict(t, e);
    return e->code;
}

/* --- opening ---------------------------------------------------------------*/

/* Whether a request was refused for a session that the pool has forgotten, and
 * there is a new one by now: any call logs in again. The task is still ours. */
static bool session_is_renewed(struct xapi_transfer *t, const char *refused_ref)
{
    char session[XAPI_OPAQUE_SIZE];
    struct err ignored;
    bool renewed;

    if (http_stream_reply(t->stream)->status != 401 ||
        xapi_task_look(&t->task, XAPI_NORMAL, &t->verdict, &ignored) < 0)
        return false;
    xapi_session_ref(t->x, session);
    renewed = strcmp(session, refused_ref) != 0;
    explicit_bzero(session, sizeof(session));
    return renewed;
}

/* One request: 1 when it was taken, 0 for the answer that it got. */
static int ask_at(struct xapi_transfer *t, const struct host_port *host,
                  bool tls, const struct xapi_vdi *vdi,
                  const struct xapi_request *req, struct err *e)
{
    char session[XAPI_OPAQUE_SIZE];
    char url[URL_SIZE];

    for (int renewals = 0;; renewals++) {
        bool again;

        build_url(t, host, tls, vdi, req, session, url);
        if (send_request(t, url, req, e) < 0)
            return not_sent(t, e);
        t->taken = http_stream_reply(t->stream)->status == 200;
        again = !renewals && session_is_renewed(t, session);
        explicit_bzero(session, sizeof(session));
        if (!again)
            return t->taken;
        close_stream(t);
    }
}

static int open_at(struct xapi_transfer *t, struct host_port *host,
                   const struct xapi_vdi *vdi, const struct xapi_request *req,
                   struct err *e)
{
    bool tls = xapi_is_tls(t->x);

    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
        int taken;

        if (tls)
            TRY(xapi_vouch(t->x, host, e));
        taken = ask_at(t, host, tls, vdi, req, e);
        TRY(taken);
        if (taken)
            return 0;
        if (!is_redirect(http_stream_reply(t->stream)->status))
            return refused(t, e);
        TRY(follow(t, &tls, host, e));
    }
    return err_set(e, ERR_TEMPORARY,
                   "%s: sent on from host to host more than %d times",
                   xapi_name(t->x), REDIRECTS_MAX);
}

int xapi_transfer_open(struct xapi_transfer *t, struct xapi *x,
                       const struct xapi_vdi *vdi,
                       const struct xapi_request *req, struct err *e)
{
    struct host_port host;
    int code;

    t->x = x;
    t->reached = -1;
    t->wait = *xapi_wait(x, XAPI_NORMAL);
    t->http.trust = xapi_trust(x);
    t->http.wait = &t->wait;
    TRY(xapi_sr_find_host(x, vdi->sr.ref, &host, e));
    TRY(xapi_task_create(&t->task, x,
                         req->import ? "VDI_IMPORT_for_" : "VDI_EXPORT_for_",
                         *vdi->label ? vdi->label : vdi->uuid, e));
    code = xapi_keep_start(&t->keep, &t->task, e);
    if (!code)
        code = open_at(t, &host, vdi, req, e);
    if (code < 0)
        xapi_transfer_end(t);
    return code;
}

/* --- the verdict -----------------------------------------------------------*/

int xapi_transfer_settle(struct xapi_transfer *t, struct err *e)
{
    int code = xapi_task_wait(&t->task, XAPI_NORMAL, xapi_settle_s(t->x),
                              &t->verdict, e);

    t->settled = !code;
    t->waited = true;
    note_reached(t);
    return code;
}

int xapi_transfer_break(struct xapi_transfer *t, struct err *e)
{
    close_stream(t);
    return t->taken && !t->settled ? xapi_transfer_settle(t, e) : 0;
}

int xapi_transfer_explain(struct xapi_transfer *t, struct err *e)
{
    bool late = http_stream_reply(t->stream)->late_status != 0;

    text_hide_refs(e->text);
    close_stream(t);
    if (e->code == ERR_CANCELLED)
        return e->code;
    if (!learn_verdict(t, XAPI_NORMAL, VERDICT_S))
        return e->code;
    /* Where the server has said that it failed, it was not the way there. */
    if (late && t->verdict.status == XAPI_FAILURE)
        e->code = xapi_verdict_code(&t->verdict);
    return add_verdict(t, e);
}

int xapi_transfer_blame(const struct xapi_transfer *t, bool told)
{
    if (!told && (xapi_fault_is(&t->verdict.fault, "VDI_IO_ERROR") ||
                  t->verdict.status == XAPI_TASK_CANCELLED))
        return ERR_TEMPORARY;
    return xapi_verdict_code(&t->verdict);
}

void xapi_transfer_end(struct xapi_transfer *t)
{
    if (!t->x)
        return;
    xapi_keep_end(&t->keep);
    close_stream(t);
    if (t->taken && !t->settled)
        (void)learn_verdict(t, XAPI_CLEANUP, t->waited ? 0 : VERDICT_S);
    xapi_task_drop(&t->task, !t->taken && !t->settled);
}
