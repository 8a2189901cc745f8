/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/http_inner.h"
#include "unit.h"

/* --- URLs ------------------------------------------------------------------*/

static void check_redacted(const char *url, const char *expected)
{
    char out[128];

    http_url_redact(url, out, sizeof(out));
    assert_string_equal(out, expected);
}

static void test_no_secret_is_left_in_a_shown_url(void **state)
{
    (void)state;
    check_redacted("https://u:pw@host:8443/a/b?session_id=x&y=z#f",
                   "https://host:8443/a/b");
    check_redacted("http://u@[::1]/x?", "http://[::1]/x");
    check_redacted("https://host", "https://host/");
    /* A slash in the password makes it no URL; then nothing of it is shown. */
    check_redacted("https://u:p/w@host/x", "https URL");
    check_redacted("http://u:p w@ho st/x", "http URL");
}

static void test_a_shown_url_is_cut_at_the_room(void **state)
{
    char out[10];

    (void)state;
    http_url_redact("http://host/a/long/path", out, sizeof(out));
    assert_string_equal(out, "http://ho");
}

static void check_host(const char *url, const char *expected)
{
    char host[HTTP_HOST_SIZE];

    assert_true(http_url_host(url, host, sizeof(host)));
    assert_string_equal(host, expected);
}

static void test_hosts_have_one_form(void **state)
{
    char host[HTTP_HOST_SIZE];

    (void)state;
    check_host("https://XS1.Example:443/x", "xs1.example");
    check_host("https://u:p@10.0.0.1/x", "10.0.0.1");
    check_host("https://[0:0:0:0:0:0:0:1]:80/x", "::1");
    assert_false(http_url_host("no url at all", host, 4));
    assert_false(http_url_host("https://longhost/", host, 4));
}

static void check_join(const char *location, const char *expected)
{
    char out[64];

    assert_true(http_url_join("https://h:1/a/b?q=1", location, out, 64));
    assert_string_equal(out, expected);
}

static void test_locations_become_absolute(void **state)
{
    char out[64];
    const char *base = "https://h:1/a/b?q=1";

    (void)state;
    check_join("http://other/x?y=1", "http://other/x?y=1");
    check_join("/c?d=2", "https://h:1/c?d=2");
    check_join("c", "https://h:1/a/c");
    assert_false(http_url_join(base, "file:///etc/passwd", out, 64));
    assert_false(http_url_join(base, "/long", out, 12));
}

static void test_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(http_url_same_origin("https://H/a", "https://h:443/b?c"));
    assert_false(http_url_same_origin("https://h/a", "http://h/a"));
    assert_false(http_url_same_origin("https://h/a", "https://h:444/a"));
    assert_false(http_url_same_origin("https://h/a", "https://g/a"));
    assert_false(http_url_same_origin("nonsense here", "nonsense here"));
}

/* --- notes -----------------------------------------------------------------*/

static struct http_reply note_of(const char *text)
{
    static struct http_note note;
    struct http_reply reply = {.status = 200};

    memset(&note, 0, sizeof(note));
    http_note_add(&note, text, strlen(text));
    http_note_finish(&note, &reply);
    return reply;
}

static void test_note_has_no_tags_and_one_line(void **state)
{
    struct http_reply reply =
        note_of("<html><!-- x --><body class=\"a\">\r\n <h1>No\tway</h1>\n\nx "
                "&lt;y&gt; "
                "&amp;&quot;z&quot; 1 < 2</body></html>\n");

    (void)state;
    assert_string_equal(reply.note, "No way x <y> &\"z\" 1 < 2");
    assert_int_equal(reply.late_status, 0);
}

static void test_note_has_only_printable_characters(void **state)
{
    struct http_reply reply = note_of("a\033[2Jb\x7f\xc2\x9b");

    (void)state;
    assert_string_equal(reply.note, "a?[2Jb???");
}

static void test_a_tag_that_never_ends_ends_the_note(void **state)
{
    (void)state;
    assert_string_equal(note_of("before <body and on").note, "before");
    assert_string_equal(note_of("<").note, "<");
    assert_string_equal(note_of("").note, "");
}

static void test_a_giant_note_is_cut(void **state)
{
    static struct http_note note;
    static char big[3 * HTTP_RAW_NOTE_SIZE];
    struct http_reply reply = {.status = 500};

    (void)state;
    memset(big, 'x', sizeof(big));
    http_note_add(&note, big, sizeof(big));
    http_note_add(&note, big, sizeof(big));
    assert_int_equal(note.len, HTTP_RAW_NOTE_SIZE);
    assert_int_equal(note.total, 2 * sizeof(big));
    http_note_finish(&note, &reply);
    assert_int_equal(strlen(reply.note), HTTP_NOTE_SIZE - 1);
}

static void test_a_second_head_gives_its_status_and_its_text(void **state)
{
    struct http_reply reply =
        note_of("HTTP/1.1 500 Internal Error\r\ncontent-length: 44\r\n"
                "connection:close\r\n\r\n<html><body>VDI_IO_ERROR: "
                "[ Device I/O errors ]</body></html>");

    (void)state;
    assert_int_equal(reply.late_status, 500);
    assert_string_equal(reply.note, "HTTP/1.1 500 Internal Error VDI_IO_ERROR: "
                                    "[ Device I/O errors ]");
}

static void test_a_cut_second_head_is_still_one(void **state)
{
    struct http_reply reply = note_of("HTTP/1.1 5");

    (void)state;
    assert_int_equal(reply.late_status, 0);
    assert_string_equal(reply.note, "HTTP/1.1 5");
    assert_int_equal(note_of("HTTP/1.1 404 x\r\nabc").late_status, 404);
    assert_int_equal(note_of("HTTP/1.1 abc x").late_status, 0);
}

/* --- what a status means ---------------------------------------------------*/

static void test_statuses_and_their_codes(void **state)
{
    static const struct {
        int status, code;
    } table[] = {
        {200, 0},
        {201, 0},
        {204, 0},
        {302, ERR_FAILED},
        {400, ERR_FAILED},
        {401, ERR_AUTH},
        {403, ERR_AUTH},
        {404, ERR_NOT_FOUND},
        {407, ERR_AUTH},
        {408, ERR_TEMPORARY},
        {410, ERR_NOT_FOUND},
        {413, ERR_NO_SPACE},
        {429, ERR_TEMPORARY},
        {500, ERR_TEMPORARY},
        {501, ERR_FAILED},
        {503, ERR_TEMPORARY},
        {505, ERR_FAILED},
        {507, ERR_NO_SPACE},
        {999, ERR_FAILED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_reply reply = {.status = table[i].status};

        assert_int_equal(http_reply_check(&reply, "x", NULL), table[i].code);
    }
}

static void test_the_error_has_status_and_text(void **state)
{
    struct http_reply reply = {.status = 503, .note = "come back later"};
    struct err e = {0};

    (void)state;
    http_reply_check(&reply, "place", &e);
    assert_string_equal(e.text,
                        "place: the server answered 503: come back later");
}

static void test_a_late_status_is_an_error_after_a_200(void **state)
{
    struct http_reply reply = {.status = 200, .late_status = 404};

    (void)state;
    assert_int_equal(http_reply_check(&reply, "x", NULL), ERR_NOT_FOUND);
}

static void test_a_redirect_is_shown_without_its_query(void **state)
{
    struct http_reply reply = {.status = 302,
                               .location = "https://b/x?session_id=secret"};
    struct err e = {0};

    (void)state;
    http_reply_check(&reply, "a", &e);
    assert_string_equal(
        e.text, "a: the server answered 302, which points to https://b/x");
}

/* --- pins ------------------------------------------------------------------*/

#define SUM_A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define SUM_COLONS                                                             \
    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:" \
    "88:99:AA:BB:CC:DD:EE:FF"

static void check_pin(const char *text, const char *host)
{
    struct http_trust t = {.npins = 0};
    struct err e = {0};

    assert_ok(http_trust_pin(&t, text, &e), &e);
    assert_int_equal(t.npins, 1);
    assert_string_equal(t.pins[0].host, host);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(t.pins[0].sha256[i], i % 16 * 0x11);
}

static void test_pins_are_read(void **state)
{
    (void)state;
    check_pin("sha256:" SUM_A, "");
    check_pin("SHA256:" SUM_COLONS, "");
    check_pin("Xs1.Example=sha256:" SUM_A, "xs1.example");
    check_pin("[::1]=sha256:" SUM_A, "::1");
    check_pin("0:0::1=sha256:" SUM_COLONS, "::1");
}

static void test_what_is_no_pin_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        SUM_A,
        "sha256:",
        "sha256:00",
        "sha256:" SUM_A "00",
        "sha256:" SUM_A ":",
        "sha256::" SUM_A,
        "sha1:" SUM_A,
        "sha256:g0112233445566778899aabbccddeeff"
        "00112233445566778899AABBCCDDEEFF",
        "=sha256:" SUM_A,
        "host:443=sha256:" SUM_A,
        "https://host=sha256:" SUM_A,
        "[::1]:443=sha256:" SUM_A,
        "u@host=sha256:" SUM_A,
    };
    struct http_trust t = {.npins = 0};
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (http_trust_pin(&t, bad[i], &e) != ERR_USAGE)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(t.npins, 0);
}

static void test_the_number_of_pins_is_bounded(void **state)
{
    struct http_trust t = {.npins = 0};

    (void)state;
    for (int i = 0; i < HTTP_PINS_MAX; i++)
        assert_int_equal(http_trust_pin(&t, "sha256:" SUM_A, NULL), 0);
    assert_int_equal(http_trust_pin(&t, "sha256:" SUM_A, NULL), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_secret_is_left_in_a_shown_url),
        cmocka_unit_test(test_a_shown_url_is_cut_at_the_room),
        cmocka_unit_test(test_hosts_have_one_form),
        cmocka_unit_test(test_locations_become_absolute),
        cmocka_unit_test(test_origin_is_scheme_host_and_port),
        cmocka_unit_test(test_note_has_no_tags_and_one_line),
        cmocka_unit_test(test_note_has_only_printable_characters),
        cmocka_unit_test(test_a_tag_that_never_ends_ends_the_note),
        cmocka_unit_test(test_a_giant_note_is_cut),
        cmocka_unit_test(test_a_second_head_gives_its_status_and_its_text),
        cmocka_unit_test(test_a_cut_second_head_is_still_one),
        cmocka_unit_test(test_statuses_and_their_codes),
        cmocka_unit_test(test_the_error_has_status_and_text),
        cmocka_unit_test(test_a_late_status_is_an_error_after_a_200),
        cmocka_unit_test(test_a_redirect_is_shown_without_its_query),
        cmocka_unit_test(test_pins_are_read),
        cmocka_unit_test(test_what_is_no_pin_is_refused),
        cmocka_unit_test(test_the_number_of_pins_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
