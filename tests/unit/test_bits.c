/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "unit.h"

#include <stdlib.h>

static void test_most_significant_bit_first(void **state)
{
    uint8_t bits[2] = {0};

    (void)state;
    bit_set(bits, 0);
    bit_set(bits, 9);
    assert_int_equal(bits[0], 0x80);
    assert_int_equal(bits[1], 0x40);
    bit_clear(bits, 0);
    assert_int_equal(bits[0], 0);
}

/* Every run of a short map against a bit-by-bit count. */
static void test_runs_equal_a_slow_count(void **state)
{
    uint8_t bits[8];

    (void)state;
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        uint64_t from = (uint64_t)random() % 64;
        uint64_t end = from + (uint64_t)random() % (65 - from);
        uint64_t slow = from;

        for (int i = 0; i < 8; i++)
            bits[i] =
                random() % 3 ? (random() % 2 ? 0xff : 0) : (uint8_t)random();
        while (slow < end && bit_get(bits, slow) == bit_get(bits, from))
            slow++;
        assert_int_equal(bits_run(bits, from, end), slow - from);
    }
}

static void test_set_and_clear_runs_touch_nothing_else(void **state)
{
    (void)state;
    for (uint64_t from = 0; from < 40; from++) {
        for (uint64_t count = 0; from + count <= 40; count++) {
            uint8_t bits[5] = {0}, ones[5];

            memset(ones, 0xff, sizeof(ones));
            bits_set_run(bits, from, count);
            bits_clear_run(ones, from, count);
            for (uint64_t i = 0; i < 40; i++) {
                assert_int_equal(bit_get(bits, i),
                                 i >= from && i < from + count);
                assert_int_equal(bit_get(ones, i), !bit_get(bits, i));
            }
            assert_int_equal(bits_count(bits, 40), count);
        }
    }
}

static void test_all_set_all_clear(void **state)
{
    uint8_t bits[2] = {0xff, 0xf0};

    (void)state;
    assert_true(bits_all_set(bits, 12));
    assert_false(bits_all_set(bits, 13));
    assert_true(bits_all_clear(bits, 0));
    assert_false(bits_all_clear(bits, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_most_significant_bit_first),
        cmocka_unit_test(test_runs_equal_a_slow_count),
        cmocka_unit_test(test_set_and_clear_runs_touch_nothing_else),
        cmocka_unit_test(test_all_set_all_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
