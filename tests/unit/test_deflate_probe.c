/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/deflate_probe.h"
#include "unit.h"

#include "samples.h"

enum { SIZE = 512 * 1024, LOOK = 64 * 1024 };

static uint8_t data[SIZE];

static void fill_period(size_t period)
{
    sample_random(data, period, period);
    for (size_t i = period; i < SIZE; i++)
        data[i] = data[i - period];
}

static void test_random_bytes_look_so_and_do_not_repeat(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 30; seed++) {
        sample_random(data, SIZE, seed);
        assert_true(deflate_looks_random(data, SIZE));
        assert_false(deflate_has_repeats(data, SIZE));
        assert_false(deflate_has_repeats(data, 1000));
    }
}

static void test_text_does_not_look_random(void **state)
{
    (void)state;
    sample_fill(TEXT, data, SIZE);
    assert_false(deflate_looks_random(data, SIZE));
    assert_true(deflate_has_repeats(data, SIZE));
}

static void test_what_is_short_does_not_look_random(void **state)
{
    (void)state;
    sample_fill(RANDOM, data, SIZE);
    assert_false(deflate_looks_random(data, LOOK - 1));
    assert_true(deflate_looks_random(data, LOOK));
    for (size_t len = 0; len < 20; len++)
        assert_false(deflate_has_repeats(data, len));
}

/* RFC 1951, 3.2.5: distances reach 32768 bytes back. */
static void test_every_period_within_reach_is_found(void **state)
{
    const size_t periods[] = {512,   1000,  4096,  10000,
                              16384, 20000, 30000, 32768};

    (void)state;
    for (int i = 0; i < 8; i++) {
        fill_period(periods[i]);
        assert_true(deflate_has_repeats(data, SIZE));
    }
    fill_period(32769);
    assert_false(deflate_has_repeats(data, SIZE));
}

static void test_runs_of_one_byte_are_found(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        sample_fill(RANDOM, data, LOOK);
        memset(data + 20000, byte, 3000);
        assert_true(deflate_has_repeats(data, LOOK));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_bytes_look_so_and_do_not_repeat),
        cmocka_unit_test(test_text_does_not_look_random),
        cmocka_unit_test(test_what_is_short_does_not_look_random),
        cmocka_unit_test(test_every_period_within_reach_is_found),
        cmocka_unit_test(test_runs_of_one_byte_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
