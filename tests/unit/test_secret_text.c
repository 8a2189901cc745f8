/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/text.h"
#include "unit.h"

#include <stdio.h>

/* --- one that is known, whole or cut ---------------------------------------*/

static void check_hidden(const char *text, const char *secret,
                         const char *expected)
{
    char out[128];

    (void)snprintf(out, sizeof(out), "%s", text);
    text_hide(out, secret);
    assert_string_equal(out, expected);
}

static void test_each_secret_becomes_dots(void **state)
{
    (void)state;
    check_hidden("a token-1 b token-1", "token-1", "a ... b ...");
    check_hidden("nothing here", "token-1", "nothing here");
    check_hidden("ab", "ab", "ab"); /* too short to be one */
    check_hidden("text", "", "text");
    check_hidden("text", NULL, "text");
    check_hidden("", "token-1", "");
}

static void test_what_the_end_has_cut_becomes_dots(void **state)
{
    (void)state;
    check_hidden("a token-", "token-1", "a ...");
    check_hidden("a toke", "token-1", "a ...");
    check_hidden("a tok", "token-1", "a tok");
    check_hidden("token-", "token-1", "...");
    check_hidden("a token-1 toke", "token-1", "a ... ...");
}

/* --- what may tell it in any form ------------------------------------------*/

static void test_any_piece_of_it_may_tell(void **state)
{
    (void)state;
    assert_true(text_may_tell("has Geheim-73 in it", "Geheim-73"));
    assert_true(text_may_tell("cut: Gehe", "Geheim-73"));
    assert_true(text_may_tell("Ge\\\"heim", "Ge\"heim-7"));
    assert_true(text_may_tell("\\u00fcber", "\xc3\xbc"
                                            "ber"));
    assert_false(text_may_tell("cut: Geh", "Geheim-73"));
    assert_false(text_may_tell("GEHEIM", "Geheim-73"));
    assert_false(text_may_tell("", "Geheim-73"));
}

static void test_short_and_strange_secrets(void **state)
{
    (void)state;
    assert_true(text_may_tell("a-b1", "b1"));
    assert_false(text_may_tell("a-b-1", "b1"));
    /* Nothing in it that would be found again in every form. */
    assert_true(text_may_tell("anything", "x"));
    assert_true(text_may_tell("anything", "\"\\\""));
    assert_true(text_may_tell("anything", "\xd0\xbf\xd0\xb0"));
    /* Much of it would not be. */
    assert_true(text_may_tell("anything", "\xd0\xbf\xd0\xb0"
                                          "12"));
    assert_true(text_may_tell("anything", "K7.p-Q!x.secret"));
    assert_false(text_may_tell("anything", "Kennwort-73.geheim"));
    assert_true(text_may_tell("port 1738", "Kennwort-73.geheim"));
    assert_false(text_may_tell("anything", ""));
    assert_false(text_may_tell("anything", NULL));
}

static void test_a_text_that_may_tell_is_withheld_whole(void **state)
{
    char told[] = "the password Geheim-73 is wrong";
    char clean[] = "the user is not known";

    (void)state;
    text_withhold(told, "Geheim-73");
    text_withhold(clean, "Geheim-73");
    assert_string_equal(told, "");
    assert_string_equal(clean, "the user is not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_secret_becomes_dots),
        cmocka_unit_test(test_what_the_end_has_cut_becomes_dots),
        cmocka_unit_test(test_any_piece_of_it_may_tell),
        cmocka_unit_test(test_short_and_strange_secrets),
        cmocka_unit_test(test_a_text_that_may_tell_is_withheld_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
