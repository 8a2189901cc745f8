/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
/*
 * Every way in which a server can end (FIN, reset, silence), in every phase of
 * a request (before the head, in it, in the body, after its last byte), for GET
 * and PUT: what each gives, and what the message says.
 */
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <stdlib.h>

static const struct wait hasty = {.timeout_s = 1};
static const struct wait patient = {.timeout_s = 60};

enum ending { FIN, RESET, SILENCE };

enum phase { NO_HEAD, IN_HEAD, IN_BODY, AFTER_BODY };

enum { BODY = 100000 };

struct script {
    enum ending ending;
    enum phase phase;
    bool early; /* PUT: the head of the answer comes before the body */
};

static char bytes[BODY];

static void end_it(struct peer_conn *c, const struct script *s)
{
    if (s->ending == FIN)
        peer_fin(c);
    else if (s->ending == RESET)
        peer_reset(c);
    else
        peer_hold(c);
}

static const char *const verbs[] = {"FIN", "reset", "silence"};
static const char *const phases[] = {"no head", "in head", "in body", "after"};

static void check(const struct script *s, int got, int code, const char *text,
                  const char *expected)
{
    if (got == code && (!expected || strstr(text, expected)))
        return;
    fail_msg("%s, %s%s: %d '%s' instead of %d '%s'", verbs[s->ending],
             phases[s->phase], s->early ? ", early" : "", got, text, code,
             expected);
}

/* --- GET -------------------------------------------------------------------*/

static void serve_get(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    peer_skip_head(c);
    if (s->phase >= IN_HEAD)
        peer_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n");
    if (s->phase >= IN_BODY) {
        peer_send(c, "\r\n");
        peer_send_bytes(c, bytes, s->phase == IN_BODY ? BODY / 2 : BODY);
    }
    end_it(c, s);
}

/* Opens and reads to the end: the last result; *have counts the bytes. */
static int get(struct peer *p, const struct http_config *cfg, size_t *have,
               struct err *e)
{
    static char buf[BODY];
    struct http_stream *st = NULL;
    int64_t got = http_get_open(&st, cfg, peer_url(p, ""), "place", NULL, e);

    if (got < 0)
        return (int)got;
    while ((got = http_stream_read(st, buf, sizeof(buf), e)) > 0)
        *have += (size_t)got;
    http_stream_close(st);
    return (int)got;
}

static void check_get(enum ending ending, enum phase phase, size_t body,
                      int code, const char *text)
{
    struct script s = {.ending = ending, .phase = phase};
    struct http_config cfg = {.wait = ending == SILENCE ? &hasty : &patient};
    struct peer *p = peer_start(serve_get, &s, NULL, NULL);
    struct err e = {0};
    size_t have = 0;

    check(&s, get(p, &cfg, &have, &e), code, e.text, text);
    assert_int_equal(have, body);
    peer_stop(p);
}

static void test_get_ends_before_the_head(void **state)
{
    (void)state;
    check_get(FIN, NO_HEAD, 0, ERR_TEMPORARY,
              "place: the server ended the connection before an answer");
    check_get(RESET, NO_HEAD, 0, ERR_TEMPORARY,
              "place: the connection failed before an answer: ");
    check_get(SILENCE, NO_HEAD, 0, ERR_TEMPORARY,
              "place: no byte in 1 seconds before an answer");
}

static void test_get_ends_in_the_head(void **state)
{
    (void)state;
    check_get(FIN, IN_HEAD, 0, ERR_TEMPORARY,
              "place: the server ended the connection before an answer");
    check_get(RESET, IN_HEAD, 0, ERR_TEMPORARY,
              "place: the connection failed before an answer: ");
    check_get(SILENCE, IN_HEAD, 0, ERR_TEMPORARY,
              "place: the head of the answer was not complete after 1 seconds");
}

static void test_get_ends_in_the_body(void **state)
{
    (void)state;
    check_get(FIN, IN_BODY, BODY / 2, ERR_TEMPORARY,
              "place: the server ended the connection at byte 50000 of 100000");
    check_get(RESET, IN_BODY, BODY / 2, ERR_TEMPORARY,
              "place: the connection failed at byte 50000 of 100000: ");
    check_get(SILENCE, IN_BODY, BODY / 2, ERR_TEMPORARY,
              "place: no byte in 1 seconds at byte 50000 of 100000");
}

static void test_get_ends_after_the_body(void **state)
{
    (void)state;
    check_get(FIN, AFTER_BODY, BODY, 0, NULL);
    check_get(RESET, AFTER_BODY, BODY, 0, NULL);
    check_get(SILENCE, AFTER_BODY, BODY, 0, NULL);
}

/* --- PUT -------------------------------------------------------------------*/

#define EARLY_HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

static void serve_put(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    peer_skip_head(c);
    if (s->early)
        peer_send(c, EARLY_HEAD);
    if (s->phase == IN_HEAD)
        peer_send(c, "HTTP/1.1 200 OK\r\nConte");
    if (s->phase == IN_BODY)
        (void)peer_recv(c, NULL, BODY / 2);
    if (s->phase == AFTER_BODY)
        (void)peer_recv(c, NULL, BODY);
    end_it(c, s);
}

/* Opens, sends much more than any buffer holds when the end comes in the body,
 * and finishes. */
static int put(struct peer *p, const struct http_config *cfg,
               const struct script *s, struct err *e)
{
    int pieces = s->phase == AFTER_BODY ? 1 : 1000;
    struct http_stream *st = NULL;
    int result = http_put_open(&st, cfg, peer_url(p, ""), "place", NULL,
                               (int64_t)pieces * BODY, s->early, e);

    for (int i = 0; i < pieces && !result; i++)
        result = http_stream_write(st, bytes, BODY, e);
    if (!result)
        result = http_stream_finish(st, e);
    http_stream_close(st);
    return result;
}

static void check_put(enum ending ending, enum phase phase, bool early,
                      int code, const char *text)
{
    struct script s = {.ending = ending, .phase = phase, .early = early};
    struct http_config cfg = {.wait = ending == SILENCE ? &hasty : &patient};
    struct peer *p = peer_start(serve_put, &s, NULL, NULL);
    struct err e = {0};

    check(&s, put(p, &cfg, &s, &e), code, e.text, text);
    peer_stop(p);
}

static void test_put_ends_before_the_head(void **state)
{
    (void)state;
    check_put(FIN, NO_HEAD, false, ERR_TEMPORARY, "place: the ");
    check_put(RESET, NO_HEAD, false, ERR_TEMPORARY,
              "place: the connection failed");
    check_put(SILENCE, NO_HEAD, false, ERR_TEMPORARY,
              "place: no byte in 1 seconds at byte ");
}

static void test_put_ends_in_the_body(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        check_put(FIN, IN_BODY, early, ERR_TEMPORARY, "place: the ");
        check_put(RESET, IN_BODY, early, ERR_TEMPORARY, "at byte ");
        check_put(SILENCE, IN_BODY, early, ERR_TEMPORARY,
                  "place: no byte in 1 seconds at byte ");
    }
}

static void test_put_with_an_early_head_ends_after_the_body(void **state)
{
    (void)state;
    check_put(FIN, AFTER_BODY, true, 0, NULL);
    check_put(RESET, AFTER_BODY, true, ERR_TEMPORARY,
              "place: the connection failed after all 100000 bytes: ");
    check_put(SILENCE, AFTER_BODY, true, ERR_TEMPORARY,
              "place: no byte in 1 seconds after all 100000 bytes");
}

static void test_put_without_a_head_ends_after_the_body(void **state)
{
    (void)state;
    check_put(FIN, AFTER_BODY, false, ERR_TEMPORARY,
              "place: the server ended the connection after all 100000 bytes");
    check_put(RESET, AFTER_BODY, false, ERR_TEMPORARY,
              "place: the connection failed after all 100000 bytes: ");
    check_put(SILENCE, AFTER_BODY, false, ERR_TEMPORARY,
              "place: no byte in 1 seconds after all 100000 bytes");
}

/* With head_first the head is waited for, and nothing was sent. */
static void serve_put_head(struct peer_conn *c, void *arg)
{
    struct script *s = arg;

    peer_skip_head(c);
    if (s->phase == IN_HEAD)
        peer_send(c, "HTTP/1.1 200 OK\r\nConte");
    end_it(c, s);
}

static void check_put_head(enum ending ending, enum phase phase,
                           const char *text)
{
    struct script s = {.ending = ending, .phase = phase, .early = true};
    struct http_config cfg = {.wait = ending == SILENCE ? &hasty : &patient};
    struct peer *p = peer_start(serve_put_head, &s, NULL, NULL);
    struct http_stream *st = NULL;
    struct err e = {0};

    check(&s,
          http_put_open(&st, &cfg, peer_url(p, ""), "place", NULL, 5, true, &e),
          ERR_TEMPORARY, e.text, text);
    assert_null(st);
    peer_stop(p);
}

static void test_put_that_waits_for_the_head(void **state)
{
    (void)state;
    for (enum phase phase = NO_HEAD; phase <= IN_HEAD; phase++) {
        check_put_head(
            FIN, phase,
            "place: the server ended the connection before an answer");
        check_put_head(RESET, phase,
                       "place: the connection failed before an answer: ");
        check_put_head(SILENCE, phase,
                       phase == IN_HEAD
                           ? "place: the head of the answer was not complete"
                           : "place: no byte in 1 seconds before an answer");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_ends_before_the_head),
        cmocka_unit_test(test_get_ends_in_the_head),
        cmocka_unit_test(test_get_ends_in_the_body),
        cmocka_unit_test(test_get_ends_after_the_body),
        cmocka_unit_test(test_put_ends_before_the_head),
        cmocka_unit_test(test_put_ends_in_the_body),
        cmocka_unit_test(test_put_with_an_early_head_ends_after_the_body),
        cmocka_unit_test(test_put_without_a_head_ends_after_the_body),
        cmocka_unit_test(test_put_that_waits_for_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
