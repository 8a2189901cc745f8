/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_session.h"

#include "http_peer.h"
#include "unit.h"
#include "xapi/xapi_task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 512, THREADS = 4, CALLS_EACH = 25 };

/* A pool whose answer to every call is the same; it keeps what it was asked. */
struct pool {
    struct peer *peer;
    _Atomic(const char *) answer; /* the JSON; NULL: a ref */
    _Atomic unsigned calls;
    char *bodies[CALLS_MAX];
    struct xapi_place place;
    struct cancel *cancel;
    struct wait wait;
};

static const char a_ref[] =
    "{\"jsonrpc\":\"2.0\",\"result\":\"OpaqueRef:0a1b\",\"id\":1}";

static bool take_call(struct peer_conn *c, struct pool *p)
{
    char head[2048];
    const char *length;
    size_t len;

    if (!peer_head(c, head, sizeof(head)))
        return false;
    length = strstr(head, "Content-Length: ");
    len = length ? strtoul(length + 16, NULL, 10) : 0;
    assert_true(p->calls < CALLS_MAX && len < 65536);
    p->bodies[p->calls] = calloc(1, len + 1);
    assert_int_equal(peer_recv(c, p->bodies[p->calls], len), len);
    p->calls++;
    return true;
}

static void serve(struct peer_conn *c, void *arg)
{
    struct pool *p = arg;
    char head[128];

    while (take_call(c, p)) {
        const char *answer = p->answer;

        if (!answer)
            answer = a_ref;
        (void)snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       strlen(answer));
        peer_send(c, head);
        peer_send(c, answer);
    }
}

static void pool_start(struct pool *p)
{
    char text[64];
    struct err e = {0};

    memset(p, 0, sizeof(*p));
    assert_ok(cancel_open(&p->cancel, &e), &e);
    p->wait = (struct wait){.cancel = p->cancel, .timeout_s = 60};
    p->peer = peer_start(serve, p, NULL, NULL);
    (void)snprintf(text, sizeof(text), "xapi+http://me@127.0.0.1:%u/sr/x",
                   peer_port(p->peer));
    assert_ok(xapi_place_parse(&p->place, text, &e), &e);
}

static void pool_stop(struct pool *p)
{
    peer_stop(p->peer);
    for (unsigned i = 0; i < p->calls; i++)
        free(p->bodies[i]);
    cancel_close(p->cancel);
}

static struct xapi *log_in(struct pool *p)
{
    struct xapi_config cfg = {
        .place = &p->place, .password = "geheim", .wait = &p->wait};
    struct xapi *x = NULL;
    struct err e = {0};

    assert_ok(xapi_open(&x, &cfg, &e), &e);
    return x;
}

/* --- tests -----------------------------------------------------------------*/

static void test_a_login_and_a_logout(void **state)
{
    struct pool p;

    (void)state;
    pool_start(&p);
    xapi_close(log_in(&p));
    assert_int_equal(p.calls, 2);
    assert_string_equal(
        p.bodies[0],
        "{\"jsonrpc\":\"2.0\",\"method\":\"session.login_with_password\","
        "\"params\":[\"me\",\"geheim\",\"1.1\",\"vhdstream\"],\"id\":1}");
    assert_string_equal(p.bodies[1],
                        "{\"jsonrpc\":\"2.0\",\"method\":\"session.logout\","
                        "\"params\":[\"OpaqueRef:0a1b\"],\"id\":1}");
    pool_stop(&p);
}

static void test_a_given_session_is_neither_opened_nor_ended(void **state)
{
    struct pool p;
    struct xapi_config cfg = {
        .place = &p.place, .session = "OpaqueRef:given", .wait = &p.wait};
    struct err e = {0};
    struct xapi *x = NULL;
    char ref[XAPI_OPAQUE_SIZE];

    (void)state;
    pool_start(&p);
    assert_ok(xapi_open(&x, &cfg, &e), &e);
    assert_ok(xapi_get_ref(x, "VDI.get_SR", "OpaqueRef:v", ref, &e), &e);
    xapi_close(x);
    assert_int_equal(p.calls, 1);
    assert_non_null(
        strstr(p.bodies[0], "[\"OpaqueRef:given\",\"OpaqueRef:v\"]"));
    pool_stop(&p);
}

static void test_a_given_session_has_the_form_of_one(void **state)
{
    struct xapi_place place;
    struct xapi_config cfg = {.place = &place, .session = "x&vdi=y"};
    struct err e = {0};
    struct xapi *x = NULL;

    (void)state;
    assert_ok(xapi_place_parse(&place, "xapi://xs1", &e), &e);
    assert_int_equal(xapi_open(&x, &cfg, &e), ERR_USAGE);
    assert_null(strstr(e.text, "x&vdi"));
}

static void test_a_stop_ends_calls_but_not_firm_ones(void **state)
{
    struct pool p;
    json_t *result = NULL;
    struct err e = {0};
    struct xapi *x;

    (void)state;
    pool_start(&p);
    x = log_in(&p);
    cancel_request(p.cancel);
    assert_int_equal(
        xapi_call(x, XAPI_NORMAL, &result, &e, "VDI.get_SR", "s", "v"),
        ERR_CANCELLED);
    assert_null(result);
    assert_int_equal(p.calls, 1);
    assert_ok(xapi_call(x, XAPI_FIRM, &result, &e, "VDI.create", "s", "v"), &e);
    json_decref(result);
    assert_ok(xapi_call(x, XAPI_CLEANUP, &result, &e, "VDI.destroy", "s", "v"),
              &e);
    json_decref(result);
    xapi_close(x);
    assert_int_equal(p.calls, 4);
    assert_non_null(strstr(p.bodies[3], "session.logout"));
    pool_stop(&p);
}

static void test_arguments_that_are_no_text_are_not_sent(void **state)
{
    struct pool p;
    json_t *result = NULL;
    struct err e = {0};
    struct xapi *x;

    (void)state;
    pool_start(&p);
    x = log_in(&p);
    assert_int_equal(xapi_call(x, XAPI_NORMAL, &result, &e,
                               "SR.get_by_name_label", "s", "\xff"),
                     ERR_USAGE);
    assert_int_equal(p.calls, 1);
    xapi_close(x);
    pool_stop(&p);
}

static void test_a_refusal_carries_no_session(void **state)
{
    struct pool p;
    json_t *result = NULL;
    struct err e = {0};
    struct xapi *x;

    (void)state;
    pool_start(&p);
    x = log_in(&p);
    p.answer = "{\"error\":[\"INTERNAL_ERROR\",\"OpaqueRef:0a1b\"],\"id\":1}";
    assert_int_equal(
        xapi_call(x, XAPI_NORMAL, &result, &e, "VDI.get_SR", "s", "v"),
        ERR_FAILED);
    assert_null(strstr(e.text, "0a1b"));
    assert_non_null(strstr(e.text, "VDI.get_SR: the server failed "
                                   "(INTERNAL_ERROR: ...)"));
    xapi_close(x);
    pool_stop(&p);
}

static void test_a_task_that_is_not_known_is_gone(void **state)
{
    struct pool p;
    struct xapi_task task = {.ref = "OpaqueRef:t"};
    struct xapi_verdict v;
    struct err e = {0};

    (void)state;
    pool_start(&p);
    task.x = log_in(&p);
    p.answer = "{\"error\":[\"HANDLE_INVALID\",\"task\",\"x\"],\"id\":1}";
    assert_ok(xapi_task_wait(&task, XAPI_NORMAL, 60, &v, &e), &e);
    assert_int_equal(v.status, XAPI_GONE);
    assert_int_equal(xapi_verdict_code(&v), ERR_UNSETTLED);
    xapi_close(task.x);
    pool_stop(&p);
}

/* --- threads ---------------------------------------------------------------*/

static _Atomic unsigned failures;

static void *call_often(void *arg)
{
    struct xapi *x = arg;
    char ref[XAPI_OPAQUE_SIZE];
    struct host_port host;
    struct err e = {0};

    for (int i = 0; i < CALLS_EACH; i++) {
        if (xapi_get_ref(x, "VDI.get_SR", "OpaqueRef:v", ref, &e) < 0 ||
            strcmp(ref, "OpaqueRef:0a1b") != 0)
            failures++;
        xapi_session_ref(x, ref);
        xapi_session_host(x, &host);
    }
    return NULL;
}

static void test_threads_share_a_session(void **state)
{
    pthread_t threads[THREADS];
    struct pool p;
    struct xapi *x;

    (void)state;
    pool_start(&p);
    x = log_in(&p);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, x), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    xapi_close(x);
    assert_int_equal(failures, 0);
    assert_int_equal(p.calls, THREADS * CALLS_EACH + 2);
    pool_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_login_and_a_logout),
        cmocka_unit_test(test_a_given_session_is_neither_opened_nor_ended),
        cmocka_unit_test(test_a_given_session_has_the_form_of_one),
        cmocka_unit_test(test_a_stop_ends_calls_but_not_firm_ones),
        cmocka_unit_test(test_arguments_that_are_no_text_are_not_sent),
        cmocka_unit_test(test_a_refusal_carries_no_session),
        cmocka_unit_test(test_a_task_that_is_not_known_is_gone),
        cmocka_unit_test(test_threads_share_a_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
