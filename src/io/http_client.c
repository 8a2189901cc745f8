/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/mem.h"
#include "io/http_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_LIMITS = 10, KEPT_IDLE_S = 30 };

struct http_client {
    struct http_request req;
    char *body; /* of the answer, NUL-terminated, or NULL */
    size_t len, room, max;
};

static int grow(struct http_client *c, size_t need, struct err *e)
{
    size_t room = (size_t)max_u64(need + 1, min_u64(c->room * 2, c->max + 1));
    char *body = NULL;

    TRY(mem_alloc(&body, room, "an answer", e));
    if (c->len)
        memcpy(body, c->body, c->len);
    free(c->body);
    c->body = body;
    c->room = room;
    return 0;
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
    struct http_client *c = arg;
    struct http_request *r = &c->req;

    (void)one;
    http_note_add(&r->note, data, len);
    if (len > c->max - c->len) {
        err_set(&r->failure, ERR_CORRUPT,
                "%s: the answer is longer than %zu bytes", r->name, c->max);
        return 0;
    }
    if (c->len + len >= c->room && grow(c, c->len + len, &r->failure))
        return 0;
    memcpy(c->body + c->len, data, len);
    c->len += len;
    return len;
}

static int set_manner(struct http_client *c, struct err *e)
{
    CURL *easy = c->req.easy;

    if (curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)KEPT_IDLE_S) ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, c))
        return err_set(e, ERR_FAILED, "libcurl refused a setting");
    return 0;
}

int http_client_open(struct http_client **out, const struct http_config *cfg,
                     struct err *e)
{
    struct http_client *c = NULL;
    int result;

    TRY(mem_alloc(&c, sizeof(*c), "an HTTP client", e));
    result = http_request_open(&c->req, cfg, "", e);
    if (!result)
        result = set_manner(c, e);
    if (result) {
        http_client_close(c);
        return result;
    }
    *out = c;
    return 0;
}

void http_client_close(struct http_client *c)
{
    if (!c)
        return;
    http_request_close(&c->req);
    free(c->body);
    free(c);
}

/* Bytes that trickle in keep a call alive, but not for ever. */
static int run(struct http_client *c, struct err *e)
{
    struct http_request *r = &c->req;
    double limit = http_limit(r);
    double last = wait_now() + limit * CALL_LIMITS;

    for (;;) {
        int end = http_step(r, e);

        TRY(end);
        if (end)
            return 0;
        if (limit > 0 && wait_now() > last)
            return err_set(e, ERR_TEMPORARY,
                           "%s: the answer was not complete after %.0f seconds",
                           r->name, limit * CALL_LIMITS);
        TRY(http_wait(r, limit, e));
    }
}

static bool set_method(CURL *easy, const struct http_call *call)
{
    if (!call->type)
        return !curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) &&
               !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    return !curl_easy_setopt(easy, CURLOPT_POST, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method) &&
           !curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body) &&
           !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                             (curl_off_t)call->len);
}

static int send_call(struct http_client *c, const struct http_call *call,
                     struct err *e)
{
    struct http_request *r = &c->req;
    char line[128];

    if (call->type)
        (void)snprintf(line, sizeof(line), "Content-Type: %s", call->type);
    TRY(http_request_target(r, call->url, e));
    TRY(http_request_headers(r, call->type ? line : NULL, call->headers, e));
    if (!set_method(r->easy, call))
        return err_set(e, ERR_FAILED, "libcurl refused a setting");
    TRY(grow(c, 1024, e));
    TRY(http_request_start(r, e));
    return run(c, e);
}

/* libcurl keeps no copy of the body: it shall not know where that was. */
static void forget_body(const struct http_client *c)
{
    (void)curl_easy_setopt(c->req.easy, CURLOPT_POSTFIELDS, NULL);
}

int http_client_call(struct http_client *c, const struct http_call *call,
                     char **out, struct http_reply *reply, struct err *e)
{
    struct http_request *r = &c->req;
    int result;

    (void)snprintf(r->name, sizeof(r->name), "%s", call->name);
    c->len = c->room = 0;
    c->max = call->max;
    result = send_call(c, call, e);
    http_request_stop(r);
    http_request_forget(r);
    forget_body(c);
    if (!result) {
        if (r->reply.status / 100 != 2)
            http_note_finish(&r->note, &r->reply);
        *reply = r->reply;
        *out = c->body;
        c->body = NULL;
    }
    mem_cleanup(&c->body);
    return result;
}

int http_client_post(struct http_client *c, const char *url, const char *name,
                     const char *type, const void *body, size_t len, size_t max,
                     char **out, struct http_reply *reply, struct err *e)
{
    const struct http_call call = {
        .method = "POST",
        .url = url,
        .name = name,
        .type = type,
        .body = body,
        .len = len,
        .max = max,
    };

    return http_client_call(c, &call, out, reply, e);
}

bool http_client_was_sent(const struct http_client *c)
{
    return c->req.connected;
}

bool http_client_header(const struct http_client *c, const char *name,
                        char *out, size_t size)
{
    return http_request_header(&c->req, name, out, size);
}
