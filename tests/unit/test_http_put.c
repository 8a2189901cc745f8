/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MIB = 1 << 20, BODY = 9 * MIB + 123 };

#define EARLY_200                                                              \
    "HTTP/1.1 200 OK\r\nConnection: close\r\n"                                 \
    "Cache-Control: no-cache, no-store\r\ntask-id:OpaqueRef:1\r\n"             \
    "content-type: application/octet-stream\r\n\r\n"
static const struct wait patient = {.timeout_s = 60};
static const struct http_config config = {.wait = &patient};

/* What a peer saw. */
struct seen {
    char head[4096];
    size_t body;
    uint64_t sum;
    bool reset;
    struct cancel *cancel;
};

static uint8_t pattern[BODY];

static int make_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < BODY; i++)
        pattern[i] = (uint8_t)(i * 7 + i / 251);
    return 0;
}

static uint64_t sum_of(const uint8_t *p, size_t len, uint64_t sum)
{
    while (len--)
        sum = sum * 31 + *p++;
    return sum;
}

static void take(struct peer_conn *c, struct seen *s, size_t len)
{
    static uint8_t buf[65536];

    while (len) {
        size_t want = len < sizeof(buf) ? len : sizeof(buf);
        size_t got = peer_recv(c, buf, want);

        s->sum = sum_of(buf, got, s->sum);
        s->body += got;
        len -= got;
        if (got < want)
            return;
    }
}

static struct http_stream *open_put(struct peer *p, const struct http_config *c,
                                    int64_t size, bool head_first)
{
    struct http_stream *st = NULL;
    struct err e = {0};

    assert_ok(http_put_open(&st, c, peer_url(p, "import?session_id=x"), "place",
                            NULL, size, head_first, &e),
              &e);
    return st;
}

/* --- good ends -------------------------------------------------------------*/

static void serve_early_200(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    (void)peer_head(c, s->head, sizeof(s->head));
    peer_send(c, EARLY_200);
    take(c, s, BODY);
}

static void test_head_first_sends_the_body_after_the_head(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_early_200, &s, NULL, NULL);
    CLEANUP(http_stream) struct http_stream *st = NULL;
    uint8_t *bytes = pattern;
    struct err e = {0};

    (void)state;
    st = open_put(p, &config, BODY, true);
    assert_int_equal(http_stream_reply(st)->status, 200);
    assert_int_equal(http_stream_reply(st)->length, -1);
    for (size_t at = 0; at < BODY; at += MIB)
        assert_ok(http_stream_write(st, bytes + at,
                                    BODY - at < MIB ? BODY - at : MIB, &e),
                  &e);
    assert_ok(http_stream_finish(st, &e), &e);
    assert_ok(http_reply_check(http_stream_reply(st), "place", &e), &e);
    peer_stop(p);
    assert_int_equal(s.body, BODY);
    assert_true(s.sum == sum_of(bytes, BODY, 0));
}

/* The server ends its answer when it has read all that it expects, before or
 * after the client ends the body. */
static void test_a_body_that_has_its_end_within(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct seen s = {.body = 0};
        struct peer *p = peer_start(serve_early_200, &s, NULL, NULL);
        CLEANUP(http_stream) struct http_stream *st = NULL;
        struct err e = {0};

        st = open_put(p, &config, HTTP_SIZE_WITHIN, true);
        assert_null(strcasestr(s.head, "content-length"));
        assert_null(strcasestr(s.head, "transfer-encoding"));
        assert_ok(http_stream_write(st, pattern, BODY, &e), &e);
        if (late)
            (void)peer_stop(p);
        assert_ok(http_stream_finish(st, &e), &e);
        if (!late)
            (void)peer_stop(p);
        assert_true(s.sum == sum_of(pattern, BODY, 0));
    }
}

static void serve_half(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    (void)peer_head(c, s->head, sizeof(s->head));
    peer_send(c, EARLY_200);
    take(c, s, BODY / 2);
}

static void test_a_body_with_its_end_within_that_is_not_taken(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_half, &s, NULL, NULL);
    CLEANUP(http_stream) struct http_stream *st = NULL;
    struct err e = {0};
    int code = 0;

    (void)state;
    st = open_put(p, &config, HTTP_SIZE_WITHIN, true);
    for (int i = 0; i < 50 && !code; i++)
        code = http_stream_write(st, pattern, BODY, &e);
    assert_int_equal(code, ERR_TEMPORARY);
    (void)peer_stop(p);
}

static void test_the_head_has_only_what_is_needed(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_early_200, &s, NULL, NULL);
    struct http_stream *st;
    char expected[512];

    (void)state;
    (void)snprintf(expected, sizeof(expected),
                   "PUT /import?session_id=x HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\nUser-Agent: vhdstream/%s\r\n"
                   "Content-Length: %d\r\n\r\n",
                   peer_port(p), VHDSTREAM_VERSION, BODY);
    st = open_put(p, &config, BODY, true);
    http_stream_close(st);
    peer_stop(p);
    assert_string_equal(s.head, expected);
}

static void serve_late_answer(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    (void)peer_head(c, s->head, sizeof(s->head));
    take(c, s, BODY);
    peer_send(c, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nOK");
    peer_hold(c);
}

static void test_an_answer_after_the_body(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_late_answer, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, BODY, false);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, pattern, BODY, &e), &e);
    assert_ok(http_stream_flush(st, &e), &e);
    assert_ok(http_stream_finish(st, &e), &e);
    assert_int_equal(http_stream_reply(st)->status, 201);
    assert_string_equal(http_stream_reply(st)->note, "OK");
    http_stream_close(st);
    peer_stop(p);
    assert_int_equal(s.body, BODY);
}

/* The whole request, as bytes, until the client ends it. */
static void serve_raw(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;
    size_t have;

    (void)peer_head(c, s->head, sizeof(s->head));
    have = strlen(s->head);
    while (have + 1 < sizeof(s->head) && peer_recv(c, s->head + have, 1) == 1) {
        s->head[++have] = '\0';
        if (strstr(s->head, "\r\n\r\n0\r\n\r\n") || strstr(s->head, "x0\r\n"))
            break;
        if (strstr(s->head, "\r\n0\r\n\r\n"))
            peer_send(c, "HTTP/1.1 204 No Content\r\n\r\n");
    }
    s->reset = peer_drain(c, &s->reset) == 0 && s->reset;
}

static void test_unknown_size_is_sent_in_chunks(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_raw, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, -1, false);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, "hello", 5, &e), &e);
    assert_ok(http_stream_finish(st, &e), &e);
    assert_int_equal(http_stream_reply(st)->status, 204);
    http_stream_close(st);
    peer_stop(p);
    assert_non_null(strstr(s.head, "Transfer-Encoding: chunked\r\n"));
    assert_null(strstr(s.head, "Content-Length"));
    assert_non_null(strstr(s.head, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
}

static void test_an_empty_body(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_early_200, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 0, true);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_flush(st, &e), &e);
    /* The peer wants more than is promised; so it must see an end. */
    http_stream_close(st);
    peer_stop(p);
    assert_non_null(strstr(s.head, "Content-Length: 0\r\n"));
    assert_int_equal(s.body, 0);
}

/* --- broken off by us ------------------------------------------------------*/

static void serve_counting(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    peer_skip_head(c);
    peer_send(c, EARLY_200);
    s->body = peer_drain(c, &s->reset);
}

static void test_closing_early_resets_the_connection(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_counting, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, BODY, true);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, pattern, 1000, &e), &e);
    http_stream_close(st);
    peer_stop(p);
    assert_true(s.reset);
    assert_true(s.body <= 1000);
}

static void test_closing_early_sends_no_last_chunk(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_raw, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, -1, false);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, "hello", 5, &e), &e);
    http_stream_close(st);
    peer_stop(p);
    assert_null(strstr(s.head, "\r\n0\r\n"));
}

static void test_finish_refuses_a_body_that_is_short(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_counting, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 100, true);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, pattern, 99, &e), &e);
    assert_int_equal(http_stream_finish(st, &e), ERR_FAILED);
    assert_string_equal(e.text, "place: only 99 of the 100 promised bytes were "
                                "written");
    http_stream_close(st);
    peer_stop(p);
    assert_true(s.reset);
}

static void test_write_refuses_more_than_was_promised(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_counting, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 100, true);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, pattern, 60, &e), &e);
    assert_int_equal(http_stream_write(st, pattern, 41, &e), ERR_FAILED);
    http_stream_close(st);
    peer_stop(p);
}

static void serve_cancelling(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    peer_skip_head(c);
    take(c, s, 1000);
    /* Reading no more, so that the client has to wait; the pause makes it
     * likely that it does, nothing depends on it. */
    (void)usleep(50 * 1000);
    cancel_request(s->cancel);
    peer_hold(c);
}

static void test_a_stop_request_ends_a_write_that_waits(void **state)
{
    struct seen s = {.body = 0};
    struct wait w = {.timeout_s = 60};
    struct http_config cfg = {.wait = &w};
    struct err e = {0};
    struct http_stream *st;
    struct peer *p;
    int result = 0;

    (void)state;
    assert_ok(cancel_open(&s.cancel, &e), &e);
    w.cancel = s.cancel;
    p = peer_start(serve_cancelling, &s, NULL, NULL);
    st = open_put(p, &cfg, -1, false);
    while (!result)
        result = http_stream_write(st, pattern, BODY, &e);
    assert_int_equal(result, ERR_CANCELLED);
    assert_string_equal(e.text, "stopped");
    assert_int_equal(http_stream_finish(st, &e), ERR_CANCELLED);
    http_stream_close(st);
    peer_stop(p);
    cancel_close(s.cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_first_sends_the_body_after_the_head),
        cmocka_unit_test(test_a_body_that_has_its_end_within),
        cmocka_unit_test(test_a_body_with_its_end_within_that_is_not_taken),
        cmocka_unit_test(test_the_head_has_only_what_is_needed),
        cmocka_unit_test(test_an_answer_after_the_body),
        cmocka_unit_test(test_unknown_size_is_sent_in_chunks),
        cmocka_unit_test(test_an_empty_body),
        cmocka_unit_test(test_closing_early_resets_the_connection),
        cmocka_unit_test(test_closing_early_sends_no_last_chunk),
        cmocka_unit_test(test_finish_refuses_a_body_that_is_short),
        cmocka_unit_test(test_write_refuses_more_than_was_promised),
        cmocka_unit_test(test_a_stop_request_ends_a_write_that_waits),
    };

    return cmocka_run_group_tests(tests, make_pattern, NULL);
}
