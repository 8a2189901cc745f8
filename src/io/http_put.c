/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/mem.h"
#include "io/http_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- what libcurl asks -----------------------------------------------------*/

/* Only `finish` ends the body. Whoever stops before it leaves a body that is
 * seen to be cut, because this never returned 0. */
static size_t on_need(char *to, size_t one, size_t room, void *arg)
{
    struct http_stream *st = arg;
    size_t now = (size_t)min_u64(room, st->out_len);

    (void)one;
    if (now) {
        memcpy(to, st->out, now);
        st->out += now;
        st->out_len -= now;
        return now;
    }
    if (st->ending) {
        st->end_sent = true;
        return 0;
    }
    st->out_paused = true;
    return CURL_READFUNC_PAUSE;
}

static size_t on_answer(char *data, size_t one, size_t len, void *arg)
{
    struct http_stream *st = arg;
    struct http_request *r = &st->req;

    (void)one;
    http_note_add(&r->note, data, len);
    if (r->note.total <= HTTP_NOTE_BODY_MAX)
        return len;
    err_set(&r->failure, ERR_FAILED, "%s: the answer has no end", r->name);
    return 0;
}

int http_put_open(struct http_stream **out, const struct http_config *cfg,
                  const char *url, const char *name, const char *const *headers,
                  int64_t size, bool head_first, struct err *e)
{
    CLEANUP(http_stream) struct http_stream *st = NULL;
    curl_off_t announced = size < 0 ? -1 : (curl_off_t)size;
    CURL *c;

    TRY(http_stream_open(&st, cfg, url, name, headers, e));
    if (size == HTTP_SIZE_WITHIN)
        TRY(http_request_headers(&st->req, "Transfer-Encoding:", headers, e));
    c = st->req.easy;
    st->req.upload = true;
    st->req.verify.farewell = false;
    st->req.size = size;
    if (curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) ||
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, announced) ||
        curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_SEND_SIZE) ||
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_need) ||
        curl_easy_setopt(c, CURLOPT_READDATA, st) ||
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer) ||
        curl_easy_setopt(c, CURLOPT_WRITEDATA, st))
        return err_set(e, ERR_FAILED, "libcurl refused a setting");
    TRY(http_request_start(&st->req, e));
    if (head_first) {
        TRY(http_await_head(&st->req, e));
        if (st->req.reply.status >= 300)
            TRY(http_stream_note(st, e));
    }
    *out = st;
    st = NULL;
    return 0;
}

/* --- the body --------------------------------------------------------------*/

/* Whether the server has said no: by its status, or by a second head. */
static bool is_refused(const struct http_stream *st)
{
    return st->req.reply.status >= 300 || http_note_is_head(&st->req.note);
}

/* The server broke off, with or without a word. */
static int broken_off(struct http_stream *st, struct err *e)
{
    struct http_request *r = &st->req;
    const struct http_reply *reply = &r->reply;
    char of[40] = "", said[40] = "";
    int64_t at = http_sent(r);
    int status;

    TRY(http_stream_note(st, e));
    status = reply->late_status ? reply->late_status : reply->status;
    if (r->size >= 0)
        (void)snprintf(of, sizeof(of), " of %" PRId64, r->size);
    if (status >= 300 && !reply->late_status)
        (void)snprintf(said, sizeof(said), ": status %d", status);
    return err_set(e, status >= 300 ? http_status_code(status) : ERR_TEMPORARY,
                   "%s: the server broke off at byte %" PRId64 "%s%s%s%s",
                   r->name, at, of, said, *reply->note ? ": " : "",
                   reply->note);
}

/* One step of a body that is being sent. A failed connection may have carried
 * the server's reason before it failed. */
static int send_step(struct http_stream *st, struct err *e)
{
    struct http_request *r = &st->req;
    int end;

    http_stream_unpause(st);
    end = http_step(r, e);
    if (end != ERR_CANCELLED && is_refused(st))
        return broken_off(st, e);
    return end;
}

/* Of a body that has its end within: the server has had all that was written so
 * far, and does not wait for more. */
static bool is_had(const struct http_stream *st)
{
    const struct http_request *r = &st->req;

    return r->size == HTTP_SIZE_WITHIN && !st->out_len &&
           (uint64_t)http_sent(r) == st->written;
}

int http_stream_write(struct http_stream *st, const void *buf, size_t len,
                      struct err *e)
{
    struct http_request *r = &st->req;

    if (r->size >= 0 && len > (uint64_t)r->size - st->written)
        return err_set(e, ERR_FAILED,
                       "%s: more than the %" PRId64 " bytes that were promised",
                       r->name, r->size);
    if (is_refused(st))
        return broken_off(st, e);
    st->out = buf;
    st->out_len = len;
    st->written += len;
    http_clock_start(r);
    while (st->out_len) {
        int end = send_step(st, e);

        TRY(end);
        if (end && !is_had(st))
            return broken_off(st, e);
        if (st->out_len)
            TRY(http_wait(r, http_limit(r), e));
    }
    return 0;
}

static int check_written(const struct http_stream *st, struct err *e)
{
    const struct http_request *r = &st->req;

    if (r->size < 0 || st->written == (uint64_t)r->size)
        return 0;
    return err_set(e, ERR_FAILED,
                   "%s: only %" PRIu64 " of the %" PRId64
                   " promised bytes were written",
                   r->name, st->written, r->size);
}

int http_stream_flush(struct http_stream *st, struct err *e)
{
    struct http_request *r = &st->req;

    if (r->size < 0)
        return err_set(e, ERR_FAILED, "%s: the size is not known", r->name);
    TRY(check_written(st, e));
    http_clock_start(r);
    while (http_sent(r) < r->size) {
        int end = send_step(st, e);

        TRY(end);
        if (http_sent(r) == r->size)
            break;
        if (end)
            return broken_off(st, e);
        TRY(http_wait(r, http_limit(r), e));
    }
    return 0;
}

static bool is_all_sent(const struct http_stream *st)
{
    const struct http_request *r = &st->req;

    if (r->size >= 0)
        return http_sent(r) >= r->size;
    return st->end_sent || (r->ended && is_had(st));
}

/* To the end of the answer, or to a refusal. */
static int run_to_end(struct http_stream *st, struct err *e)
{
    struct http_request *r = &st->req;

    for (;;) {
        int end;

        http_stream_unpause(st);
        end = http_step(r, e);
        if (end == ERR_CANCELLED || (end < 0 && !is_refused(st)))
            return end;
        if (end || (is_refused(st) && !is_all_sent(st)))
            return 0;
        TRY(http_wait(r, http_limit(r), e));
    }
}

int http_stream_finish(struct http_stream *st, struct err *e)
{
    TRY(check_written(st, e));
    if (is_refused(st) && !is_all_sent(st))
        return broken_off(st, e);
    st->ending = true;
    http_clock_start(&st->req);
    TRY(run_to_end(st, e));
    if (!is_all_sent(st))
        return broken_off(st, e);
    st->req.complete = true;
    http_note_finish(&st->req.note, &st->req.reply);
    return 0;
}
