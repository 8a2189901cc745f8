/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_fault.h"

#include "base/text.h"
#include "unit.h"
#include "xapi/xapi_inband.h"
#include "xapi/xapi_sr.h"
#include "xapi/xapi_transfer.h"

#include <stdio.h>
#include <string.h>

static struct xapi_fault made(const char *code, const char *first,
                              const char *second)
{
    struct xapi_fault f;

    xapi_fault_init(&f, code);
    if (first)
        xapi_fault_add(&f, first);
    if (second)
        xapi_fault_add(&f, second);
    return f;
}

static int kind(const char *code)
{
    struct xapi_fault f = made(code, NULL, NULL);

    return xapi_fault_kind(&f);
}

/* --- codes -----------------------------------------------------------------*/

static void test_codes_say_what_the_user_can_do(void **state)
{
    (void)state;
    assert_int_equal(kind("SESSION_AUTHENTICATION_FAILED"), ERR_AUTH);
    assert_int_equal(kind("RBAC_PERMISSION_DENIED"), ERR_AUTH);
    assert_int_equal(kind("HANDLE_INVALID"), ERR_NOT_FOUND);
    assert_int_equal(kind("UUID_INVALID"), ERR_NOT_FOUND);
    assert_int_equal(kind("SR_BACKEND_FAILURE_44"), ERR_NO_SPACE);
    assert_int_equal(kind("VDI_TOO_LARGE"), ERR_NO_SPACE);
    assert_int_equal(kind("VDI_IN_USE"), ERR_TEMPORARY);
    assert_int_equal(kind("OTHER_OPERATION_IN_PROGRESS"), ERR_TEMPORARY);
    assert_int_equal(kind("HOST_OFFLINE"), ERR_TEMPORARY);
    assert_int_equal(kind("SR_OPERATION_NOT_SUPPORTED"), ERR_UNSUPPORTED);
    assert_int_equal(kind("VDI_IO_ERROR"), ERR_FAILED);
    assert_int_equal(kind("SR_BACKEND_FAILURE_181"), ERR_FAILED);
    assert_int_equal(kind("WHO_KNOWS"), ERR_FAILED);
}

/* xapi_vdi.ml for a driver that has the feature, but not for this disk; until
 * XenServer 6.5, and since; and sm's own error. */
static void test_an_operation_that_an_sr_lacks(void **state)
{
    static const char *const codes[] = {
        "SR_OPERATION_NOT_SUPPORTED", "SR_REQUIRES_UPGRADE",
        "UNIMPLEMENTED_IN_SM_BACKEND", "SR_BACKEND_FAILURE_38"};
    struct xapi_fault f;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        f = made(codes[i], "OpaqueRef:x", "");
        assert_true(xapi_fault_is_lacking(&f));
        assert_int_equal(xapi_fault_kind(&f), ERR_UNSUPPORTED);
    }
    f = made("SR_BACKEND_FAILURE_44", "", "");
    assert_false(xapi_fault_is_lacking(&f));
}

static void test_a_backend_that_speaks_of_space_is_full(void **state)
{
    struct xapi_fault f =
        made("SR_BACKEND_FAILURE_1200", "", "write: No space left on device");

    (void)state;
    assert_int_equal(xapi_fault_kind(&f), ERR_NO_SPACE);
}

static void test_in_use_is_worth_waiting_for(void **state)
{
    struct xapi_fault in_use = made("VDI_IN_USE", NULL, NULL);
    struct xapi_fault gone = made("HANDLE_INVALID", NULL, NULL);

    (void)state;
    assert_true(xapi_fault_is_busy(&in_use));
    assert_false(xapi_fault_is_busy(&gone));
}

static void test_the_text_has_sentence_code_and_parameters(void **state)
{
    struct xapi_fault f =
        made("SR_BACKEND_FAILURE_44", "", "There is insufficient space");
    struct err e = {0};

    (void)state;
    assert_int_equal(
        xapi_fault_set(&f, NULL, "xapi://xs1/sr/a: VDI.create", &e),
        ERR_NO_SPACE);
    assert_string_equal(e.text, "xapi://xs1/sr/a: VDI.create: the SR has no "
                                "room for it (SR_BACKEND_FAILURE_44: There is "
                                "insufficient space)");
}

/* --- secrets ---------------------------------------------------------------*/

static void test_our_session_is_cut_out(void **state)
{
    static const char session[] = "OpaqueRef:11111111-2222";
    struct xapi_fault f = made("INTERNAL_ERROR", session, "x");
    char text[XAPI_FAULT_TEXT_SIZE];

    (void)state;
    xapi_fault_text(&f, session, text);
    assert_null(strstr(text, "11111111"));
    assert_non_null(strstr(text, "..., x)"));
}

static void test_another_session_is_cut_out(void **state)
{
    struct xapi_fault invalid = made("SESSION_INVALID", "OpaqueRef:aaaa", NULL);
    struct xapi_fault handle =
        made("HANDLE_INVALID", "session", "OpaqueRef:aaaa");
    char text[XAPI_FAULT_TEXT_SIZE];

    (void)state;
    xapi_fault_text(&invalid, NULL, text);
    assert_null(strstr(text, "aaaa"));
    xapi_fault_text(&handle, NULL, text);
    assert_null(strstr(text, "aaaa"));
}

static void test_a_ref_inside_a_longer_text_is_cut_out(void **state)
{
    struct xapi_fault f = made(
        "INTERNAL_ERROR", "GET /x?session_id=OpaqueRef:aaaa-bb&vdi=1", NULL);

    (void)state;
    assert_string_equal(f.params[0], "GET /x?session_id=OpaqueRef:...&vdi=1");
}

static void test_a_ref_halved_by_the_cut_is_cut_out(void **state)
{
    char param[XAPI_PARAM_SIZE + 64];
    struct xapi_fault f;

    (void)state;
    memset(param, 'x', sizeof(param));
    memcpy(param + XAPI_PARAM_SIZE - 20, "OpaqueRef:aaaabbbbcccc", 22);
    param[XAPI_PARAM_SIZE + 40] = '\0';
    f = made("INTERNAL_ERROR", param, NULL);
    assert_null(strstr(f.params[0], "aaaa"));
}

static void test_the_ref_of_a_disk_is_kept(void **state)
{
    struct xapi_fault f = made("VDI_IN_USE", "OpaqueRef:0a1b-2c", "destroy");
    char text[XAPI_FAULT_TEXT_SIZE];

    (void)state;
    xapi_fault_text(&f, "OpaqueRef:ffff", text);
    assert_string_equal(
        text, "the VDI is in use (VDI_IN_USE: OpaqueRef:0a1b-2c, destroy)");
}

/* --- bounds ----------------------------------------------------------------*/

static void test_endless_parameters_are_cut(void **state)
{
    char text[XAPI_FAULT_TEXT_SIZE];
    char param[XAPI_PARAM_SIZE * 2];
    struct xapi_fault f;

    (void)state;
    memset(param, 'x', sizeof(param) - 1);
    param[sizeof(param) - 1] = '\0';
    xapi_fault_init(&f, param);
    for (int i = 0; i < 10; i++)
        xapi_fault_add(&f, param);
    assert_int_equal(f.nparams, XAPI_PARAMS_MAX);
    xapi_fault_text(&f, NULL, text);
    assert_int_equal(text[strlen(text) - 1], ')');
}

/* --- text ------------------------------------------------------------------*/

static void test_html_becomes_one_line(void **state)
{
    char text[] = "<html>\n<body><h1>HTTP 500</h1>\n a &lt;b&gt; &amp;c"
                  "<br>&quot;d&#39; &x</body";

    (void)state;
    text_from_html(text);
    assert_string_equal(text, "HTTP 500 a <b> &c \"d' &x");
}

static void test_utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    assert_true(text_is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
    assert_false(text_is_utf8("\xc3", 1));
    assert_false(text_is_utf8("\xc0\xaf", 2));
    assert_false(text_is_utf8("\xed\xa0\x80", 3));
    assert_false(text_is_utf8("\xe0\x80\x80", 3));
    assert_false(text_is_utf8("\xf4\x90\x80\x80", 4));
    assert_false(text_is_utf8("\x80", 1));
}

/* --- answers inside bodies -------------------------------------------------*/

static void test_the_fault_is_read_out_of_a_page(void **state)
{
    struct xapi_fault f;

    (void)state;
    assert_true(
        xapi_fault_in_note(&f, "HTTP 500 Internal Error Additional information "
                               "HANDLE_INVALID: [ VDI; OpaqueRef:x ]"));
    assert_string_equal(f.code, "HANDLE_INVALID");
    assert_string_equal(f.params[0], "VDI; OpaqueRef:x");
    assert_false(xapi_fault_in_note(&f, "HTTP 500: not found"));
    assert_false(xapi_fault_in_note(&f, ""));
    assert_false(xapi_fault_in_note(&f, "ABCDEF"));
}

static void test_an_answer_inside_the_body_is_found(void **state)
{
    static const char body[] =
        "data HTTP/1.1 data\r\nHTTP/1.1 500 Internal Error\r\n"
        "content-type: text/html\r\n\r\n<html><h1>VDI_IO_ERROR: [ x ]</h1>";
    char note[XAPI_INBAND_NOTE_SIZE];

    (void)state;
    assert_int_equal(
        xapi_inband_find((const uint8_t *)body, sizeof(body) - 1, note), 20);
    assert_string_equal(note, "VDI_IO_ERROR: [ x ]");
}

static void test_an_answer_can_be_the_whole_body(void **state)
{
    static const char body[] = "HTTP/1.1 500 Internal Error";
    char note[XAPI_INBAND_NOTE_SIZE];

    (void)state;
    assert_int_equal(
        xapi_inband_find((const uint8_t *)body, sizeof(body) - 1, note), 0);
    assert_string_equal(note, body);
}

static void test_bodies_without_an_answer(void **state)
{
    static const uint8_t ok[] = "HTTP/1.1 200 OK\r\n\r\n";
    char note[XAPI_INBAND_NOTE_SIZE];

    (void)state;
    assert_int_equal(xapi_inband_find(ok, 0, note), 0);
    assert_int_equal(xapi_inband_find(ok, 5, note), 5);
    assert_int_equal(xapi_inband_find(ok, sizeof(ok), note), sizeof(ok));
}

/* --- storage repositories --------------------------------------------------*/

static bool takes(const char *type, const char *sr_key, const char *sr_value,
                  const char *vdi_type)
{
    CLEANUP(json) json_t *config = json_object();
    CLEANUP(json) json_t *vdi = json_object();
    struct xapi_sr sr = {0};

    if (sr_key)
        json_object_set_new(config, sr_key, json_string(sr_value));
    if (vdi_type)
        json_object_set_new(vdi, "type", json_string(vdi_type));
    (void)snprintf(sr.type, sizeof(sr.type), "%s", type);
    sr.takes_vhd = xapi_sr_takes_vhd(type, config);
    return xapi_sr_vdi_takes_vhd(&sr, vdi);
}

static void test_which_srs_take_a_vhd(void **state)
{
    (void)state;
    assert_true(takes("ext", NULL, NULL, NULL));
    assert_true(takes("nfs", NULL, NULL, NULL));
    assert_true(takes("iscsi", NULL, NULL, NULL));
    assert_true(takes("lvm", "use_vhd", "true", NULL));
    assert_true(takes("lvmoiscsi", "use_vhd", "true", "other"));
    assert_false(takes("lvm", NULL, NULL, NULL));
    assert_false(takes("lvmohba", "use_vhd", "false", NULL));
    assert_false(takes("lvmoiscsi", "use_vhd", "true", "raw"));
    assert_false(takes("LVM", NULL, NULL, NULL));
    assert_false(takes("cslg", NULL, NULL, NULL));
    assert_true(takes("equal", "allocation", "thin", NULL));
    assert_false(takes("equal", "allocation", "Thick", NULL));
    assert_false(takes("equal", NULL, NULL, NULL));
    assert_true(takes("nfs", NULL, NULL, "raw"));
    assert_true(xapi_sr_takes_vhd("nfs", NULL));
}

/* --- for programs ----------------------------------------------------------*/

static void test_a_refusal_is_said_as_it_came(void **state)
{
    struct xapi_fault f = made("SR_FULL", "", "a, \"b\" (C_D)");
    struct err e = {0};

    (void)state;
    assert_int_equal(xapi_fault_set(&f, NULL, "here", &e), ERR_NO_SPACE);
    assert_string_equal(e.said, "[\"SR_FULL\",\"\",\"a, \\\"b\\\" (C_D)\"]");
    err_append(&e, "; more");
    assert_true(*e.said);
    err_set(&e, ERR_FAILED, "another");
    assert_string_equal(e.said, "");
}

static void test_sessions_are_not_said(void **state)
{
    struct xapi_fault ended = made("SESSION_INVALID", "OpaqueRef:1-2-3", NULL);
    struct xapi_fault other = made("WHO_KNOWS", "of OpaqueRef:1-2-3", "my-own");
    struct err e = {0};

    (void)state;
    xapi_fault_say(&ended, "my-own", &e);
    assert_string_equal(e.said, "[\"SESSION_INVALID\"]");
    xapi_fault_say(&other, "my-own", &e);
    assert_string_equal(e.said, "[\"WHO_KNOWS\",\"of OpaqueRef:...\",\"...\"]");
}

static void test_what_is_too_long_is_cut_and_stays_json(void **state)
{
    char quotes[XAPI_PARAM_SIZE];
    struct xapi_fault f;
    struct err e = {0};

    (void)state;
    memset(quotes, 1, sizeof(quotes) - 1); /* six bytes each in JSON */
    quotes[sizeof(quotes) - 1] = '\0';
    f = made("WHO_KNOWS", quotes, quotes);
    xapi_fault_add(&f, quotes);
    xapi_fault_add(&f, quotes);
    xapi_fault_say(&f, NULL, &e);
    assert_true(strlen(e.said) > 500);
    assert_string_equal(e.said + strlen(e.said) - 2, "\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_say_what_the_user_can_do),
        cmocka_unit_test(test_an_operation_that_an_sr_lacks),
        cmocka_unit_test(test_a_backend_that_speaks_of_space_is_full),
        cmocka_unit_test(test_in_use_is_worth_waiting_for),
        cmocka_unit_test(test_the_text_has_sentence_code_and_parameters),
        cmocka_unit_test(test_our_session_is_cut_out),
        cmocka_unit_test(test_another_session_is_cut_out),
        cmocka_unit_test(test_a_ref_inside_a_longer_text_is_cut_out),
        cmocka_unit_test(test_a_ref_halved_by_the_cut_is_cut_out),
        cmocka_unit_test(test_the_ref_of_a_disk_is_kept),
        cmocka_unit_test(test_endless_parameters_are_cut),
        cmocka_unit_test(test_html_becomes_one_line),
        cmocka_unit_test(test_utf8_is_told_from_other_bytes),
        cmocka_unit_test(test_the_fault_is_read_out_of_a_page),
        cmocka_unit_test(test_an_answer_inside_the_body_is_found),
        cmocka_unit_test(test_an_answer_can_be_the_whole_body),
        cmocka_unit_test(test_bodies_without_an_answer),
        cmocka_unit_test(test_which_srs_take_a_vhd),
        cmocka_unit_test(test_a_refusal_is_said_as_it_came),
        cmocka_unit_test(test_sessions_are_not_said),
        cmocka_unit_test(test_what_is_too_long_is_cut_and_stays_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
