/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1 << 20 };

#define EARLY_200                                                              \
    "HTTP/1.1 200 OK\r\nConnection: close\r\n"                                 \
    "Cache-Control: no-cache, no-store\r\ntask-id:OpaqueRef:1\r\n"             \
    "content-type: application/octet-stream\r\n\r\n"
#define LATE_500                                                               \
    "HTTP/1.1 500 Internal Error\r\ncontent-length: 60\r\n"                    \
    "connection:close\r\n\r\n<html><body><h1>HTTP 500</h1>"                    \
    "VDI_IO_ERROR: [ Device I/O errors ]</body></html>"

static const struct wait patient = {.timeout_s = 60};
static const struct http_config config = {.wait = &patient};

/* What a peer saw. */
struct seen {
    char head[4096];
    size_t body;
};

static const uint8_t pattern[MIB];

static void take(struct peer_conn *c, struct seen *s, size_t len)
{
    static uint8_t buf[65536];

    while (len) {
        size_t want = len < sizeof(buf) ? len : sizeof(buf);
        size_t got = peer_recv(c, buf, want);

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

/* Writes until something fails; the code. */
static int write_until_refused(struct http_stream *st, struct err *e)
{
    int result = 0;

    for (int i = 0; i < 1000 && !result; i++)
        result = http_stream_write(st, pattern, MIB, e);
    return result;
}

static void serve_late_500(struct peer_conn *c, void *arg)
{
    peer_skip_head(c);
    peer_send(c, EARLY_200);
    take(c, arg, 5000);
    peer_send(c, LATE_500);
    peer_fin(c);
}

static void test_a_second_head_in_the_body_breaks_off_the_write(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_late_500, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 1000ll * MIB, true);
    struct err e = {0};

    (void)state;
    assert_int_equal(write_until_refused(st, &e), ERR_TEMPORARY);
    assert_non_null(strstr(e.text, "place: the server broke off at byte "));
    assert_non_null(strstr(e.text,
                           " of 1048576000: HTTP/1.1 500 Internal Error "
                           "HTTP 500 VDI_IO_ERROR: [ Device I/O errors "
                           "]"));
    assert_int_equal(http_stream_reply(st)->status, 200);
    assert_int_equal(http_stream_reply(st)->late_status, 500);
    http_stream_close(st);
    peer_stop(p);
}

static void serve_500_after_all(struct peer_conn *c, void *arg)
{
    peer_skip_head(c);
    peer_send(c, EARLY_200);
    take(c, arg, 5000);
    peer_send(c, LATE_500);
}

static void test_a_second_head_after_the_body_is_in_the_reply(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_500_after_all, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 5000, true);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, pattern, 5000, &e), &e);
    assert_ok(http_stream_finish(st, &e), &e);
    assert_int_equal(http_stream_reply(st)->late_status, 500);
    assert_non_null(strstr(http_stream_reply(st)->note, "VDI_IO_ERROR"));
    http_stream_close(st);
    peer_stop(p);
}

static void serve_302(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    peer_skip_head(c);
    peer_send(c, "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: "
                 "https://10.1.2.3/import?session_id=x\r\n\r\n");
    peer_fin(c);
    s->body = 1;
}

static void test_a_redirect_is_told_before_a_body_byte(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_302, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 1000, true);
    struct err e = {0};

    (void)state;
    assert_int_equal(http_stream_reply(st)->status, 302);
    assert_string_equal(http_stream_reply(st)->location,
                        "https://10.1.2.3/import?session_id=x");
    assert_int_equal(http_stream_write(st, pattern, 10, &e), ERR_FAILED);
    http_stream_close(st);
    peer_stop(p);
}

static void serve_status(struct peer_conn *c, void *arg)
{
    peer_skip_head(c);
    peer_send(c, arg);
    peer_hold(c);
}

static void check_refusal(const char *answer, bool head_first, int code,
                          const char *text)
{
    char *copy = strdup(answer);
    struct peer *p = peer_start(serve_status, copy, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 1000ll * MIB, head_first);
    struct err e = {0};

    assert_int_equal(write_until_refused(st, &e), code);
    if (!strstr(e.text, text))
        fail_msg("%s", e.text);
    http_stream_close(st);
    peer_stop(p);
    free(copy);
}

static void test_a_refusal_during_the_body_is_told_with_its_text(void **state)
{
    static const char *const denied =
        "HTTP/1.1 401 Unauthorised\r\nContent-Length: 8\r\n\r\ngo <b>away";
    static const char *const closing =
        "HTTP/1.1 507 Full\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
        "full!";

    (void)state;
    for (int head_first = 0; head_first < 2; head_first++) {
        check_refusal(denied, head_first, ERR_AUTH, ": status 401: go a");
        check_refusal(closing, head_first, ERR_NO_SPACE, ": status 507: full!");
    }
}

/* Refuses at once, keeps the connection, and takes down what still comes. */
static void serve_refusal_raw(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;

    peer_skip_head(c);
    peer_send(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    s->body = peer_recv(c, s->head, sizeof(s->head) - 1);
    s->head[s->body] = '\0';
}

static void test_a_refused_chunked_body_has_no_last_chunk(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_refusal_raw, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, -1, false);
    struct err e = {0};

    (void)state;
    while (!http_stream_reply(st)->status)
        if (http_stream_write(st, "x", 1, &e) < 0)
            break;
    assert_int_equal(http_stream_finish(st, &e), ERR_AUTH);
    http_stream_close(st);
    peer_stop(p);
    assert_null(strstr(s.head, "0\r\n\r\n"));
}

static void serve_endless_answer(struct peer_conn *c, void *arg)
{
    static char block[65536];

    peer_skip_head(c);
    take(c, arg, 10);
    peer_send(c, "HTTP/1.1 200 OK\r\n\r\n");
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 1000; i++)
        peer_send_bytes(c, block, sizeof(block));
}

static void test_an_endless_answer_is_given_up(void **state)
{
    struct seen s = {.body = 0};
    struct peer *p = peer_start(serve_endless_answer, &s, NULL, NULL);
    struct http_stream *st = open_put(p, &config, 10, false);
    struct err e = {0};

    (void)state;
    assert_ok(http_stream_write(st, pattern, 10, &e), &e);
    assert_int_equal(http_stream_finish(st, &e), ERR_FAILED);
    assert_string_equal(e.text, "place: the answer has no end");
    http_stream_close(st);
    peer_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_head_in_the_body_breaks_off_the_write),
        cmocka_unit_test(test_a_second_head_after_the_body_is_in_the_reply),
        cmocka_unit_test(test_a_redirect_is_told_before_a_body_byte),
        cmocka_unit_test(test_a_refusal_during_the_body_is_told_with_its_text),
        cmocka_unit_test(test_a_refused_chunked_body_has_no_last_chunk),
        cmocka_unit_test(test_an_endless_answer_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
