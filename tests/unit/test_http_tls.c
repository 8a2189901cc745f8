/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static const struct wait patient = {.timeout_s = 60};
static struct peer_cert cert = {.name = "IP:127.0.0.1,DNS:localhost"};
static struct peer_cert other_name = {.name = "DNS:elsewhere.invalid"};
static struct peer_cert expired = {.expired = true};

static int make_certs(void **state)
{
    (void)state;
    peer_cert_make(&cert);
    peer_cert_make(&other_name);
    peer_cert_make(&expired);
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    peer_cert_free(&cert);
    peer_cert_free(&other_name);
    peer_cert_free(&expired);
    return 0;
}

/* What the peer saw. */
struct seen {
    unsigned requests;
};

static void serve_hello(struct peer_conn *c, void *arg)
{
    struct seen *s = arg;
    char head[4096];

    while (peer_head(c, head, sizeof(head))) {
        s->requests++;
        peer_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
}

/* One GET; its result, and its error in *e. */
static int fetch(struct peer *p, const struct http_trust *t, struct err *e)
{
    struct http_config cfg = {.trust = t, .wait = &patient};
    CLEANUP(http_stream) struct http_stream *st = NULL;
    char buf[10];
    int64_t got;

    TRY(http_get_open(&st, &cfg, peer_url(p, ""), "place", NULL, e));
    got = http_stream_read(st, buf, sizeof(buf), e);
    TRY(got);
    assert_int_equal(got, 5);
    assert_memory_equal(buf, "hello", 5);
    return 0;
}

static void check_taken(struct peer_cert *c, const struct http_trust *t)
{
    struct seen s = {.requests = 0};
    struct peer *p = peer_start(serve_hello, &s, c, NULL);
    struct err e = {0};

    assert_ok(fetch(p, t, &e), &e);
    peer_stop(p);
    assert_int_equal(s.requests, 1);
}

/* The connection is refused before a request was sent. */
static void check_refused(struct peer_cert *c, const struct http_trust *t,
                          int code, struct err *e)
{
    struct seen s = {.requests = 0};
    struct peer *p = peer_start(serve_hello, &s, c, NULL);

    assert_int_equal(fetch(p, t, e), code);
    peer_stop(p);
    assert_int_equal(s.requests, 0);
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

/* --- an unknown certificate ------------------------------------------------*/

static void test_an_unknown_certificate_is_refused_with_its_pin(void **state)
{
    struct http_trust t = {.npins = 0};
    struct err e = {0};
    char pin[200];

    (void)state;
    (void)snprintf(pin, sizeof(pin), "use --pin 127.0.0.1=%s", cert.pin);
    check_refused(&cert, NULL, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, pin));
    assert_non_null(strstr(e.text, "self-signed certificate"));
    check_refused(&cert, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, pin));
}

static void test_the_printed_pin_is_the_one_that_is_taken(void **state)
{
    struct http_trust t = {.npins = 0};
    struct err e = {0};
    char *pin;

    (void)state;
    check_refused(&cert, NULL, ERR_AUTH, &e);
    pin = strstr(e.text, "--pin ") + 6;
    assert_ok(http_trust_pin(&t, pin, &e), &e);
    check_taken(&cert, &t);
}

static void test_insecure_takes_everything(void **state)
{
    struct http_trust t = {.insecure = true};

    (void)state;
    check_taken(&cert, &t);
    check_taken(&other_name, &t);
    check_taken(&expired, &t);
}

/* --- pins ------------------------------------------------------------------*/

static void test_a_pin_is_enough(void **state)
{
    struct http_trust any = pinned("", &other_name);
    struct http_trust host = pinned("127.0.0.1=", &expired);

    (void)state;
    check_taken(&other_name, &any);
    check_taken(&expired, &host);
}

static void test_another_certificate_than_the_pinned_is_refused(void **state)
{
    struct http_trust t = pinned("", &other_name);
    struct err e = {0};

    (void)state;
    check_refused(&cert, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, "is not the pinned one"));
    assert_non_null(strstr(e.text, cert.pin));
}

static void test_a_pin_counts_against_cacert_and_insecure(void **state)
{
    struct http_trust t = pinned("127.0.0.1=", &other_name);
    struct err e = {0};

    (void)state;
    t.cacert = cert.pem;
    t.insecure = true;
    check_refused(&cert, &t, ERR_AUTH, &e);
}

static void test_a_pin_of_another_host_does_not_count(void **state)
{
    struct http_trust t = pinned("elsewhere=", &cert);
    struct err e = {0};

    (void)state;
    check_refused(&cert, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, "is not trusted"));
    t.cacert = cert.pem;
    check_taken(&cert, &t);
}

static void test_one_of_several_pins_is_enough(void **state)
{
    struct http_trust t = pinned("127.0.0.1=", &other_name);
    struct err e = {0};

    (void)state;
    assert_ok(http_trust_pin(&t, cert.pin, &e), &e);
    check_taken(&cert, &t);
    check_taken(&other_name, &t);
    check_refused(&expired, &t, ERR_AUTH, &e);
}

/* --- CA files --------------------------------------------------------------*/

static void test_a_ca_file_is_believed(void **state)
{
    struct http_trust t = {.cacert = cert.pem};

    (void)state;
    check_taken(&cert, &t);
}

static void test_another_name_is_refused(void **state)
{
    struct http_trust t = {.cacert = other_name.pem};
    struct err e = {0};

    (void)state;
    check_refused(&other_name, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, "IP address mismatch"));
    assert_non_null(strstr(e.text, other_name.pin));
}

static void test_an_expired_certificate_is_refused(void **state)
{
    struct http_trust t = {.cacert = expired.pem};
    struct err e = {0};

    (void)state;
    check_refused(&expired, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, "expired"));
}

static void test_a_ca_file_that_is_not_there(void **state)
{
    struct http_trust t = {.cacert = "/nonexistent/ca.pem"};
    struct err e = {0};

    (void)state;
    check_refused(&cert, &t, ERR_USAGE, &e);
    assert_non_null(strstr(e.text, "/nonexistent/ca.pem"));
}

/* --- a judge ---------------------------------------------------------------*/

struct judge {
    int first, later; /* what it says, and what after HTTP_ASK */
    unsigned calls, waited;
    bool problem; /* the last one had one */
};

static int say_belief(void *ctx, const struct http_stranger *who)
{
    struct judge *j = ctx;

    j->calls++;
    j->waited += who->may_wait;
    j->problem = who->problem != NULL;
    assert_string_equal(who->host, "127.0.0.1");
    return who->may_wait ? j->later : j->first;
}

static struct http_trust judged(struct judge *j)
{
    return (struct http_trust){.judge = say_belief, .judge_ctx = j};
}

static void test_a_judge_may_believe_at_once(void **state)
{
    struct judge j = {.first = HTTP_BELIEVE};
    struct http_trust t = judged(&j);

    (void)state;
    check_taken(&expired, &t);
    assert_true(j.calls == 1 && j.problem);
}

static void test_a_judge_may_take_its_time(void **state)
{
    struct judge j = {.first = HTTP_ASK, .later = HTTP_BELIEVE};
    struct http_trust t = judged(&j);

    (void)state;
    check_taken(&cert, &t);
    assert_true(j.calls == 2 && j.waited == 1);
}

static void test_a_judge_may_refuse(void **state)
{
    struct judge j = {.first = HTTP_ASK, .later = HTTP_AS_VERIFIED};
    struct http_trust t = judged(&j);
    struct err e = {0};

    (void)state;
    check_refused(&cert, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, "not trusted"));
    assert_int_equal(j.calls, 2);
    j = (struct judge){.first = HTTP_ASK, .later = HTTP_STOPPED};
    check_refused(&cert, &t, ERR_CANCELLED, &e);
}

/* Also where the chain is right: whom the user knows is known by its sum. */
static void test_a_judge_may_find_it_changed(void **state)
{
    struct judge j = {.first = HTTP_CHANGED};
    struct http_trust t = judged(&j);
    struct err e = {0};

    (void)state;
    t.cacert = cert.pem;
    check_refused(&cert, &t, ERR_AUTH, &e);
    assert_non_null(strstr(e.text, "CHANGED"));
    assert_non_null(strstr(e.text, cert.pin));
    assert_true(j.calls == 1 && !j.problem);
}

static void test_a_good_chain_needs_no_time(void **state)
{
    struct judge j = {.first = HTTP_ASK, .later = HTTP_CHANGED};
    struct http_trust t = judged(&j);

    (void)state;
    t.cacert = cert.pem;
    check_taken(&cert, &t);
    assert_int_equal(j.calls, 1);
}

static void test_a_pin_needs_no_judge(void **state)
{
    struct judge j = {.first = HTTP_CHANGED};
    struct http_trust t = pinned("", &cert);

    (void)state;
    t.judge = say_belief;
    t.judge_ctx = &j;
    check_taken(&cert, &t);
    assert_int_equal(j.calls, 0);
}

static void test_what_is_vouched_for_is_taken_unless_a_pin_names_the_host(
    void **state)
{
    struct http_trust any = pinned("", &other_name);
    struct http_trust named = pinned("127.0.0.1=", &other_name);
    struct http_trust elsewhere = pinned("", &other_name);
    struct http_trust listed = pinned("127.0.0.1=", &cert);
    struct http_trust not_us = pinned("127.0.0.2=", &cert);
    struct err e = {0};

    (void)state;
    any.vouched = named.vouched = listed.pins;
    elsewhere.vouched = not_us.pins;
    any.nvouched = named.nvouched = elsewhere.nvouched = 1;
    check_taken(&cert, &any);
    check_refused(&cert, &named, ERR_AUTH, &e);
    check_refused(&cert, &elsewhere, ERR_AUTH, &e);
}

/* --- connections -----------------------------------------------------------*/

static void test_the_curve_of_a_hardened_pool(void **state)
{
    struct http_trust t = pinned("", &cert);
    struct seen s = {.requests = 0};
    struct peer *p = peer_start(serve_hello, &s, &cert, "secp384r1");
    struct err e = {0};

    (void)state;
    assert_ok(fetch(p, &t, &e), &e);
    peer_stop(p);
}

static void test_calls_keep_their_connection(void **state)
{
    struct http_trust t = pinned("", &cert);
    struct http_config cfg = {.trust = &t, .wait = &patient};
    struct seen s = {.requests = 0};
    struct peer *p = peer_start(serve_hello, &s, &cert, NULL);
    struct http_client *c = NULL;
    struct http_reply reply;
    struct err e = {0};

    (void)state;
    assert_ok(http_client_open(&c, &cfg, &e), &e);
    for (int i = 0; i < 3; i++) {
        char *out = NULL;

        assert_ok(http_client_post(c, peer_url(p, ""), "pool", "text/plain", "",
                                   0, 100, &out, &reply, &e),
                  &e);
        assert_string_equal(out, "hello");
        free(out);
    }
    http_client_close(c);
    assert_int_equal(peer_stop(p), 1);
    assert_int_equal(s.requests, 3);
}

static void serve_close(struct peer_conn *c, void *arg)
{
    (void)arg;
    (void)peer_recv(c, NULL, 1);
    peer_reset(c);
}

static void serve_fin(struct peer_conn *c, void *arg)
{
    (void)arg;
    (void)peer_recv(c, NULL, 1);
    peer_fin(c);
}

static void check_broken_handshake(peer_serve *serve)
{
    struct http_config cfg = {.wait = &patient};
    struct peer *p = peer_start(serve, NULL, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};
    char url[64];

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", peer_port(p));
    if (http_get_open(&st, &cfg, url, "place", NULL, &e) != ERR_TEMPORARY)
        fail_msg("%s", e.text);
    peer_stop(p);
}

static void test_a_handshake_that_is_cut_is_temporary(void **state)
{
    (void)state;
    check_broken_handshake(serve_close);
    check_broken_handshake(serve_fin);
}

static void serve_plain(struct peer_conn *c, void *arg)
{
    (void)arg;
    peer_send(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
    peer_hold(c);
}

static void test_a_server_without_tls(void **state)
{
    struct http_config cfg = {.wait = &patient};
    struct peer *p = peer_start(serve_plain, NULL, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};
    char url[64];

    (void)state;
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", peer_port(p));
    assert_int_equal(http_get_open(&st, &cfg, url, "place", NULL, &e),
                     ERR_AUTH);
    assert_non_null(strstr(e.text, "place: TLS failed: "));
    peer_stop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unknown_certificate_is_refused_with_its_pin),
        cmocka_unit_test(test_the_printed_pin_is_the_one_that_is_taken),
        cmocka_unit_test(test_insecure_takes_everything),
        cmocka_unit_test(test_a_pin_is_enough),
        cmocka_unit_test(test_another_certificate_than_the_pinned_is_refused),
        cmocka_unit_test(test_a_pin_counts_against_cacert_and_insecure),
        cmocka_unit_test(test_a_pin_of_another_host_does_not_count),
        cmocka_unit_test(test_one_of_several_pins_is_enough),
        cmocka_unit_test(test_a_ca_file_is_believed),
        cmocka_unit_test(test_another_name_is_refused),
        cmocka_unit_test(test_an_expired_certificate_is_refused),
        cmocka_unit_test(test_a_ca_file_that_is_not_there),
        cmocka_unit_test(test_a_judge_may_believe_at_once),
        cmocka_unit_test(test_a_judge_may_take_its_time),
        cmocka_unit_test(test_a_judge_may_refuse),
        cmocka_unit_test(test_a_judge_may_find_it_changed),
        cmocka_unit_test(test_a_good_chain_needs_no_time),
        cmocka_unit_test(test_a_pin_needs_no_judge),
        cmocka_unit_test(
            test_what_is_vouched_for_is_taken_unless_a_pin_names_the_host),
        cmocka_unit_test(test_the_curve_of_a_hardened_pool),
        cmocka_unit_test(test_calls_keep_their_connection),
        cmocka_unit_test(test_a_handshake_that_is_cut_is_temporary),
        cmocka_unit_test(test_a_server_without_tls),
    };

    return cmocka_run_group_tests(tests, make_certs, free_certs);
}
