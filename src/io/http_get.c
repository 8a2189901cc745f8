/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "base/mem.h"
#include "io/http_inner.h"

#include <string.h>

static bool is_success(const struct http_stream *st)
{
    long status = 0;

    (void)curl_easy_getinfo(st->req.easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

/* Into the caller's buffer first; what does not fit waits in the stash. Since
 * http_step is not called while that holds something, one received buffer
 * always fits; pausing is for the rare case that it grew on the way. */
static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
    struct http_stream *st = arg;
    size_t room = st->in_room - st->in_have;
    size_t direct = (size_t)min_u64(len, room);

    (void)one;
    if (!is_success(st)) {
        http_note_add(&st->req.note, data, len);
        return len;
    }
    if (len - direct > HTTP_STASH_SIZE - st->stash_len) {
        st->in_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (direct)
        memcpy(st->in + st->in_have, data, direct);
    st->in_have += direct;
    memcpy(st->stash + st->stash_len, data + direct, len - direct);
    st->stash_len += len - direct;
    return len;
}

int http_get_open(struct http_stream **out, const struct http_config *cfg,
                  const char *url, const char *name, const char *const *headers,
                  struct err *e)
{
    CLEANUP(http_stream) struct http_stream *st = NULL;
    CURL *c;

    TRY(http_stream_open(&st, cfg, url, name, headers, e));
    TRY(mem_alloc_buffer(&st->stash, HTTP_STASH_SIZE, e));
    c = st->req.easy;
    if (curl_easy_setopt(c, CURLOPT_HTTPGET, 1L) ||
        curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)HTTP_RECEIVE_SIZE) ||
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) ||
        curl_easy_setopt(c, CURLOPT_WRITEDATA, st))
        return err_set(e, ERR_FAILED, "libcurl refused a setting");
    TRY(http_request_start(&st->req, e));
    TRY(http_await_head(&st->req, e));
    if (!is_success(st))
        TRY(http_stream_note(st, e));
    *out = st;
    st = NULL;
    return 0;
}

static int64_t from_stash(struct http_stream *st, void *buf, size_t len)
{
    size_t now = (size_t)min_u64(len, st->stash_len - st->stash_pos);

    memcpy(buf, st->stash + st->stash_pos, now);
    st->stash_pos += now;
    if (st->stash_pos == st->stash_len)
        st->stash_pos = st->stash_len = 0;
    return (int64_t)now;
}

/* Moves until the buffer is full or nothing more is there at once. A failure
 * after some bytes is told by the next call. */
static int64_t receive(struct http_stream *st, struct err *e)
{
    struct http_request *r = &st->req;

    for (;;) {
        size_t before = st->in_have;
        int end;

        if (st->in_paused) {
            st->in_paused = false;
            (void)curl_easy_pause(r->easy, CURLPAUSE_CONT);
        }
        end = http_step(r, st->in_have ? NULL : e);
        if (st->in_have == st->in_room ||
            (st->in_have && (end || st->in_have == before)))
            return (int64_t)st->in_have;
        TRY(end);
        if (end)
            return 0;
        if (st->in_have == before)
            TRY(http_wait(r, http_limit(r), e));
    }
}

int64_t http_stream_read(struct http_stream *st, void *buf, size_t len,
                         struct err *e)
{
    int64_t got;

    if (st->stash_len)
        return from_stash(st, buf, len);
    if (!is_success(st) || !len)
        return 0;
    http_clock_start(&st->req);
    st->in = buf;
    st->in_room = len;
    st->in_have = 0;
    got = receive(st, e);
    st->in = NULL;
    st->in_room = st->in_have = 0;
    return got;
}
