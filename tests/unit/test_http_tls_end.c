/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static const struct wait patient = {.timeout_s = 60};
static struct peer_cert cert;

static int make_cert(void **state)
{
    (void)state;
    peer_cert_make(&cert);
    return 0;
}

static int free_cert(void **state)
{
    (void)state;
    peer_cert_free(&cert);
    return 0;
}

static struct http_trust pinned(const char *host, const struct peer_cert *c)
{
    struct http_trust t = {.npins = 0};
    struct err e = {0};
    char text[400];

    (void)snprintf(text, sizeof(text), "%s%s", host, c->pin);
    assert_ok(http_trust_pin(&t, text, &e), &e);
    return t;
}

/* What the peer saw. */
struct seen {
    size_t body;
    bool farewell; /* the client ended TLS politely */
};

static void send_some(struct peer_conn *c)
{
    char head[4096];

    (void)peer_head(c, head, sizeof(head));
    peer_send(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
}

static void serve_polite_end(struct peer_conn *c, void *arg)
{
    (void)arg;
    send_some(c);
    peer_fin(c);
}

static void serve_cut(struct peer_conn *c, void *arg)
{
    (void)arg;
    send_some(c);
    (void)shutdown(c->fd, SHUT_WR);
    peer_hold(c);
}

/* Reads a body that has no length to its end; the last result. */
static int64_t read_to_end(peer_serve *serve)
{
    struct http_trust t = pinned("", &cert);
    struct http_config cfg = {.trust = &t, .wait = &patient};
    struct peer *p = peer_start(serve, NULL, &cert, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};
    char buf[100];
    int64_t got, have = 0;

    assert_ok(http_get_open(&st, &cfg, peer_url(p, ""), "x", NULL, &e), &e);
    while ((got = http_stream_read(st, buf, sizeof(buf), &e)) > 0)
        have += got;
    assert_int_equal(have, 5);
    http_stream_close(st);
    peer_stop(p);
    return got;
}

static void test_a_cut_is_not_the_end_of_a_body_without_a_length(void **state)
{
    (void)state;
    assert_int_equal(read_to_end(serve_polite_end), 0);
    assert_int_equal(read_to_end(serve_cut), ERR_TEMPORARY);
}

/* Answers whose end needs no farewell, on a connection that stays. */
static void serve_kept(struct peer_conn *c, void *arg)
{
    char head[4096];

    (void)peer_head(c, head, sizeof(head));
    peer_send(c, arg);
    peer_hold(c);
}

static void check_kept(char *answer, int64_t expected)
{
    struct http_trust t = pinned("", &cert);
    struct http_config cfg = {.trust = &t, .wait = &patient};
    struct peer *p = peer_start(serve_kept, answer, &cert, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};
    char buf[100];
    int64_t got, have = 0;

    assert_ok(http_get_open(&st, &cfg, peer_url(p, ""), "x", NULL, &e), &e);
    while ((got = http_stream_read(st, buf, sizeof(buf), &e)) > 0)
        have += got;
    assert_ok(got, &e);
    assert_int_equal(have, expected);
    http_stream_close(st);
    peer_stop(p);
}

static void test_an_answer_that_ends_by_itself_needs_no_farewell(void **state)
{
    char empty[] = "HTTP/1.1 204 No Content\r\n\r\n";
    char sized[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
    char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n0\r\n\r\n";

    (void)state;
    check_kept(empty, 0);
    check_kept(sized, 2);
    check_kept(chunked, 3);
}

static void serve_put(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;
    char head[4096];

    (void)peer_head(c, head, sizeof(head));
    peer_send(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    s->body = peer_recv(c, NULL, 1000);
    s->farewell = SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN;
    /* No farewell of ours: the answer has no end but the FIN. */
    (void)shutdown(c->fd, SHUT_WR);
    peer_hold(c);
}

static void put(size_t len, bool finish, struct seen *s)
{
    struct http_trust t = pinned("", &cert);
    struct http_config cfg = {.trust = &t, .wait = &patient};
    struct peer *p = peer_start(serve_put, s, &cert, NULL);
    static const char bytes[1000];
    struct http_stream *st = NULL;
    struct err e = {0};

    assert_ok(http_put_open(&st, &cfg, peer_url(p, ""), "x", NULL,
                            sizeof(bytes), true, &e),
              &e);
    assert_ok(http_stream_write(st, bytes, len, &e), &e);
    if (finish)
        assert_ok(http_stream_finish(st, &e), &e);
    http_stream_close(st);
    peer_stop(p);
}

static void serve_farewell(struct peer_conn *c, void *arg)
{
    char head[4096];

    (void)arg;
    (void)peer_head(c, head, sizeof(head));
    (void)SSL_shutdown(c->ssl);
    peer_hold(c);
}

static void test_a_farewell_instead_of_an_answer(void **state)
{
    struct http_trust t = pinned("", &cert);
    struct http_config cfg = {.trust = &t, .wait = &patient};
    struct peer *p = peer_start(serve_farewell, NULL, &cert, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(
        http_put_open(&st, &cfg, peer_url(p, ""), "place", NULL, 5, true, &e),
        ERR_TEMPORARY);
    assert_string_equal(
        e.text, "place: the server ended the connection before an answer");
    peer_stop(p);
}

static void test_a_body_is_put(void **state)
{
    struct seen s = {.body = 0};

    (void)state;
    put(1000, true, &s);
    assert_int_equal(s.body, 1000);
}

static void test_a_body_that_is_broken_off_has_no_farewell(void **state)
{
    struct seen s = {.body = 0};

    (void)state;
    put(999, false, &s);
    assert_true(s.body < 1000);
    assert_false(s.farewell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_is_not_the_end_of_a_body_without_a_length),
        cmocka_unit_test(test_an_answer_that_ends_by_itself_needs_no_farewell),
        cmocka_unit_test(test_a_farewell_instead_of_an_answer),
        cmocka_unit_test(test_a_body_is_put),
        cmocka_unit_test(test_a_body_that_is_broken_off_has_no_farewell),
    };

    return cmocka_run_group_tests(tests, make_cert, free_cert);
}
