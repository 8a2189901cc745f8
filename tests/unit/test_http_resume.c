/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A download that breaks off, and is gone on with or not. */

#include "base/mem.h"
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static const struct wait patient = {.timeout_s = 60};
static const struct notice quiet;

enum { TURNS = 4 };

/* Answers connection N with answers[N], and ends it there. */
struct play {
    const char *answers[TURNS];
    char heads[TURNS][1024]; /* the requests */
    unsigned requests;
    struct retry retry;
    struct http_config cfg;
    struct peer *peer;
};

static void serve_turn(struct peer_conn *c, void *arg)
{
    struct play *p = arg;
    char head[1024];

    if (!peer_head(c, head, sizeof(head)) || p->requests == TURNS)
        return;
    strcpy(p->heads[p->requests], head);
    peer_send(c, p->answers[p->requests++]);
}

#define CUT_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"
static const char cut[] = CUT_HEAD "ETag: \"one\"\r\n\r\n0123";
static const char rest[] = "HTTP/1.1 206 Partial Content\r\n"
                           "Content-Range: bytes 4-9/10\r\n"
                           "Content-Length: 6\r\n\r\n456789";

static struct play *begin(const char *first, const char *second)
{
    struct play *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    p->answers[0] = first;
    p->answers[1] = second;
    p->answers[2] = p->answers[3] = "HTTP/1.1 404 Gone\r\n\r\n";
    p->retry = (struct retry){.max = 2, .notice = &quiet, .wait = &patient};
    p->cfg = (struct http_config){.wait = &patient, .retry = &p->retry};
    p->peer = peer_start(serve_turn, p, NULL, NULL);
    return p;
}

static int64_t take(struct play *p, const struct http_source_options *opt,
                    char out[32], struct err *e)
{
    CLEANUP(source) struct source *src = NULL;
    int64_t got =
        source_open_http_with(&src, &p->cfg, peer_url(p->peer, "d"), opt, e);

    assert_ok((int)got, e);
    memset(out, 0, 32);
    return source_read_most(src, out, 31, e);
}

static void end(struct play *p)
{
    peer_stop(p->peer);
    free(p);
}

static const struct http_source_options plain = {0};

static void test_the_rest_of_the_same_is_asked_for(void **state)
{
    struct play *p = begin(cut, rest);
    char text[32];
    struct err e = {0};

    (void)state;
    assert_int_equal(take(p, &plain, text, &e), 10);
    assert_string_equal(text, "0123456789");
    assert_non_null(strstr(p->heads[1], "\r\nRange: bytes=4-\r\n"));
    assert_non_null(strstr(p->heads[1], "\r\nIf-Match: \"one\"\r\n"));
    end(p);
}

static void test_what_has_changed_is_no_rest(void **state)
{
    struct play *p = begin(cut, "HTTP/1.1 412 Precondition Failed\r\n"
                                "Content-Length: 0\r\n\r\n");
    char text[32];
    struct err e = {0};

    (void)state;
    assert_int_equal(take(p, &plain, text, &e), ERR_FAILED);
    assert_non_null(strstr(e.text, "has changed on the server"));
    end(p);
}

/* Whoever reads may then begin anew. */
static void check_stays_broken(const char *first, const char *second,
                               unsigned requests)
{
    struct play *p = begin(first, second);
    char text[32];
    struct err e = {0};

    assert_int_equal(take(p, &plain, text, &e), ERR_TEMPORARY);
    assert_non_null(strstr(e.text, "ended the connection at byte 4 of 10"));
    assert_int_equal(p->requests, requests);
    end(p);
}

static void test_without_a_strong_etag_nothing_is_asked_for(void **state)
{
    (void)state;
    check_stays_broken(CUT_HEAD "\r\n0123", rest, 1);
    check_stays_broken(CUT_HEAD "ETag: W/\"one\"\r\n\r\n0123", rest, 1);
}

static void test_a_server_without_ranges_is_asked_once(void **state)
{
    (void)state;
    check_stays_broken(cut,
                       "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
                       "0123456789",
                       2);
}

static void test_another_range_is_not_taken(void **state)
{
    (void)state;
    check_stays_broken(cut,
                       "HTTP/1.1 206 Partial Content\r\n"
                       "Content-Range: bytes 3-9/10\r\n"
                       "Content-Length: 7\r\n\r\n3456789",
                       2);
    check_stays_broken(cut,
                       "HTTP/1.1 206 Partial Content\r\n"
                       "Content-Range: bytes 4-9/11\r\n"
                       "Content-Length: 6\r\n\r\n456789",
                       2);
    check_stays_broken(cut,
                       "HTTP/1.1 206 Partial Content\r\n"
                       "Content-Length: 6\r\n\r\n456789",
                       2);
}

static void test_tries_are_counted(void **state)
{
    struct play *p = begin(cut, "HTTP/1.1 206 Partial Content\r\n"
                                "Content-Range: bytes 4-9/10\r\n"
                                "Content-Length: 6\r\n\r\n");
    char text[32];
    struct err e = {0};

    (void)state;
    p->answers[2] = p->answers[3] = p->answers[1];
    assert_int_equal(take(p, &plain, text, &e), ERR_TEMPORARY);
    assert_non_null(strstr(e.text, "; tried 3 times"));
    assert_int_equal(p->requests, 3);
    /* Nobody above tries them all again. */
    assert_int_equal(retry_pause(&p->retry, &e), ERR_TEMPORARY);
    assert_null(strstr(strstr(e.text, "tried") + 1, "tried"));
    end(p);
}

static int give_lines(void *ctx, bool refused, const char *const **out,
                      struct err *e)
{
    static const char *const old[] = {"X-Auth-Token: old", NULL};
    static const char *const new[] = {"X-Auth-Token: new", NULL};
    bool *renewed = ctx;

    (void)e;
    *renewed |= refused;
    *out = *renewed ? new : old;
    return 0;
}

static void test_lines_are_renewed_once_when_refused(void **state)
{
    struct play *p = begin("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
                           CUT_HEAD "\r\n0123456789");
    bool renewed = false;
    const struct http_source_options opt = {.lines = give_lines,
                                            .ctx = &renewed};
    char text[32];
    struct err e = {0};

    (void)state;
    assert_int_equal(take(p, &opt, text, &e), 10);
    assert_non_null(strstr(p->heads[0], "\r\nX-Auth-Token: old\r\n"));
    assert_non_null(strstr(p->heads[1], "\r\nX-Auth-Token: new\r\n"));
    end(p);
}

static void test_what_is_steady_needs_no_etag(void **state)
{
    const struct http_source_options opt = {.steady = true};
    struct play *p = begin(CUT_HEAD "\r\n0123", rest);
    char text[32];
    struct err e = {0};

    (void)state;
    assert_int_equal(take(p, &opt, text, &e), 10);
    assert_string_equal(text, "0123456789");
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rest_of_the_same_is_asked_for),
        cmocka_unit_test(test_what_has_changed_is_no_rest),
        cmocka_unit_test(test_without_a_strong_etag_nothing_is_asked_for),
        cmocka_unit_test(test_a_server_without_ranges_is_asked_once),
        cmocka_unit_test(test_another_range_is_not_taken),
        cmocka_unit_test(test_tries_are_counted),
        cmocka_unit_test(test_lines_are_renewed_once_when_refused),
        cmocka_unit_test(test_what_is_steady_needs_no_etag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
