/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_json.h"

#include "base/mem.h"
#include "unit.h"

#include <stdio.h>

/* --- requests --------------------------------------------------------------*/

static void test_a_request_has_the_session_first(void **state)
{
    CLEANUP(json) json_t *args = json_pack("[si]", "ref", 7);
    CLEANUP(json) json_t *back = NULL;
    FREE char *text = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(xapi_json_request(&text, "VDI.x", "OpaqueRef:s", args, &e), &e);
    back = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(back, "jsonrpc")),
                        "2.0");
    assert_string_equal(json_string_value(json_object_get(back, "method")),
                        "VDI.x");
    assert_true(json_is_integer(json_object_get(back, "id")));
    json_t *params = json_object_get(back, "params");
    assert_int_equal(json_array_size(params), 3);
    assert_string_equal(json_string_value(json_array_get(params, 0)),
                        "OpaqueRef:s");
    assert_string_equal(json_string_value(json_array_get(params, 1)), "ref");
    assert_int_equal(json_integer_value(json_array_get(params, 2)), 7);
    assert_int_equal(json_array_size(args), 2);
}

static void test_arguments_that_failed_are_an_error(void **state)
{
    FREE char *text = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(
        xapi_json_request(&text, "VDI.x", NULL, json_pack("[s]", "\xff"), &e),
        ERR_USAGE);
    assert_non_null(strstr(e.text, "UTF-8"));
    assert_null(text);
}

/* --- answers ---------------------------------------------------------------*/

static void test_a_result_is_handed_out(void **state)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    struct err e = {0};

    (void)state;
    assert_int_equal(
        xapi_json_reply(&result, &fault,
                        "{\"jsonrpc\":\"2.0\",\"result\":\"x\",\"id\":1}", "w",
                        &e),
        0);
    assert_string_equal(json_string_value(result), "x");
}

static void test_version_1_has_a_null_error(void **state)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    struct err e = {0};

    (void)state;
    assert_int_equal(xapi_json_reply(&result, &fault,
                                     "{\"result\":[],\"error\":null,\"id\":1}",
                                     "w", &e),
                     0);
    assert_true(json_is_array(result));
}

static void expect_fault(const char *text)
{
    json_t *result = NULL;
    struct xapi_fault fault;
    struct err e = {0};

    assert_int_equal(xapi_json_reply(&result, &fault, text, "w", &e), 1);
    assert_null(result);
    assert_string_equal(fault.code, "HANDLE_INVALID");
    assert_int_equal(fault.nparams, 2);
    assert_string_equal(fault.params[0], "VDI");
    assert_string_equal(fault.params[1], "OpaqueRef:x");
}

static void test_a_refusal_of_version_2(void **state)
{
    (void)state;
    expect_fault("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":"
                 "\"HANDLE_INVALID\",\"data\":[\"VDI\",\"OpaqueRef:x\"]},"
                 "\"id\":1}");
}

static void test_a_refusal_before_dispatch_is_a_plain_list(void **state)
{
    (void)state;
    expect_fault("{\"jsonrpc\":\"2.0\",\"error\":[\"HANDLE_INVALID\","
                 "\"VDI\",\"OpaqueRef:x\"],\"id\":0}");
}

static void refused_answer(const char *text)
{
    json_t *result = NULL;
    struct xapi_fault fault;
    struct err e = {0};

    assert_int_equal(xapi_json_reply(&result, &fault, text, "the call", &e),
                     ERR_CORRUPT);
    assert_non_null(strstr(e.text, "the call: "));
    assert_null(result);
}

static void test_answers_that_make_no_sense(void **state)
{
    (void)state;
    refused_answer("");
    refused_answer("<html>");
    refused_answer("[]");
    refused_answer("\"x\"");
    refused_answer("{}");
    refused_answer("{\"id\":1}");
    refused_answer("{\"result\":1");
    refused_answer("{\"result\":1} x");
    refused_answer("{\"error\":{}}");
    refused_answer("{\"error\":7}");
    refused_answer("{\"error\":{\"message\":7}}");
    refused_answer("{\"result\":1,\"result\":2}");
}

static void test_depth_is_bounded(void **state)
{
    char text[64] = "{\"result\":";

    (void)state;
    memset(text + 10, '[', XAPI_DEPTH_MAX);
    refused_answer(text);
}

static void test_depth_within_strings_does_not_count(void **state)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    struct err e = {0};
    char text[256];

    (void)state;
    (void)snprintf(text, sizeof(text), "{\"result\":\"\\\"%0*d\"}", 60, 0);
    for (char *p = text; *p; p++)
        if (*p == '0')
            *p = '[';
    assert_int_equal(xapi_json_reply(&result, &fault, text, "w", &e), 0);
}

static void test_the_number_of_values_is_bounded(void **state)
{
    static const char head[] = "{\"result\":[";
    size_t len = sizeof(head) - 1 + 2 * (size_t)XAPI_VALUES_MAX;
    FREE char *text = NULL;
    struct err e = {0};

    (void)state;
    assert_ok(mem_alloc(&text, len + 4, "a test", &e), &e);
    memcpy(text, head, sizeof(head));
    for (size_t i = sizeof(head) - 1; i < len; i += 2)
        memcpy(text + i, "1,", 2);
    memcpy(text + len, "1]}", 4);
    refused_answer(text);
}

/* --- typed access ----------------------------------------------------------*/

static json_t *record(void)
{
    return json_pack("{s:s, s:I, s:s, s:i, s:b, s:f, s:[s], s:{s:s}, s:s}",
                     "text", "abc", "big", (json_int_t)1 << 41, "digits", "512",
                     "minus", -1, "yes", 1, "half", 0.5, "list", "a", "map",
                     "k", "v", "ref", "OpaqueRef:1-2");
}

static void test_fields_of_the_right_type(void **state)
{
    CLEANUP(json) json_t *r = record();
    struct err e = {0};
    char word[8], ref[XAPI_OPAQUE_SIZE];
    uint64_t size = 0;
    bool yes = false;
    double half = 0;
    const json_t *list, *map;

    (void)state;
    assert_ok(xapi_json_word(r, "text", "w", word, sizeof(word), &e), &e);
    assert_string_equal(word, "abc");
    assert_ok(xapi_json_size(r, "big", "w", &size, &e), &e);
    assert_true(size == (uint64_t)1 << 41);
    assert_ok(xapi_json_size(r, "digits", "w", &size, &e), &e);
    assert_int_equal(size, 512);
    assert_ok(xapi_json_bool(r, "yes", "w", &yes, &e), &e);
    assert_true(yes);
    assert_ok(xapi_json_fraction(r, "half", "w", &half, &e), &e);
    assert_true(half > 0.4 && half < 0.6);
    assert_ok(xapi_json_list(r, "list", "w", &list, &e), &e);
    assert_ok(xapi_json_map(r, "map", "w", &map, &e), &e);
    assert_string_equal(xapi_json_in_map(map, "k"), "v");
    assert_string_equal(xapi_json_in_map(map, "other"), "");
    assert_string_equal(xapi_json_in_map(NULL, "k"), "");
    assert_ok(xapi_json_ref(r, "ref", "w", ref, &e), &e);
    assert_string_equal(ref, "OpaqueRef:1-2");
}

static void test_a_mismatch_names_call_and_field(void **state)
{
    CLEANUP(json) json_t *r = record();
    struct err e = {0};
    uint64_t size = 99;
    bool yes;

    (void)state;
    assert_int_equal(xapi_json_size(r, "minus", "VDI.get_record", &size, &e),
                     ERR_CORRUPT);
    assert_string_equal(e.text,
                        "VDI.get_record: the server's field minus is no size");
    assert_int_equal(xapi_json_size(r, "text", "w", &size, &e), ERR_CORRUPT);
    assert_int_equal(xapi_json_size(r, "half", "w", &size, &e), ERR_CORRUPT);
    assert_int_equal(xapi_json_size(r, "absent", "w", &size, &e), ERR_CORRUPT);
    assert_int_equal(size, 99);
    assert_int_equal(xapi_json_bool(r, "text", "w", &yes, &e), ERR_CORRUPT);
}

static void test_a_size_that_does_not_fit_is_none(void **state)
{
    CLEANUP(json) json_t *r = json_string("99999999999999999999");
    struct err e = {0};
    uint64_t size;

    (void)state;
    assert_int_equal(xapi_json_size(r, NULL, "w", &size, &e), ERR_CORRUPT);
}

static void test_words_too_long_are_refused_and_labels_cut(void **state)
{
    CLEANUP(json) json_t *r = json_string("ab\xc3\xa9");
    struct err e = {0};
    char out[4];

    (void)state;
    assert_int_equal(xapi_json_word(r, NULL, "w", out, sizeof(out), &e),
                     ERR_CORRUPT);
    assert_ok(xapi_json_label(r, NULL, "w", out, sizeof(out), &e), &e);
    assert_string_equal(out, "ab");
}

static void test_a_fraction_is_from_0_to_1(void **state)
{
    CLEANUP(json) json_t *above = json_real(1.5);
    CLEANUP(json) json_t *one = json_integer(1);
    struct err e = {0};
    double value = 0;

    (void)state;
    assert_int_equal(xapi_json_fraction(above, NULL, "w", &value, &e),
                     ERR_CORRUPT);
    assert_ok(xapi_json_fraction(one, NULL, "w", &value, &e), &e);
    assert_true(value > 0.9);
}

static void test_what_cannot_stand_in_a_url_is_no_ref(void **state)
{
    (void)state;
    assert_true(xapi_ref_is("OpaqueRef:0a1b-2c"));
    assert_true(xapi_ref_is("OpaqueRef:NULL"));
    assert_false(xapi_ref_is_some("OpaqueRef:NULL"));
    assert_true(xapi_ref_is_some("OpaqueRef:1"));
    assert_false(xapi_ref_is(""));
    assert_false(xapi_ref_is("a&format=raw"));
    assert_false(xapi_ref_is("a b"));
    assert_false(xapi_ref_is("a\r\nX: y"));
    assert_false(xapi_ref_is("a%20b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_has_the_session_first),
        cmocka_unit_test(test_arguments_that_failed_are_an_error),
        cmocka_unit_test(test_a_result_is_handed_out),
        cmocka_unit_test(test_version_1_has_a_null_error),
        cmocka_unit_test(test_a_refusal_of_version_2),
        cmocka_unit_test(test_a_refusal_before_dispatch_is_a_plain_list),
        cmocka_unit_test(test_answers_that_make_no_sense),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_depth_within_strings_does_not_count),
        cmocka_unit_test(test_the_number_of_values_is_bounded),
        cmocka_unit_test(test_fields_of_the_right_type),
        cmocka_unit_test(test_a_mismatch_names_call_and_field),
        cmocka_unit_test(test_a_size_that_does_not_fit_is_none),
        cmocka_unit_test(test_words_too_long_are_refused_and_labels_cut),
        cmocka_unit_test(test_a_fraction_is_from_0_to_1),
        cmocka_unit_test(test_what_cannot_stand_in_a_url_is_no_ref),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
