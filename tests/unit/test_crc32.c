/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/crc32.h"
#include "unit.h"

/* The check value of this sum in every catalogue of such. */
static void test_the_known_value(void **state)
{
    (void)state;
    assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_add(0, "", 0), 0);
}

static void test_adding_goes_on(void **state)
{
    uint32_t crc = crc32_add(0, "1234", 4);

    (void)state;
    assert_int_equal(crc32_add(crc, "56789", 5), 0xcbf43926);
}

static void test_joining_equals_summing_the_whole(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t first = crc32_add(0, "123456789", cut);
        uint32_t second = crc32_add(0, &"123456789"[cut], 9 - cut);

        assert_int_equal(crc32_join(first, second, 9 - cut), 0xcbf43926);
    }
}

/* 2^40 zero bytes, doubled from one. */
static void test_joining_long_stretches(void **state)
{
    uint32_t zeros = crc32_add(0, "", 1);
    uint32_t by_halves, by_thirds;

    (void)state;
    for (int i = 0; i < 40; i++)
        zeros = crc32_join(zeros, zeros, 1ull << i);
    by_halves = crc32_join(zeros, crc32_add(0, "x", 1), 1);
    by_thirds = crc32_join(0, zeros, 1ull << 40);
    assert_int_equal(crc32_add(by_thirds, "x", 1), by_halves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_known_value),
        cmocka_unit_test(test_adding_goes_on),
        cmocka_unit_test(test_joining_equals_summing_the_whole),
        cmocka_unit_test(test_joining_long_stretches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
