/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/retry.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* What was told, and how often. */
struct told {
    unsigned times;
    char last[1100];
};

static void hear(void *ctx, const char *text)
{
    struct told *t = ctx;

    t->times++;
    (void)snprintf(t->last, sizeof(t->last), "%s", text);
}

static struct err failure(int code)
{
    struct err e = {0};

    (void)err_set(&e, code, "the way is gone");
    return e;
}

static void test_tries_are_counted_and_told(void **state)
{
    struct told t = {0};
    const struct notice n = {.fn = hear, .ctx = &t};
    struct retry r = {.max = 2, .notice = &n};
    struct err e = failure(ERR_TEMPORARY);

    (void)state;
    assert_int_equal(retry_pause(&r, &e), 0);
    assert_int_equal(e.code, 0);
    assert_string_equal(t.last,
                        "the way is gone; trying again in 0 s (1 of 2)");
    e = failure(ERR_TEMPORARY);
    assert_int_equal(retry_pause(&r, &e), 0);
    assert_string_equal(t.last,
                        "the way is gone; trying again in 0 s (2 of 2)");
    e = failure(ERR_TEMPORARY);
    assert_int_equal(retry_pause(&r, &e), ERR_TEMPORARY);
    assert_string_equal(e.text, "the way is gone; tried 3 times");
    assert_int_equal(t.times, 2);
}

static void test_only_what_may_pass_is_tried_again(void **state)
{
    (void)state;
    for (int code = ERR_CANCELLED; code < 0; code++) {
        struct retry r = {.max = 5};
        struct err e = failure(code);

        if (code == ERR_TEMPORARY)
            continue;
        assert_int_equal(retry_pause(&r, &e), code);
        assert_string_equal(e.text, "the way is gone");
        assert_int_equal(r.used, 0);
    }
}

static void test_no_retries_add_nothing_to_the_failure(void **state)
{
    struct retry r = {0};
    struct err e = failure(ERR_TEMPORARY);

    (void)state;
    assert_int_equal(retry_pause(&r, &e), ERR_TEMPORARY);
    assert_string_equal(e.text, "the way is gone");
}

static void test_progress_begins_the_count_anew(void **state)
{
    struct retry r = {.max = 1};
    struct err e = {0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        e = failure(ERR_TEMPORARY);
        assert_int_equal(retry_pause(&r, &e), 0);
        retry_progress(&r);
    }
    e = failure(ERR_TEMPORARY);
    assert_int_equal(retry_pause(&r, &e), 0);
    e = failure(ERR_TEMPORARY);
    assert_int_equal(retry_pause(&r, &e), ERR_TEMPORARY);
}

/* The pause before try `used` + 1, as it is told; a stop that was asked for
 * already ends it at once. */
static unsigned pause_after(unsigned delay_s, unsigned used)
{
    struct told t = {0};
    const struct notice n = {.fn = hear, .ctx = &t};
    struct cancel *stop = NULL;
    struct wait w = {0};
    struct retry r = {
        .max = 1000, .delay_s = delay_s, .used = used, .notice = &n};
    struct err e = {0};
    unsigned seconds = 0;

    assert_ok(cancel_open(&stop, &e), &e);
    cancel_request(stop);
    w.cancel = stop;
    r.wait = &w;
    e = failure(ERR_TEMPORARY);
    assert_int_equal(retry_pause(&r, &e), ERR_CANCELLED);
    assert_int_equal(e.code, ERR_CANCELLED);
    assert_int_equal(
        sscanf(t.last, "the way is gone; trying again in %u s", &seconds), 1);
    cancel_close(stop);
    return seconds;
}

static void test_pauses_double_up_to_a_minute(void **state)
{
    static const unsigned expected[] = {2, 4, 8, 16, 32, 60, 60, 60};

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pause_after(2, i), expected[i]);
    assert_int_equal(pause_after(2, 900), 60);
    assert_int_equal(pause_after(1, 900), 60);
    assert_int_equal(pause_after(0, 900), 0);
}

/* Whoever asks for more than the longest pause gets that, each time. */
static void test_a_long_first_pause_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pause_after(60, i), 60);
        assert_int_equal(pause_after(3600, i), 3600);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tries_are_counted_and_told),
        cmocka_unit_test(test_only_what_may_pass_is_tried_again),
        cmocka_unit_test(test_no_retries_add_nothing_to_the_failure),
        cmocka_unit_test(test_progress_begins_the_count_anew),
        cmocka_unit_test(test_pauses_double_up_to_a_minute),
        cmocka_unit_test(test_a_long_first_pause_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
