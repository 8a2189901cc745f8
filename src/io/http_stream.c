/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "io/http_inner.h"

#include <stdlib.h>

int http_stream_open(struct http_stream **out, const struct http_config *cfg,
                     const char *url, const char *name,
                     const char *const *headers, struct err *e)
{
    CLEANUP(http_stream) struct http_stream *st = NULL;

    TRY(mem_alloc(&st, sizeof(*st), "an HTTP stream", e));
    TRY(http_request_open(&st->req, cfg, name, e));
    st->req.once = true;
    TRY(http_request_target(&st->req, url, e));
    TRY(http_request_headers(&st->req, NULL, headers, e));
    *out = st;
    st = NULL;
    return 0;
}

const struct http_reply *http_stream_reply(const struct http_stream *st)
{
    return &st->req.reply;
}

bool http_stream_header(const struct http_stream *st, const char *name,
                        char *out, size_t size)
{
    return http_request_header(&st->req, name, out, size);
}

void http_stream_unpause(struct http_stream *st)
{
    if (!st->out_paused)
        return;
    st->out_paused = false;
    (void)curl_easy_pause(st->req.easy, CURLPAUSE_CONT);
}

int http_stream_note(struct http_stream *st, struct err *e)
{
    struct http_request *r = &st->req;
    double limit = http_limit(r);
    int result = 0;

    if (limit <= 0 || limit > HTTP_NOTE_WAIT_S)
        limit = HTTP_NOTE_WAIT_S;
    http_clock_start(r);
    while (!result && !r->ended && r->note.len < sizeof(r->note.raw)) {
        http_stream_unpause(st);
        result = http_step(r, NULL);
        if (!result)
            result = http_wait(r, limit, NULL);
    }
    http_note_finish(&r->note, &r->reply);
    return result == ERR_CANCELLED ? wait_check(r->cfg->wait, e) : 0;
}

void http_stream_close(struct http_stream *st)
{
    if (!st)
        return;
    http_request_close(&st->req);
    free(st->stash);
    free(st);
}

void http_stream_cleanup(struct http_stream **st)
{
    http_stream_close(*st);
    *st = NULL;
}
