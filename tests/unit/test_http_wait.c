/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
/* Waits that have no end of their own: limits and stop requests. */
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* --- a port where connections are neither taken nor refused ----------------*/

enum { CALLERS = 4 };

struct full_port {
    int fd, callers[CALLERS];
    char url[64];
};

static void open_full_port(struct full_port *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(f->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(f->fd, 0), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&at, &len), 0);
    for (int i = 0; i < CALLERS; i++) {
        f->callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(f->callers[i], (struct sockaddr *)&at, sizeof(at));
    }
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/",
                   ntohs(at.sin_port));
}

static void close_full_port(struct full_port *f)
{
    for (int i = 0; i < CALLERS; i++)
        close(f->callers[i]);
    close(f->fd);
}

static void test_connecting_has_a_limit(void **state)
{
    struct wait hasty = {.timeout_s = 1};
    struct http_config cfg = {.wait = &hasty};
    struct http_stream *st = NULL;
    struct err e = {0};
    struct full_port f;

    (void)state;
    open_full_port(&f);
    assert_int_equal(http_get_open(&st, &cfg, f.url, "place", NULL, &e),
                     ERR_TEMPORARY);
    assert_non_null(strstr(e.text, "place: "));
    assert_non_null(strstr(e.text, "connect"));
    close_full_port(&f);
}

/* --- a stop request out of a signal handler --------------------------------*/

static struct cancel *cancel;

static void on_alarm(int signal)
{
    (void)signal;
    cancel_request(cancel);
}

/* The first signal may come before the wait: so it comes again. */
static void alarm_soon(bool on)
{
    struct itimerval soon = {.it_value.tv_usec = on ? 50000 : 0,
                             .it_interval.tv_usec = on ? 50000 : 0};

    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

static void test_a_signal_stops_connecting(void **state)
{
    struct wait w = {.timeout_s = 60};
    struct http_config cfg = {.wait = &w};
    struct http_stream *st = NULL;
    struct err e = {0};
    struct full_port f;

    (void)state;
    assert_ok(cancel_open(&cancel, &e), &e);
    w.cancel = cancel;
    open_full_port(&f);
    assert_true(signal(SIGALRM, on_alarm) != SIG_ERR);
    alarm_soon(true);
    assert_int_equal(http_get_open(&st, &cfg, f.url, "place", NULL, &e),
                     ERR_CANCELLED);
    alarm_soon(false);
    close_full_port(&f);
    cancel_close(cancel);
}

/* --- servers that send just enough to seem alive ---------------------------*/

/* Sends a line every tenth of a second until the client goes. */
static void trickle(struct peer_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    while (poll(&p, 1, 100) == 0)
        peer_send(c, "X-More: x\r\n");
}

static void serve_trickling_head(struct peer_conn *c, void *arg)
{
    (void)arg;
    peer_skip_head(c);
    peer_send(c, "HTTP/1.1 200 OK\r\n");
    trickle(c);
}

static void test_a_head_that_trickles_is_given_up(void **state)
{
    struct wait hasty = {.timeout_s = 1};
    struct http_config cfg = {.wait = &hasty};
    struct peer *p = peer_start(serve_trickling_head, NULL, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(
        http_get_open(&st, &cfg, peer_url(p, ""), "place", NULL, &e),
        ERR_TEMPORARY);
    assert_string_equal(
        e.text, "place: the head of the answer was not complete after 1 "
                "seconds");
    peer_stop(p);
}

static void serve_trickling_body(struct peer_conn *c, void *arg)
{
    (void)arg;
    peer_skip_head(c);
    (void)peer_recv(c, NULL, 1);
    peer_send(c, "HTTP/1.1 200 OK\r\n\r\n");
    trickle(c);
}

static void test_a_call_whose_answer_trickles_is_given_up(void **state)
{
    struct wait hasty = {.timeout_s = 1};
    struct http_config cfg = {.wait = &hasty};
    struct peer *p = peer_start(serve_trickling_body, NULL, NULL, NULL);
    struct http_client *c = NULL;
    struct http_reply reply;
    struct err e = {0};
    char *out = NULL;

    (void)state;
    assert_ok(http_client_open(&c, &cfg, &e), &e);
    assert_int_equal(http_client_post(c, peer_url(p, ""), "pool", "text/plain",
                                      "x", 1, 1 << 20, &out, &reply, &e),
                     ERR_TEMPORARY);
    assert_string_equal(e.text,
                        "pool: the answer was not complete after 10 seconds");
    http_client_close(c);
    peer_stop(p);
}

static void test_an_answer_to_a_put_that_trickles_is_given_up(void **state)
{
    struct wait hasty = {.timeout_s = 1};
    struct http_config cfg = {.wait = &hasty};
    struct peer *p = peer_start(serve_trickling_body, NULL, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(
        http_put_open(&st, &cfg, peer_url(p, ""), "place", NULL, 1, false, &e),
        &e);
    assert_ok(http_stream_write(st, "x", 1, &e), &e);
    assert_int_equal(http_stream_finish(st, &e), ERR_TEMPORARY);
    assert_string_equal(e.text,
                        "place: no byte in 1 seconds after all 1 bytes");
    http_stream_close(st);
    peer_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connecting_has_a_limit),
        cmocka_unit_test(test_a_signal_stops_connecting),
        cmocka_unit_test(test_a_head_that_trickles_is_given_up),
        cmocka_unit_test(test_a_call_whose_answer_trickles_is_given_up),
        cmocka_unit_test(test_an_answer_to_a_put_that_trickles_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
