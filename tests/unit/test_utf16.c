/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/utf16.h"
#include "unit.h"

/* One text in all three forms: ASCII, Latin, the BMP, beyond it. */
static const char utf8[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbez";
static const uint8_t be[] = {0,    'a',  0,    0xe9, 0x20, 0xac,
                             0xd8, 0x3d, 0xdc, 0xbe, 0,    'z'};
static const uint8_t le[] = {'a',  0,    0xe9, 0,    0xac, 0x20,
                             0x3d, 0xd8, 0xbe, 0xdc, 'z',  0};

static void check_to_utf8(const uint8_t *raw, size_t len,
                          enum utf16_order order, const char *expected,
                          size_t expected_len, bool expected_sound)
{
    char out[64];
    bool sound;

    assert_true(utf16_utf8_room(len) <= sizeof(out));
    memset(out, 'x', sizeof(out));
    assert_int_equal(utf16_to_utf8(raw, len, order, out, &sound), expected_len);
    assert_memory_equal(out, expected, expected_len + 1);
    assert_int_equal(sound, expected_sound);
    assert_int_equal(out[utf16_utf8_room(len)], 'x');
}

static void test_both_orders_become_utf8(void **state)
{
    (void)state;
    check_to_utf8(be, sizeof(be), UTF16_BE, utf8, sizeof(utf8) - 1, true);
    check_to_utf8(le, sizeof(le), UTF16_LE, utf8, sizeof(utf8) - 1, true);
}

static void test_utf8_becomes_both_orders(void **state)
{
    uint8_t out[sizeof(be)];
    size_t len;

    (void)state;
    assert_true(utf16_from_utf8(utf8, sizeof(utf8) - 1, UTF16_BE, out,
                                sizeof(out), &len));
    assert_int_equal(len, sizeof(be));
    assert_memory_equal(out, be, sizeof(be));
    assert_true(utf16_from_utf8(utf8, sizeof(utf8) - 1, UTF16_LE, out,
                                sizeof(out), &len));
    assert_memory_equal(out, le, sizeof(le));
}

static void test_a_surrogate_that_stands_alone_is_told_of(void **state)
{
    const uint8_t high[] = {0xd8, 0, 0, 'x'}, low[] = {0xdc, 0, 0, 'x'};
    const uint8_t last[] = {0, 'x', 0xd8, 0}, twice[] = {0xd8, 0, 0xd8, 0};

    (void)state;
    check_to_utf8(high, 4, UTF16_BE, "\xef\xbf\xbdx", 4, false);
    check_to_utf8(low, 4, UTF16_BE, "\xef\xbf\xbdx", 4, false);
    check_to_utf8(last, 4, UTF16_BE, "x\xef\xbf\xbd", 4, false);
    check_to_utf8(twice, 4, UTF16_BE, "\xef\xbf\xbd\xef\xbf\xbd", 6, false);
}

static void test_the_replacement_character_itself_is_sound(void **state)
{
    const uint8_t raw[] = {0xff, 0xfd};

    (void)state;
    check_to_utf8(raw, 2, UTF16_BE, "\xef\xbf\xbd", 3, true);
}

static void test_an_odd_byte_at_the_end_is_told_of(void **state)
{
    const uint8_t raw[] = {'x', 0, 'y'};

    (void)state;
    check_to_utf8(raw, 3, UTF16_LE, "x\xef\xbf\xbd", 4, false);
}

static void test_nothing_is_an_empty_text(void **state)
{
    (void)state;
    check_to_utf8(be, 0, UTF16_BE, "", 0, true);
}

static void test_the_length_ends_at_a_whole_nul_unit(void **state)
{
    /* Zero bytes of two neighbours are no NUL. */
    const uint8_t raw[] = {0x20, 0, 0, 'x', 0, 0, 0, 'y'};

    (void)state;
    assert_int_equal(utf16_len(raw, sizeof(raw)), 4);
    assert_int_equal(utf16_len(raw, 4), 4);
    assert_int_equal(utf16_len(raw, 0), 0);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    uint8_t out[4];
    size_t len;

    (void)state;
    assert_true(utf16_from_utf8("ab", 2, UTF16_LE, out, 4, &len));
    assert_false(utf16_from_utf8("abc", 3, UTF16_LE, out, 4, &len));
    assert_false(
        utf16_from_utf8("a\xf0\x9f\x92\xbe", 5, UTF16_LE, out, 4, &len));
}

static void test_bytes_that_are_no_utf8_are_refused(void **state)
{
    const char *const wrong[] = {
        "\x80",             /* goes on with nothing */
        "\xc3",             /* ends within */
        "\xc3x",            /* is broken off */
        "\xc0\xaf",         /* a slash in two bytes */
        "\xe0\x80\xaf",     /* in three */
        "\xf0\x80\x80\xaf", /* in four */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xff",
    };
    uint8_t out[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(utf8_is_sound(wrong[i], strlen(wrong[i])));
        assert_false(utf16_from_utf8(wrong[i], strlen(wrong[i]), UTF16_BE, out,
                                     sizeof(out), &len));
    }
    assert_true(utf8_is_sound(utf8, sizeof(utf8) - 1));
    assert_true(utf8_is_sound("\xf4\x8f\xbf\xbf", 4));
    /* U+1D800 and U+2DC00: only their lower halves look like surrogates. */
    assert_true(utf8_is_sound("\xf0\x9d\xa0\x80\xf0\xad\xb0\x80", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_orders_become_utf8),
        cmocka_unit_test(test_utf8_becomes_both_orders),
        cmocka_unit_test(test_a_surrogate_that_stands_alone_is_told_of),
        cmocka_unit_test(test_the_replacement_character_itself_is_sound),
        cmocka_unit_test(test_an_odd_byte_at_the_end_is_told_of),
        cmocka_unit_test(test_nothing_is_an_empty_text),
        cmocka_unit_test(test_the_length_ends_at_a_whole_nul_unit),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_bytes_that_are_no_utf8_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
