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

static const struct wait patient = {.timeout_s = 60};
static const struct http_config config = {.wait = &patient};

struct script {
    char head[4096];    /* of the request */
    const char *answer; /* its head */
    bool chunked;
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

static void send_chunks(struct peer_conn *c)
{
    size_t at = 0, len = 1;

    for (; at < BODY; at += len, len = len * 3 % 100003) {
        char line[32];

        if (len > BODY - at)
            len = BODY - at;
        (void)snprintf(line, sizeof(line), "%zx\r\n", len);
        peer_send(c, line);
        peer_send_bytes(c, pattern + at, len);
        peer_send(c, "\r\n");
    }
    peer_send(c, "0\r\n\r\n");
}

static void serve_body(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    (void)peer_head(c, s->head, sizeof(s->head));
    peer_send(c, s->answer);
    if (s->chunked)
        send_chunks(c);
    else
        peer_send_bytes(c, pattern, BODY);
}

static struct http_stream *open_get(struct peer *p, const char *const *headers)
{
    struct http_stream *st = NULL;
    struct err e = {0};

    assert_ok(http_get_open(&st, &config, peer_url(p, "export?session_id=x"),
                            "place", headers, &e),
              &e);
    return st;
}

/* Reads the whole body in pieces of `piece` bytes and compares it. */
static void check_body(const char *answer, bool chunked, size_t piece)
{
    static uint8_t buf[4 * MIB];
    struct script s = {.answer = answer, .chunked = chunked};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);
    struct http_stream *st = open_get(p, NULL);
    const uint8_t *bytes = pattern;
    struct err e = {0};
    size_t at = 0;
    int64_t got;

    while ((got = http_stream_read(st, buf, piece, &e)) > 0) {
        assert_true((size_t)got <= piece && at + (size_t)got <= BODY);
        assert_memory_equal(buf, bytes + at, (size_t)got);
        at += (size_t)got;
    }
    assert_ok(got, &e);
    assert_int_equal(at, BODY);
    http_stream_close(st);
    peer_stop(p);
}

static void test_bodies_of_every_kind_in_pieces_of_every_size(void **state)
{
    static const size_t pieces[] = {999, 16384, 100000, MIB, 4 * MIB};
    char sized[100];

    (void)state;
    (void)snprintf(sized, sizeof(sized),
                   "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        check_body("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false,
                   pieces[i]);
        check_body(sized, false, pieces[i]);
        check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                   true, pieces[i]);
    }
}

static void test_the_reply_is_known_before_the_body(void **state)
{
    struct script s = {.answer = "HTTP/1.1 206 Part\r\ncontent-length:77\r\n"
                                 "\r\n"};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);
    struct http_stream *st = open_get(p, NULL);

    (void)state;
    assert_int_equal(http_stream_reply(st)->status, 206);
    assert_int_equal(http_stream_reply(st)->length, 77);
    http_stream_close(st);
    peer_stop(p);
}

static void test_informational_heads_are_passed_over(void **state)
{
    struct script s = {.answer = "HTTP/1.1 102 Processing\r\n\r\n"
                                 "HTTP/1.1 103 Early\r\nX: y\r\n\r\n"
                                 "HTTP/1.1 200 OK\r\n\r\n"};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);
    struct http_stream *st = open_get(p, NULL);

    (void)state;
    assert_int_equal(http_stream_reply(st)->status, 200);
    http_stream_close(st);
    peer_stop(p);
}

static void test_the_head_has_only_what_is_needed(void **state)
{
    static const char *const headers[] = {"Range: bytes=5-", NULL};
    struct script s = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);
    char expected[512];

    (void)state;
    (void)snprintf(expected, sizeof(expected),
                   "GET /export?session_id=x HTTP/1.1\r\n"
                   "Host: 127.0.0.1:%u\r\nUser-Agent: vhdstream/%s\r\n"
                   "Range: bytes=5-\r\n\r\n",
                   peer_port(p), VHDSTREAM_VERSION);
    http_stream_close(open_get(p, headers));
    peer_stop(p);
    assert_string_equal(s.head, expected);
}

static void test_credentials_are_sent_at_once(void **state)
{
    struct script s = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct http_config cfg = {
        .wait = &patient, .user = "Aladdin", .password = "open sesame"};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(http_get_open(&st, &cfg, peer_url(p, ""), "x", NULL, &e), &e);
    http_stream_close(st);
    peer_stop(p);
    /* The example of RFC 7617 section 2. */
    assert_non_null(strstr(
        s.head, "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
}

static void serve_short(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    peer_skip_head(c);
    peer_send(c, s->answer);
    peer_send_bytes(c, pattern, 1000);
    peer_fin(c);
}

static void check_short(const char *answer, const char *text)
{
    struct script s = {.answer = answer};
    struct peer *p = peer_start(serve_short, &s, NULL, NULL);
    struct http_stream *st = open_get(p, NULL);
    uint8_t buf[2000];
    struct err e = {0};
    size_t have = 0;
    int64_t got;

    while ((got = http_stream_read(st, buf + have, sizeof(buf) - have, &e)) > 0)
        have += (size_t)got;
    assert_int_equal(got, ERR_TEMPORARY);
    assert_int_equal(have, 1000);
    assert_memory_equal(buf, pattern, 1000);
    if (strcmp(e.text, text))
        fail_msg("%s", e.text);
    http_stream_close(st);
    peer_stop(p);
}

static void test_a_short_body_is_no_end(void **state)
{
    (void)state;
    check_short("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
                "place: the server ended the connection at byte 1000 of 1001");
    check_short("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
                "place: the server ended the connection at byte 1000");
}

static void serve_answer(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    peer_skip_head(c);
    peer_send(c, s->answer);
    peer_hold(c);
}

static void test_a_refusal_is_a_reply_with_a_note(void **state)
{
    struct script s = {.answer = "HTTP/1.1 401 Unauthorised\r\n"
                                 "WWW-Authenticate: Basic realm=\"x\"\r\n"
                                 "Content-Length: 9\r\n\r\n<b>no</b>"};
    struct peer *p = peer_start(serve_answer, &s, NULL, NULL);
    struct http_stream *st = open_get(p, NULL);
    struct err e = {0};
    char buf[10];

    (void)state;
    assert_int_equal(http_stream_reply(st)->status, 401);
    assert_string_equal(http_stream_reply(st)->note, "no");
    assert_int_equal(http_stream_read(st, buf, sizeof(buf), &e), 0);
    http_stream_close(st);
    peer_stop(p);
}

static void test_a_redirect_is_a_reply_with_an_absolute_location(void **state)
{
    struct script s = {.answer = "HTTP/1.1 307 There\r\nlocation:/b?c\r\n"
                                 "Content-Length: 0\r\n\r\n"};
    struct peer *p = peer_start(serve_answer, &s, NULL, NULL);
    struct http_stream *st = open_get(p, NULL);

    (void)state;
    assert_int_equal(http_stream_reply(st)->status, 307);
    assert_string_equal(http_stream_reply(st)->location, peer_url(p, "b?c"));
    http_stream_close(st);
    peer_stop(p);
}

/* --- hostile and dead servers ----------------------------------------------*/

static void check_refused(peer_serve *serve, struct script *s, int code,
                          const char *text)
{
    struct peer *p = peer_start(serve, s, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};

    assert_int_equal(
        http_get_open(&st, &config, peer_url(p, ""), "place", NULL, &e), code);
    if (!strstr(e.text, text))
        fail_msg("%s", e.text);
    assert_null(st);
    peer_stop(p);
}

static void serve_endless_head(struct peer_conn *c, void *arg)
{
    peer_skip_head(c);
    peer_send(c, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000; i++)
        peer_send(c, "X-Header: and another one\r\n");
    peer_hold(c);
    (void)arg;
}

static void serve_endless_line(struct peer_conn *c, void *arg)
{
    peer_skip_head(c);
    peer_send(c, "HTTP/1.1 200 OK\r\nX-Header: ");
    for (int i = 0; i < 100000; i++)
        peer_send(c, "and on and on and on and on and on and on");
    peer_hold(c);
    (void)arg;
}

static void serve_endless_heads(struct peer_conn *c, void *arg)
{
    peer_skip_head(c);
    for (int i = 0; i < 100000; i++)
        peer_send(c, "HTTP/1.1 103 Early\r\nX: yz\r\n\r\n");
    peer_hold(c);
    (void)arg;
}

static void test_an_endless_head_is_given_up(void **state)
{
    struct script s = {.answer = ""};

    (void)state;
    check_refused(serve_endless_head, &s, ERR_FAILED,
                  "place: the head of the answer is longer than");
    check_refused(serve_endless_line, &s, ERR_FAILED,
                  "place: the head of the answer has no end");
    check_refused(serve_endless_heads, &s, ERR_FAILED,
                  "place: the head of the answer is longer than");
}

static void test_what_is_no_http_is_refused(void **state)
{
    struct script s = {.answer = "SSH-2.0-OpenSSH_9.2\r\n"};
    struct script binary = {.answer = "\x16\x03\x01\x02\x03\n\n"};

    (void)state;
    check_refused(serve_answer, &s, ERR_FAILED,
                  "place: what answers there is no HTTP");
    check_refused(serve_answer, &binary, ERR_FAILED,
                  "place: what answers there is no HTTP");
}

static void test_nobody_listens(void **state)
{
    struct script s = {.answer = ""};
    struct peer *p = peer_start(serve_answer, &s, NULL, NULL);
    char *url = strdup(peer_url(p, ""));
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    peer_stop(p);
    assert_int_equal(http_get_open(&st, &config, url, "place", NULL, &e),
                     ERR_TEMPORARY);
    assert_non_null(
        strstr(e.text, "place: the connection failed while connecting: "));
    free(url);
}

static void test_what_is_no_url_is_refused(void **state)
{
    static const char *const bad[] = {"",          "nonsense",
                                      "ftp://h/x", "file:///etc/passwd",
                                      "http://",   "https://h:99999/"};
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (http_get_open(&st, &config, bad[i], "x", NULL, &e) != ERR_USAGE)
            fail_msg("'%s': %s", bad[i], e.text);
}

static void serve_cancelling(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    peer_skip_head(c);
    peer_send(c, s->answer);
    (void)usleep(50 * 1000);
    cancel_request(s->cancel);
    peer_hold(c);
}

static void check_cancel(const char *answer)
{
    struct script s = {.answer = answer};
    struct wait w = {.timeout_s = 60};
    struct http_config cfg = {.wait = &w};
    struct http_stream *st = NULL;
    struct err e = {0};
    struct peer *p;
    int64_t got;
    char buf[10];

    assert_ok(cancel_open(&s.cancel, &e), &e);
    w.cancel = s.cancel;
    p = peer_start(serve_cancelling, &s, NULL, NULL);
    got = http_get_open(&st, &cfg, peer_url(p, ""), "x", NULL, &e);
    if (!got)
        got = http_stream_read(st, buf, sizeof(buf), &e);
    assert_int_equal(got, ERR_CANCELLED);
    assert_string_equal(e.text, "stopped");
    http_stream_close(st);
    peer_stop(p);
    cancel_close(s.cancel);
}

static void test_a_stop_request_ends_every_wait(void **state)
{
    (void)state;
    check_cancel("");
    check_cancel("HTTP/1.1 200 OK\r\n");
    check_cancel("HTTP/1.1 200 OK\r\n\r\n");
    check_cancel("HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\n");
}

static void test_the_environment_names_no_proxy(void **state)
{
    struct script s = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    http_stream_close(open_get(p, NULL));
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    peer_stop(p);
}

static void test_a_proxy_is_asked_for_the_whole_url(void **state)
{
    struct script s = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct peer *p = peer_start(serve_body, &s, NULL, NULL);
    struct http_config cfg = {.wait = &patient, .no_proxy = "other.invalid"};
    struct http_stream *st = NULL;
    struct err e = {0};
    char *proxy = strdup(peer_url(p, ""));

    (void)state;
    cfg.proxy = proxy;
    assert_ok(http_get_open(&st, &cfg, "http://some.invalid/x", "x", NULL, &e),
              &e);
    http_stream_close(st);
    peer_stop(p);
    free(proxy);
    assert_int_equal(
        strncmp(s.head, "GET http://some.invalid/x HTTP/1.1\r\n", 36), 0);
}

static void test_a_proxy_that_refuses_a_tunnel(void **state)
{
    struct script s = {.answer = "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n"
                                 "\r\n"};
    struct peer *p = peer_start(serve_answer, &s, NULL, NULL);
    struct http_config cfg = {.wait = &patient};
    struct http_stream *st = NULL;
    struct err e = {0};
    char *proxy = strdup(peer_url(p, ""));

    (void)state;
    cfg.proxy = proxy;
    assert_int_equal(
        http_get_open(&st, &cfg, "https://some.invalid/x", "place", NULL, &e),
        ERR_AUTH);
    assert_string_equal(e.text, "place: the proxy answered 407");
    peer_stop(p);
    free(proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_of_every_kind_in_pieces_of_every_size),
        cmocka_unit_test(test_the_reply_is_known_before_the_body),
        cmocka_unit_test(test_informational_heads_are_passed_over),
        cmocka_unit_test(test_the_head_has_only_what_is_needed),
        cmocka_unit_test(test_credentials_are_sent_at_once),
        cmocka_unit_test(test_a_short_body_is_no_end),
        cmocka_unit_test(test_a_refusal_is_a_reply_with_a_note),
        cmocka_unit_test(test_a_redirect_is_a_reply_with_an_absolute_location),
        cmocka_unit_test(test_an_endless_head_is_given_up),
        cmocka_unit_test(test_what_is_no_http_is_refused),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_what_is_no_url_is_refused),
        cmocka_unit_test(test_a_stop_request_ends_every_wait),
        cmocka_unit_test(test_the_environment_names_no_proxy),
        cmocka_unit_test(test_a_proxy_is_asked_for_the_whole_url),
        cmocka_unit_test(test_a_proxy_that_refuses_a_tunnel),
    };

    return cmocka_run_group_tests(tests, make_pattern, NULL);
}
