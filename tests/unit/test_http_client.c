/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct wait patient = {.timeout_s = 60};
static const struct http_config config = {.wait = &patient};

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct script {
    char head[4096];
    char body[4096]; /* of the last request */
    const char *answer;
    unsigned per_connection; /* requests answered, then it is closed */
    unsigned requests;       /* heads seen */
    struct cancel *cancel;
    atomic_int ended; /* connections that the server has ended */
};

static bool take_request(struct peer_conn *c, struct script *s)
{
    const char *length;
    size_t len;

    if (!peer_head(c, s->head, sizeof(s->head)))
        return false;
    s->requests++;
    length = strstr(s->head, "Content-Length: ");
    len = length ? (size_t)atoi(length + 16) : 0;
    if (len >= sizeof(s->body))
        len = sizeof(s->body) - 1;
    s->body[peer_recv(c, s->body, len)] = '\0';
    return true;
}

static void serve_calls(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    for (unsigned i = 0; i < s->per_connection && take_request(c, s); i++)
        peer_send(c, s->answer);
}

/* A client and the answer to its last call. */
struct fixture {
    struct http_client *client;
    struct http_reply reply;
    char *out;
    struct err e;
};

static int post(struct fixture *f, struct peer *p, const char *body, size_t max)
{
    free(f->out);
    f->out = NULL;
    return http_client_post(f->client, peer_url(p, "jsonrpc"), "pool",
                            "application/json", body, strlen(body), max,
                            &f->out, &f->reply, &f->e);
}

static void open_client(struct fixture *f, const struct http_config *cfg)
{
    memset(f, 0, sizeof(*f));
    assert_ok(http_client_open(&f->client, cfg, &f->e), &f->e);
}

static void close_client(struct fixture *f)
{
    http_client_close(f->client);
    free(f->out);
}

static void test_a_call_brings_the_answer(void **state)
{
    struct script s = {.answer = ANSWER, .per_connection = 1};
    struct peer *p = peer_start(serve_calls, &s, NULL, NULL);
    struct fixture f;
    char expected[512];

    (void)state;
    open_client(&f, &config);
    assert_ok(post(&f, p, "{\"a\":1}", 100), &f.e);
    assert_string_equal(f.out, "hello");
    assert_int_equal(f.reply.status, 200);
    assert_int_equal(f.reply.length, 5);
    (void)snprintf(expected, sizeof(expected),
                   "POST /jsonrpc HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                   "User-Agent: vhdstream/%s\r\n"
                   "Content-Type: application/json\r\n"
                   "Content-Length: 7\r\n\r\n",
                   peer_port(p), VHDSTREAM_VERSION);
    close_client(&f);
    peer_stop(p);
    assert_string_equal(s.head, expected);
    assert_string_equal(s.body, "{\"a\":1}");
}

static void test_the_connection_is_kept_between_calls(void **state)
{
    struct script s = {.answer = ANSWER, .per_connection = 3};
    struct peer *p = peer_start(serve_calls, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    for (int i = 0; i < 3; i++) {
        assert_ok(post(&f, p, "x", 100), &f.e);
        assert_string_equal(f.out, "hello");
    }
    close_client(&f);
    assert_int_equal(peer_stop(p), 1);
    assert_int_equal(s.requests, 3);
}

static void test_a_big_body_is_sent_without_asking(void **state)
{
    struct script s = {.answer = ANSWER, .per_connection = 1};
    struct peer *p = peer_start(serve_calls, &s, NULL, NULL);
    static char big[2 << 20];
    struct fixture f;
    int result;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    open_client(&f, &config);
    /* The peer answers and closes with most of it unread. */
    result = post(&f, p, big, 100);
    close_client(&f);
    peer_stop(p);
    assert_null(strstr(s.head, "Expect"));
    assert_true(result == 0 || result == ERR_TEMPORARY);
}

static void serve_closing_quietly(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    if (take_request(c, s))
        peer_send(c, s->answer);
    (void)shutdown(c->fd, SHUT_WR);
    atomic_fetch_add(&s->ended, 1);
    peer_hold(c);
}

static void test_a_connection_that_was_closed_between_is_made_anew(void **state)
{
    struct script s = {.answer = ANSWER};
    struct peer *p = peer_start(serve_closing_quietly, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    for (int i = 0; i < 3; i++) {
        assert_ok(post(&f, p, "x", 100), &f.e);
        while (atomic_load(&s.ended) <= i)
            (void)usleep(1000);
    }
    close_client(&f);
    peer_stop(p);
    assert_int_equal(s.requests, 3);
}

static void serve_dying_in_the_second(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    if (c->index == 0) {
        if (take_request(c, s))
            peer_send(c, s->answer);
        (void)take_request(c, s);
        return;
    }
    serve_calls(c, arg);
}

static void test_a_call_is_never_sent_twice(void **state)
{
    struct script s = {.answer = ANSWER, .per_connection = 1};
    struct peer *p = peer_start(serve_dying_in_the_second, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    assert_ok(post(&f, p, "one", 100), &f.e);
    assert_int_equal(post(&f, p, "two", 100), ERR_TEMPORARY);
    assert_string_equal(f.e.text,
                        "pool: the connection ended before the answer came");
    assert_null(f.out);
    assert_ok(post(&f, p, "three", 100), &f.e);
    close_client(&f);
    peer_stop(p);
    assert_int_equal(s.requests, 3);
    assert_string_equal(s.body, "three");
}

static void test_the_answer_is_bounded(void **state)
{
    struct script s = {.answer = ANSWER, .per_connection = 2};
    struct peer *p = peer_start(serve_calls, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    assert_ok(post(&f, p, "x", 5), &f.e);
    assert_int_equal(post(&f, p, "x", 4), ERR_CORRUPT);
    assert_string_equal(f.e.text, "pool: the answer is longer than 4 bytes");
    close_client(&f);
    peer_stop(p);
}

static void serve_endless(struct peer_conn *c, void *arg)
{
    static char block[65536];

    memset(block, 'x', sizeof(block));
    (void)take_request(c, arg);
    peer_send(c, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        peer_send_bytes(c, block, sizeof(block));
}

static void test_an_endless_answer_is_given_up(void **state)
{
    struct script s = {.answer = ""};
    struct peer *p = peer_start(serve_endless, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    assert_int_equal(post(&f, p, "x", 1 << 20), ERR_CORRUPT);
    assert_null(f.out);
    close_client(&f);
    peer_stop(p);
}

static void serve_long(struct peer_conn *c, void *arg)
{
    char line[64];

    if (!take_request(c, arg))
        return;
    peer_send(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(line, sizeof(line), "%09d\n", i);
        peer_send(c, line);
    }
}

static void test_a_long_answer_is_put_together(void **state)
{
    struct script s = {.answer = ""};
    struct peer *p = peer_start(serve_long, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    assert_ok(post(&f, p, "x", 1 << 20), &f.e);
    assert_int_equal(strlen(f.out), 200000);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(atoi(f.out + (size_t)i * 10), i);
    close_client(&f);
    peer_stop(p);
}

static void test_another_status_is_a_reply(void **state)
{
    struct script s = {.answer = "HTTP/1.1 500 Internal Error\r\n"
                                 "Content-Length: 12\r\n\r\n<p>alas!</p>",
                       .per_connection = 1};
    struct peer *p = peer_start(serve_calls, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    assert_ok(post(&f, p, "x", 100), &f.e);
    assert_int_equal(f.reply.status, 500);
    assert_string_equal(f.reply.note, "alas!");
    assert_string_equal(f.out, "<p>alas!</p>");
    close_client(&f);
    peer_stop(p);
}

static void test_an_empty_answer_is_an_empty_text(void **state)
{
    struct script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                       .per_connection = 1};
    struct peer *p = peer_start(serve_calls, &s, NULL, NULL);
    struct fixture f;

    (void)state;
    open_client(&f, &config);
    assert_ok(post(&f, p, "", 100), &f.e);
    assert_string_equal(f.out, "");
    close_client(&f);
    peer_stop(p);
}

static void serve_trickle(struct peer_conn *c, void *arg)
{
    (void)take_request(c, arg);
    peer_send(c, "HTTP/1.1 200 OK\r\n\r\n");
    peer_hold(c);
}

static void test_an_answer_that_stalls_is_given_up(void **state)
{
    struct script s = {.answer = ""};
    struct peer *p = peer_start(serve_trickle, &s, NULL, NULL);
    struct wait hasty = {.timeout_s = 1};
    struct http_config cfg = {.wait = &hasty};
    struct fixture f;

    (void)state;
    open_client(&f, &cfg);
    assert_int_equal(post(&f, p, "x", 100), ERR_TEMPORARY);
    assert_string_equal(f.e.text, "pool: no byte in 1 seconds at byte 0");
    close_client(&f);
    peer_stop(p);
}

static void serve_cancelling(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    (void)take_request(c, s);
    cancel_request(s->cancel);
    peer_hold(c);
}

static void test_a_stop_request_ends_a_call(void **state)
{
    struct script s = {.answer = ""};
    struct wait w = {.timeout_s = 60};
    struct http_config cfg = {.wait = &w};
    struct fixture f;
    struct peer *p;

    (void)state;
    assert_ok(cancel_open(&s.cancel, &f.e), &f.e);
    w.cancel = s.cancel;
    p = peer_start(serve_cancelling, &s, NULL, NULL);
    open_client(&f, &cfg);
    assert_int_equal(post(&f, p, "x", 100), ERR_CANCELLED);
    assert_string_equal(f.e.text, "stopped");
    close_client(&f);
    peer_stop(p);
    cancel_close(s.cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_brings_the_answer),
        cmocka_unit_test(test_the_connection_is_kept_between_calls),
        cmocka_unit_test(test_a_big_body_is_sent_without_asking),
        cmocka_unit_test(
            test_a_connection_that_was_closed_between_is_made_anew),
        cmocka_unit_test(test_a_call_is_never_sent_twice),
        cmocka_unit_test(test_the_answer_is_bounded),
        cmocka_unit_test(test_an_endless_answer_is_given_up),
        cmocka_unit_test(test_a_long_answer_is_put_together),
        cmocka_unit_test(test_another_status_is_a_reply),
        cmocka_unit_test(test_an_empty_answer_is_an_empty_text),
        cmocka_unit_test(test_an_answer_that_stalls_is_given_up),
        cmocka_unit_test(test_a_stop_request_ends_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
