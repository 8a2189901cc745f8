/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_finding.h"
#include "unit.h"

struct listener {
    struct vhd_finding last;
    unsigned told;
    int answer;
};

static int listen(void *ctx, const struct vhd_finding *f, struct err *e)
{
    struct listener *l = ctx;

    l->last = *f;
    l->told++;
    return l->answer ? err_set(e, l->answer, "%s", f->text) : 0;
}

static void test_the_severity_is_that_of_a_file_or_of_a_stream(void **state)
{
    struct listener l = {0};
    struct vhd_judge file = {.take = listen, .ctx = &l};
    struct vhd_judge stream = {.take = listen, .ctx = &l, .stream = true};

    (void)state;
    assert_int_equal(
        vhd_find(&file, FOUND_TRAILING_FOOTER_MISSING, 7, NULL, "lost"), 0);
    assert_int_equal(l.last.severity, VHD_WARNING);
    assert_int_equal(file.errors, 0);
    assert_int_equal(
        vhd_find(&stream, FOUND_TRAILING_FOOTER_MISSING, 7, NULL, "cut"), 0);
    assert_int_equal(l.last.severity, VHD_ERROR);
    assert_int_equal(stream.errors, 1);
    assert_int_equal(l.last.offset, 7);
    assert_string_equal(l.last.text, "cut");
}

static void test_what_has_no_severity_is_not_said(void **state)
{
    struct listener l = {0};
    struct vhd_judge file = {.take = listen, .ctx = &l};

    (void)state;
    assert_int_equal(vhd_find(&file, FOUND_PIPE_ORDER, 0, NULL, "order"), 0);
    assert_int_equal(l.told, 0);
}

static void test_an_absent_parent_is_an_error_only_in_a_chain(void **state)
{
    struct listener l = {0};
    struct vhd_judge alone = {.take = listen, .ctx = &l};
    struct vhd_judge chain = {.take = listen, .ctx = &l, .chain = true};

    (void)state;
    (void)vhd_find(&alone, FOUND_PARENT_NOT_AT_HAND, 552, NULL, "away");
    assert_int_equal(l.last.severity, VHD_NOTE);
    (void)vhd_find(&chain, FOUND_PARENT_NOT_AT_HAND, 552, NULL, "away");
    assert_int_equal(l.last.severity, VHD_ERROR);
}

static void test_who_is_told_may_end_it(void **state)
{
    struct listener l = {.answer = ERR_CORRUPT};
    struct vhd_judge j = {.take = listen, .ctx = &l};
    struct err e = {0};

    (void)state;
    assert_int_equal(vhd_find(&j, FOUND_SIZE_ZERO, 48, &e, "no size"),
                     ERR_CORRUPT);
    assert_string_equal(e.text, "no size");
}

static void test_the_same_thing_is_said_once(void **state)
{
    struct listener l = {0};
    struct vhd_judge j = {.take = listen, .ctx = &l};

    (void)state;
    (void)vhd_find(&j, FOUND_DATA_OFFSET, 16, NULL, "past the end");
    (void)vhd_find(&j, FOUND_DATA_OFFSET, 16, NULL, "past the end");
    assert_int_equal(l.told, 1);
    assert_int_equal(j.errors, 1);
}

static void test_of_very_many_the_first_are_told_and_all_are_counted(
    void **state)
{
    struct listener l = {0};
    struct vhd_judge j = {.take = listen, .ctx = &l};

    (void)state;
    for (uint64_t i = 0; i < VHD_FINDINGS_TOLD + 500; i++)
        (void)vhd_find(&j, FOUND_SURPLUS_BLOCK, i, NULL, "block");
    assert_int_equal(l.told, VHD_FINDINGS_TOLD);
    assert_int_equal(j.severities[VHD_NOTE], VHD_FINDINGS_TOLD + 500);
}

static void test_texts_from_outside_are_harmless(void **state)
{
    struct listener l = {0};
    struct vhd_judge j = {.take = listen, .ctx = &l};

    (void)state;
    (void)vhd_find(&j, FOUND_LOCATOR_OUTSIDE, 0, NULL, "leads to %s",
                   "/a\033[2J\nb\177");
    assert_string_equal(l.last.text, "leads to /a?[2J?b?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_severity_is_that_of_a_file_or_of_a_stream),
        cmocka_unit_test(test_what_has_no_severity_is_not_said),
        cmocka_unit_test(test_an_absent_parent_is_an_error_only_in_a_chain),
        cmocka_unit_test(test_who_is_told_may_end_it),
        cmocka_unit_test(test_the_same_thing_is_said_once),
        cmocka_unit_test(
            test_of_very_many_the_first_are_told_and_all_are_counted),
        cmocka_unit_test(test_texts_from_outside_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
