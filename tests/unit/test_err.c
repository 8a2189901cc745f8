/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/err.h"
#include "unit.h"

#include <errno.h>

static void test_set_formats_and_returns_the_code(void **state)
{
    struct err e = {0};

    (void)state;
    errno = EBUSY;
    assert_int_equal(err_set(&e, ERR_CORRUPT, "%s: byte %d", "a.vhd", 7),
                     ERR_CORRUPT);
    assert_int_equal(e.code, ERR_CORRUPT);
    assert_string_equal(e.text, "a.vhd: byte 7");
    assert_int_equal(errno, EBUSY);
}

static void test_control_characters_do_not_reach_a_terminal(void **state)
{
    struct err e = {0};

    (void)state;
    err_set(&e, ERR_FAILED, "name %s", "\033[2Jx\n");
    assert_string_equal(e.text, "name ?[2Jx?");
}

static void test_errno_chooses_the_code(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_errno(&e, ENOSPC, "x"), ERR_NO_SPACE);
    assert_int_equal(err_errno(&e, ENOENT, "x"), ERR_NOT_FOUND);
    assert_int_equal(err_errno(&e, EIO, "disk"), ERR_FAILED);
    assert_string_equal(e.text, "disk: Input/output error");
}

static void test_append_is_cut_at_the_room(void **state)
{
    struct err e = {0};

    (void)state;
    err_set(&e, ERR_FAILED, "%01000d", 0);
    assert_int_equal(err_append(&e, "%01000d", 0), ERR_FAILED);
    assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void test_exit_statuses(void **state)
{
    (void)state;
    assert_int_equal(err_exit(0), 0);
    assert_int_equal(err_exit(ERR_FAILED), 1);
    assert_int_equal(err_exit(ERR_USAGE), 2);
    assert_int_equal(err_exit(ERR_CORRUPT), 3);
    assert_int_equal(err_exit(ERR_UNSUPPORTED), 3);
    assert_int_equal(err_exit(ERR_NOT_FOUND), 4);
    assert_int_equal(err_exit(ERR_AUTH), 5);
    assert_int_equal(err_exit(ERR_NO_SPACE), 6);
    assert_int_equal(err_exit(ERR_UNSETTLED), 7);
    assert_int_equal(err_exit(ERR_TEMPORARY), 75);
    assert_int_equal(err_exit(ERR_CANCELLED), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_formats_and_returns_the_code),
        cmocka_unit_test(test_control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(test_errno_chooses_the_code),
        cmocka_unit_test(test_append_is_cut_at_the_room),
        cmocka_unit_test(test_exit_statuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
