/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_clock.h"

#include "unit.h"

/* What `date -u -d TEXT +%s` says of each. */
static void test_times_are_read(void **state)
{
    int64_t time = -1;

    (void)state;
    assert_true(xapi_time_parse("2026-08-21T02:00:23Z", &time));
    assert_int_equal(time, 1787277623);
    assert_true(xapi_time_parse("20260821T02:00:23Z", &time));
    assert_int_equal(time, 1787277623);
    assert_true(xapi_time_parse("1970-01-01T00:00:00Z", &time));
    assert_int_equal(time, 0);
    assert_true(xapi_time_parse("2028-02-29T23:59:59Z", &time));
    assert_int_equal(time, 1835481599);
}

static void test_times_are_written(void **state)
{
    char text[XAPI_TIME_SIZE];

    (void)state;
    xapi_time_format(1787277623, text);
    assert_string_equal(text, "2026-08-21T02:00:23Z");
}

static void test_what_is_no_time(void **state)
{
    static const char *const texts[] = {
        "",
        "now",
        "2026-08-21",
        "2026-08-21T02:00:23",
        "2026-08-21T02:00:23Z ",
        " 2026-08-21T02:00:23Z",
        "2026-08-21 02:00:23Z",
        "2026-8-21T02:00:23Z",
        "2026-08-21T02:00:23+00:00",
        "2026-02-29T02:00:23Z",
        "2026-13-01T02:00:23Z",
        "2026-00-10T02:00:23Z",
        "2026-08-21T24:00:00Z",
        "2026-08-21T02:60:23Z",
        "1969-12-31T23:59:59Z",
        "-026-08-21T02:00:23Z",
    };
    int64_t time = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (xapi_time_parse(texts[i], &time))
            fail_msg("\"%s\" is taken", texts[i]);
        assert_int_equal(time, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_read),
        cmocka_unit_test(test_times_are_written),
        cmocka_unit_test(test_what_is_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
