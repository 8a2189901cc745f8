/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/fault.h"
#include "io/http_inner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int64_t http_sent(const struct http_request *r)
{
    curl_off_t n = 0;

    (void)curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &n);
    return n;
}

int64_t http_received(const struct http_request *r)
{
    curl_off_t n = 0;

    (void)curl_easy_getinfo(r->easy, CURLINFO_SIZE_DOWNLOAD_T, &n);
    return n;
}

double http_limit(const struct http_request *r)
{
    return r->cfg->wait ? (double)r->cfg->wait->timeout_s : 0;
}

/* Bytes that count as life: those of the head do not, nor those of the answer
 * to an upload, so that neither can be drawn out for ever. */
static int64_t moved(const struct http_request *r)
{
    if (r->upload)
        return http_sent(r);
    return r->head_done ? http_received(r) + 1 : 0;
}

void http_clock_start(struct http_request *r)
{
    r->since = wait_now();
    r->moved = moved(r);
}

/* --- failures --------------------------------------------------------------*/

/* Whether a byte of a body has moved, or could have. */
static bool has_begun(const struct http_request *r)
{
    return r->head_done || (r->upload && http_sent(r));
}

/* Where the request stood: " at byte 5 of 7". */
static void describe_progress(const struct http_request *r, char *out,
                              size_t size)
{
    int64_t at = r->upload ? http_sent(r) : http_received(r);
    int64_t all = r->upload ? r->size : r->reply.length;

    if (!r->connected)
        (void)snprintf(out, size, " while connecting");
    else if (!has_begun(r))
        (void)snprintf(out, size, " before an answer");
    else if (all >= 0 && at == all)
        (void)snprintf(out, size, " after all %" PRId64 " bytes", at);
    else if (all >= 0)
        (void)snprintf(out, size, " at byte %" PRId64 " of %" PRId64, at, all);
    else
        (void)snprintf(out, size, " at byte %" PRId64, at);
}

static int connection_failed(const struct http_request *r, const char *reason,
                             struct err *e)
{
    char where[80];
    long proxy = 0;

    (void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
    if (proxy && proxy != 200)
        return err_set(e, http_status_code((int)proxy),
                       "%s: the proxy answered %ld", r->name, proxy);
    describe_progress(r, where, sizeof(where));
    return err_set(e, ERR_TEMPORARY, "%s: the connection failed%s: %s", r->name,
                   where, reason);
}

/* A handshake can fail because the other side is going down: no reason to call
 * it a matter of trust. */
static int handshake_failed(const struct http_request *r, const char *reason,
                            struct err *e)
{
    if (!r->verify.refused &&
        (strstr(reason, "SSL_ERROR_SYSCALL") || strstr(reason, "reset") ||
         strstr(reason, "unexpected eof")))
        return connection_failed(r, reason, e);
    (void)http_trust_error(&r->verify, r->name, reason, e);
    if (strstr(reason, "wrong version number"))
        err_append(e, "; it seems to speak no TLS (http://, xapi+http:// and "
                      "glance+http:// are in cleartext)");
    return e->code;
}

static int early_end(const struct http_request *r, struct err *e)
{
    char where[80];

    describe_progress(r, where, sizeof(where));
    return err_set(e, ERR_TEMPORARY, "%s: the server ended the connection%s",
                   r->name, where);
}

static int no_http(const struct http_request *r, const char *reason,
                   struct err *e)
{
    if (!r->connected)
        return err_set(e, ERR_USAGE, "%s: %s", r->name, reason);
    return err_set(e, ERR_FAILED, "%s: what answers there is no HTTP: %s",
                   r->name, reason);
}

/* What libcurl's result means. */
static int failed(struct http_request *r, struct err *e)
{
    const char *reason = *r->text ? r->text : curl_easy_strerror(r->result);

    if (r->failure.code)
        return err_set(e, r->failure.code, "%s", r->failure.text);
    switch (r->result) {
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return early_end(r, e);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_failed(r, reason, e);
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(e, ERR_USAGE, "%s: %s", r->name, reason);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return no_http(r, reason, e);
    case CURLE_OUT_OF_MEMORY:
        /* Also what libcurl says of a header line above its own limit. */
        if (r->connected && !r->head_done)
            return err_set(e, ERR_FAILED,
                           "%s: the head of the answer has no end", r->name);
        return err_set(e, ERR_NO_SPACE, "%s: out of memory", r->name);
    default:
        return connection_failed(r, reason, e);
    }
}

/* --- steps -----------------------------------------------------------------*/

/* The fault seam: a network call that fails. */
static int strike(const struct http_request *r, struct err *e)
{
    enum fault_kind kind = !r->connected ? FAULT_CONNECT
                           : r->upload   ? FAULT_WRITE
                                         : FAULT_READ;

    if (!fault_strikes(kind))
        return 0;
    return err_errno(e, ECONNRESET, "%s: the connection failed", r->name);
}

static void note_end(struct http_request *r)
{
    int left;

    for (CURLMsg *m; (m = curl_multi_info_read(r->multi, &left));)
        if (m->msg == CURLMSG_DONE) {
            r->ended = true;
            r->result = m->data.result;
        }
}

static void note_head(struct http_request *r)
{
    struct http_reply *reply = &r->reply;
    struct curl_header *to = NULL;
    char *url = NULL;
    long status = 0;
    curl_off_t length = -1;

    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(r->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                            &length);
    (void)curl_easy_getinfo(r->easy, CURLINFO_EFFECTIVE_URL, &url);
    reply->status = (int)status;
    reply->length = length;
    if (status / 100 != 3 || !url ||
        curl_easy_header(r->easy, "Location", 0, CURLH_HEADER, -1, &to))
        return;
    if (!http_url_join(url, to->value, reply->location,
                       sizeof(reply->location)))
        reply->location[0] = '\0';
}

/* Whether a body that ends with its connection was cut: TLS tells such an end
 * from an attacker's. */
static bool is_cut(const struct http_request *r)
{
    struct curl_header *h = NULL;
    bool has_body = r->reply.status != 204 && r->reply.status != 304;

    return has_body && !r->upload && r->verify.seen && !r->verify.ended &&
           r->reply.length < 0 &&
           curl_easy_header(r->easy, "Transfer-Encoding", 0, CURLH_HEADER, -1,
                            &h) != CURLHE_OK;
}

int http_step(struct http_request *r, struct err *e)
{
    CURLMcode code;
    int running;

    TRY(wait_check(r->cfg->wait, e));
    if (!r->ended) {
        TRY(strike(r, e));
        code = curl_multi_perform(r->multi, &running);
        if (code)
            return err_set(e, ERR_FAILED, "%s: %s", r->name,
                           curl_multi_strerror(code));
        if (!running)
            note_end(r);
        if (r->head_done && !r->reply.status)
            note_head(r);
        if (r->once && r->headers && (r->head_done || http_sent(r)))
            http_request_forget(r);
    }
    if (!r->ended)
        return 0;
    if (r->result && http_trust_ask(&r->verify)) {
        /* Nothing was sent: it begins anew, and so does its time. */
        http_request_stop(r);
        return http_request_start(r, e);
    }
    if (r->result)
        return failed(r, e);
    return r->head_done && !is_cut(r) ? 1 : early_end(r, e);
}

static int too_long(const struct http_request *r, double limit, struct err *e)
{
    char where[80];

    if (r->head_bytes && !r->head_done)
        return err_set(e, ERR_TEMPORARY,
                       "%s: the head of the answer was not complete after "
                       "%.0f seconds",
                       r->name, limit);
    describe_progress(r, where, sizeof(where));
    return err_set(e, ERR_TEMPORARY, "%s: no byte in %.0f seconds%s", r->name,
                   limit, where);
}

int http_wait(struct http_request *r, double limit, struct err *e)
{
    const struct wait *w = r->cfg->wait;
    struct curl_waitfd stop = {.fd = w ? cancel_fd(w->cancel) : -1,
                               .events = CURL_WAIT_POLLIN};
    double left = 3600;

    if (moved(r) != r->moved)
        http_clock_start(r);
    if (limit > 0)
        left = r->since + limit - wait_now();
    if (left <= 0)
        return too_long(r, limit, e);
    if (left > 3600)
        left = 3600;
    if (curl_multi_poll(r->multi, &stop, stop.fd >= 0, (int)(left * 1000) + 1,
                        NULL))
        return err_set(e, ERR_FAILED, "%s: waiting failed", r->name);
    return wait_check(w, e);
}

static int open_socket(const struct http_request *r)
{
    for (unsigned i = 0; i < HTTP_SOCKETS; i++)
        if (r->sockets[i] >= 0)
            return r->sockets[i];
    return -1;
}

/* While an upload is paused, libcurl does not tell that the server has gone.
 * This look takes a pending error off the socket, so it has to report it. */
static int check_peer(const struct http_request *r, struct err *e)
{
    char byte, reason[128];
    ssize_t got;
    int fd;

    if (!r->upload || !r->connected)
        return 0;
    if (r->verify.ended)
        return early_end(r, e);
    fd = open_socket(r);
    if (fd < 0)
        return 0;
    got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return 0;
    if (!got)
        return early_end(r, e);
    return connection_failed(r, strerror_r(errno, reason, sizeof(reason)), e);
}

int http_await_head(struct http_request *r, struct err *e)
{
    for (;;) {
        int end = http_step(r, e);

        /* What failed after the head is told by the next step. */
        if (end > 0 || (r->head_done && end != ERR_CANCELLED))
            return 0;
        TRY(end);
        TRY(check_peer(r, e));
        TRY(http_wait(r, http_limit(r), e));
    }
}
