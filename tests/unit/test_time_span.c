/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/time_span.h"

#include "unit.h"

static uint64_t parsed(const char *text)
{
    uint64_t seconds = 12345;

    assert_true(time_span_parse(text, &seconds));
    return seconds;
}

static void test_each_unit(void **state)
{
    (void)state;
    assert_int_equal(parsed("30m"), 1800);
    assert_int_equal(parsed("12h"), 43200);
    assert_int_equal(parsed("1d"), 86400);
    assert_int_equal(parsed("2w"), 1209600);
}

static void test_nothing_and_a_century_are_the_ends(void **state)
{
    (void)state;
    assert_int_equal(parsed("0m"), 0);
    assert_int_equal(parsed("36525d"), 3155760000);
}

static void test_what_is_no_time(void **state)
{
    static const char *const texts[] = {"",
                                        "1",
                                        "d",
                                        "1.5d",
                                        "-1d",
                                        "+1d",
                                        " 1d",
                                        "1d ",
                                        "1dd",
                                        "1D",
                                        "1s",
                                        "1 d",
                                        "0x1d",
                                        "36526d",
                                        "99999999999999999999999999d",
                                        "18446744073709551617m"};
    uint64_t seconds = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (time_span_parse(texts[i], &seconds))
            fail_msg("\"%s\" is taken", texts[i]);
        assert_int_equal(seconds, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_unit),
        cmocka_unit_test(test_nothing_and_a_century_are_the_ends),
        cmocka_unit_test(test_what_is_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
