/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/wait.h"
#include "unit.h"

#include <poll.h>
#include <unistd.h>

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void test_a_request_is_seen_and_wakes(void **state)
{
    struct cancel *c = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(cancel_open(&c, &e), &e);
    assert_false(cancel_requested(c));
    assert_false(is_readable(cancel_fd(c)));
    cancel_request(c);
    assert_true(cancel_requested(c));
    assert_true(is_readable(cancel_fd(c)));
    cancel_close(c);
}

static void test_a_child_stops_with_its_parent(void **state)
{
    struct cancel *parent = NULL, *child = NULL, *grandchild = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(cancel_open(&parent, &e), &e);
    assert_ok(cancel_open_child(&child, parent, &e), &e);
    assert_ok(cancel_open_child(&grandchild, child, &e), &e);
    assert_false(is_readable(cancel_fd(grandchild)));
    cancel_request(parent);
    assert_true(cancel_requested(child));
    assert_true(cancel_requested(grandchild));
    assert_true(is_readable(cancel_fd(child)));
    assert_true(is_readable(cancel_fd(grandchild)));
    cancel_close(grandchild);
    cancel_close(child);
    cancel_close(parent);
}

static void test_a_child_stops_alone(void **state)
{
    struct cancel *parent = NULL, *child = NULL, *other = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(cancel_open(&parent, &e), &e);
    assert_ok(cancel_open_child(&child, parent, &e), &e);
    assert_ok(cancel_open_child(&other, parent, &e), &e);
    cancel_request(child);
    assert_true(cancel_requested(child));
    assert_true(is_readable(cancel_fd(child)));
    assert_false(cancel_requested(parent));
    assert_false(is_readable(cancel_fd(parent)));
    assert_false(cancel_requested(other));
    assert_false(is_readable(cancel_fd(other)));
    cancel_close(other);
    cancel_close(child);
    cancel_close(parent);
}

static void test_a_child_needs_no_parent(void **state)
{
    struct cancel *child = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(cancel_open_child(&child, NULL, &e), &e);
    assert_false(cancel_requested(child));
    cancel_request(child);
    assert_true(is_readable(cancel_fd(child)));
    cancel_close(child);
}

static void test_waiting_ends_by_cancel_and_by_time(void **state)
{
    struct cancel *c = NULL;
    struct wait wait = {.timeout_s = 1};
    struct err e = {0};
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(wait_fd(&wait, fds[0], POLLIN, "p", &e), ERR_TEMPORARY);
    assert_string_equal(e.text, "p: no byte in 1 seconds");
    assert_ok(cancel_open(&c, &e), &e);
    cancel_request(c);
    wait = (struct wait){.cancel = c, .timeout_s = 300};
    assert_int_equal(wait_fd(&wait, fds[0], POLLIN, "p", &e), ERR_CANCELLED);
    assert_int_equal(wait_sleep(&wait, 300000, &e), ERR_CANCELLED);
    cancel_close(c);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_seen_and_wakes),
        cmocka_unit_test(test_a_child_stops_with_its_parent),
        cmocka_unit_test(test_a_child_stops_alone),
        cmocka_unit_test(test_a_child_needs_no_parent),
        cmocka_unit_test(test_waiting_ends_by_cancel_and_by_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
