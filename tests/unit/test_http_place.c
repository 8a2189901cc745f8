/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static const struct wait patient = {.timeout_s = 60};

enum { HOPS_SIZE = 16 };

/* Answers the request for "/N" with answers[N]. */
struct site {
    char answers[HOPS_SIZE][512];
    char heads[HOPS_SIZE][1024]; /* the requests, in their order */
    unsigned requests;
};

static void serve_site(struct peer_conn *c, void *arg)
{
    struct site *s = arg;
    char head[1024];
    unsigned page = 0;
    const char *slash;

    if (!peer_head(c, head, sizeof(head)))
        return;
    if (s->requests < HOPS_SIZE)
        strcpy(s->heads[s->requests], head);
    s->requests++;
    slash = strchr(head, '/');
    if (slash)
        page = (unsigned)atoi(slash + 1) % HOPS_SIZE;
    peer_send(c, s->answers[page]);
}

static struct site *make_site(void)
{
    struct site *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    return s;
}

static void redirect(struct site *s, unsigned from, const char *to)
{
    (void)snprintf(s->answers[from], sizeof(s->answers[from]),
                   "HTTP/1.1 302 Found\r\nLocation: %s\r\n"
                   "Content-Length: 0\r\n\r\n",
                   to);
}

static void answer(struct site *s, unsigned page, const char *status,
                   const char *body)
{
    (void)snprintf(s->answers[page], sizeof(s->answers[page]),
                   "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                   strlen(body), body);
}

static int open_page(struct source **out, struct peer *p,
                     const struct http_config *cfg, struct err *e)
{
    return source_open_http(out, cfg, peer_url(p, "0?secret=1"), e);
}

static void test_a_page_is_a_source_of_known_size(void **state)
{
    struct http_config cfg = {.wait = &patient};
    struct site *s = make_site();
    struct peer *p = peer_start(serve_site, s, NULL, NULL);
    CLEANUP(source) struct source *src = NULL;
    char buf[10], name[100];
    struct err e = {0};

    (void)state;
    answer(s, 0, "200 OK", "hello");
    (void)snprintf(name, sizeof(name), "http://127.0.0.1:%u/0", peer_port(p));
    assert_ok(open_page(&src, p, &cfg, &e), &e);
    assert_int_equal(src->size, 5);
    assert_string_equal(src->name, name);
    assert_false(source_is_seekable(src));
    assert_int_equal(source_read_most(src, buf, sizeof(buf), &e), 5);
    assert_memory_equal(buf, "hello", 5);
    peer_stop(p);
    free(s);
}

static void test_redirects_are_followed(void **state)
{
    struct http_config cfg = {.wait = &patient, .user = "u", .password = "p"};
    struct site *s = make_site();
    struct peer *p = peer_start(serve_site, s, NULL, NULL);
    CLEANUP(source) struct source *src = NULL;
    struct err e = {0};

    (void)state;
    redirect(s, 0, "/1?x=y");
    redirect(s, 1, peer_url(p, "2"));
    answer(s, 2, "200 OK", "hello");
    assert_ok(open_page(&src, p, &cfg, &e), &e);
    assert_int_equal(src->size, 5);
    peer_stop(p);
    assert_int_equal(s->requests, 3);
    assert_int_equal(strncmp(s->heads[1], "GET /1?x=y HTTP", 15), 0);
    /* The same origin: with the same credentials. */
    assert_non_null(strstr(s->heads[2], "\r\nAuthorization: Basic dTpw\r\n"));
    free(s);
}

static void test_credentials_do_not_follow_to_another_origin(void **state)
{
    struct http_config cfg = {.wait = &patient, .user = "u", .password = "p"};
    struct site *s = make_site(), *t = make_site();
    struct peer *p = peer_start(serve_site, s, NULL, NULL);
    struct peer *q = peer_start(serve_site, t, NULL, NULL);
    CLEANUP(source) struct source *src = NULL;
    struct err e = {0};

    (void)state;
    redirect(s, 0, peer_url(q, "1"));
    /* And not back again, either. */
    redirect(t, 1, peer_url(p, "2"));
    answer(s, 2, "200 OK", "hello");
    assert_ok(open_page(&src, p, &cfg, &e), &e);
    peer_stop(p);
    peer_stop(q);
    assert_non_null(strstr(s->heads[0], "Authorization"));
    assert_null(strstr(t->heads[0], "Authorization"));
    assert_null(strstr(s->heads[1], "Authorization"));
    free(s);
    free(t);
}

static void test_redirects_are_counted(void **state)
{
    struct http_config cfg = {.wait = &patient};
    struct site *s = make_site();
    struct peer *p = peer_start(serve_site, s, NULL, NULL);
    struct source *src = NULL;
    struct err e = {0};

    (void)state;
    redirect(s, 0, "/0");
    assert_int_equal(open_page(&src, p, &cfg, &e), ERR_FAILED);
    assert_non_null(strstr(e.text, "more than 10 redirects"));
    peer_stop(p);
    assert_int_equal(s->requests, 11);
    free(s);
}

static void test_ten_redirects_are_not_too_many(void **state)
{
    struct http_config cfg = {.wait = &patient};
    struct site *s = make_site();
    struct peer *p = peer_start(serve_site, s, NULL, NULL);
    CLEANUP(source) struct source *src = NULL;
    struct err e = {0};
    char to[8];

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(to, sizeof(to), "/%u", i + 1);
        redirect(s, i, to);
    }
    answer(s, 10, "200 OK", "");
    assert_ok(open_page(&src, p, &cfg, &e), &e);
    peer_stop(p);
    free(s);
}

static void test_tls_is_not_left_by_a_redirect(void **state)
{
    struct http_trust t = {.insecure = true};
    struct http_config cfg = {.wait = &patient, .trust = &t};
    struct peer_cert cert = {.name = NULL};
    struct site *s = make_site();
    struct source *src = NULL;
    struct err e = {0};
    struct peer *p;

    (void)state;
    peer_cert_make(&cert);
    p = peer_start(serve_site, s, &cert, NULL);
    redirect(s, 0, "http://127.0.0.1:1/");
    assert_int_equal(open_page(&src, p, &cfg, &e), ERR_FAILED);
    assert_non_null(strstr(e.text, "redirected from https to http"));
    peer_stop(p);
    peer_cert_free(&cert);
    free(s);
}

static void check_status(const char *status, int code)
{
    struct http_config cfg = {.wait = &patient};
    struct site *s = make_site();
    struct peer *p = peer_start(serve_site, s, NULL, NULL);
    struct source *src = NULL;
    struct err e = {0};

    answer(s, 0, status, "<p>because</p>");
    assert_int_equal(open_page(&src, p, &cfg, &e), code);
    assert_null(strstr(e.text, "secret"));
    assert_non_null(strstr(e.text, "/0: the server answered "));
    if (code != ERR_FAILED)
        assert_non_null(strstr(e.text, ": because"));
    peer_stop(p);
    free(s);
}

static void test_other_statuses_are_errors(void **state)
{
    (void)state;
    check_status("401 No", ERR_AUTH);
    check_status("404 Nowhere", ERR_NOT_FOUND);
    check_status("503 Later", ERR_TEMPORARY);
    check_status("302 Without a place", ERR_FAILED);
    check_status("206 Part", ERR_FAILED);
}

/* --- sink ------------------------------------------------------------------*/

struct upload {
    char head[1024];
    char body[16];
    size_t len;
    const char *answer;
};

static void serve_upload(struct peer_conn *c, void *arg)
{
    struct upload *u = arg;

    (void)peer_head(c, u->head, sizeof(u->head));
    u->len = peer_recv(c, u->body, 5);
    peer_send(c, u->answer);
    peer_hold(c);
}

static int upload(struct upload *u, struct err *e)
{
    struct http_config cfg = {.wait = &patient};
    struct peer *p = peer_start(serve_upload, u, NULL, NULL);
    struct sink *s = NULL;
    int result;

    assert_ok(sink_open_http(&s, &cfg, peer_url(p, "x?secret=1"), 5, e), e);
    assert_ok(sink_write(s, "hello", 5, e), e);
    result = sink_finish(s, e);
    sink_close(s, NULL);
    peer_stop(p);
    return result;
}

static void test_a_put_is_a_sink(void **state)
{
    struct upload u = {.answer = "HTTP/1.1 201 Created\r\n"
                                 "Content-Length: 0\r\n\r\n"};
    struct err e = {0};

    (void)state;
    assert_ok(upload(&u, &e), &e);
    assert_int_equal(strncmp(u.head, "PUT /x?secret=1 HTTP/1.1\r\n", 26), 0);
    assert_non_null(strstr(u.head, "\r\nContent-Length: 5\r\n"));
    assert_null(strstr(u.head, "Expect"));
    assert_int_equal(u.len, 5);
    assert_memory_equal(u.body, "hello", 5);
}

static void test_a_put_that_is_refused_at_the_end(void **state)
{
    struct upload u = {.answer = "HTTP/1.1 507 Full\r\n"
                                 "Content-Length: 4\r\n\r\nfull"};
    struct err e = {0};

    (void)state;
    assert_int_equal(upload(&u, &e), ERR_NO_SPACE);
    assert_non_null(strstr(e.text, "/x: the server answered 507: full"));
}

static void serve_counting(struct peer_conn *c, void *arg)
{
    struct upload *u = arg;

    (void)peer_head(c, u->head, sizeof(u->head));
    u->len = peer_drain(c, NULL);
}

static void test_an_abandoned_sink_sends_no_whole_body(void **state)
{
    struct http_config cfg = {.wait = &patient};
    struct upload u = {.answer = ""};
    struct peer *p = peer_start(serve_counting, &u, NULL, NULL);
    struct sink *s = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(sink_open_http(&s, &cfg, peer_url(p, "x"), 5, &e), &e);
    assert_ok(sink_write(s, "hell", 4, &e), &e);
    sink_close(s, NULL);
    peer_stop(p);
    assert_true(u.len < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_is_a_source_of_known_size),
        cmocka_unit_test(test_redirects_are_followed),
        cmocka_unit_test(test_credentials_do_not_follow_to_another_origin),
        cmocka_unit_test(test_redirects_are_counted),
        cmocka_unit_test(test_ten_redirects_are_not_too_many),
        cmocka_unit_test(test_tls_is_not_left_by_a_redirect),
        cmocka_unit_test(test_other_statuses_are_errors),
        cmocka_unit_test(test_a_put_is_a_sink),
        cmocka_unit_test(test_a_put_that_is_refused_at_the_end),
        cmocka_unit_test(test_an_abandoned_sink_sends_no_whole_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
