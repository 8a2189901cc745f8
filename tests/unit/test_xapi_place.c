/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_place.h"

#include "unit.h"

static struct xapi_place parsed(const char *text)
{
    struct xapi_place p = {0};
    struct err e = {0};

    assert_ok(xapi_place_parse(&p, text, &e), &e);
    return p;
}

static void refused(const char *text, const char *part)
{
    struct xapi_place p = {.name = "as before"};
    struct err e = {0};

    assert_int_equal(xapi_place_parse(&p, text, &e), ERR_USAGE);
    assert_int_equal(e.code, ERR_USAGE);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, e.text);
    assert_string_equal(p.name, "as before");
}

static void test_a_disk_with_user_and_port(void **state)
{
    struct xapi_place p = parsed("xapi://root@xs1.example:8443/vdi/abc");

    (void)state;
    assert_true(p.tls);
    assert_string_equal(p.user, "root");
    assert_string_equal(p.host.name, "xs1.example");
    assert_int_equal(p.host.port, 8443);
    assert_int_equal(p.kind, XAPI_VDI);
    assert_string_equal(p.ref, "abc");
    assert_string_equal(p.name, "xapi://root@xs1.example:8443/vdi/abc");
}

static void test_an_sr_by_an_encoded_name_label(void **state)
{
    struct xapi_place p =
        parsed("xapi+http://10.0.0.1/sr/Local%20storage%c3%a9");

    (void)state;
    assert_false(p.tls);
    assert_string_equal(p.user, "");
    assert_int_equal(p.host.port, 0);
    assert_int_equal(p.kind, XAPI_SR);
    assert_string_equal(p.ref, "Local storage\xc3\xa9");
}

static void test_the_pool_itself(void **state)
{
    (void)state;
    assert_int_equal(parsed("xapi://xs1").kind, XAPI_POOL);
    assert_int_equal(parsed("xapi://xs1/").kind, XAPI_POOL);
}

static void test_ipv6_in_brackets(void **state)
{
    struct xapi_place p = parsed("xapi://[fe80::1:2]:444/sr/x");

    (void)state;
    assert_string_equal(p.host.name, "fe80::1:2");
    assert_int_equal(p.host.port, 444);
    assert_int_equal(parsed("xapi://[::1]/sr/x").host.port, 0);
}

static void test_users_are_decoded(void **state)
{
    (void)state;
    assert_string_equal(parsed("xapi://DOM%5cme@xs1/sr/x").user, "DOM\\me");
    assert_string_equal(parsed("xapi://me@example.com@xs1/sr/x").user,
                        "me@example.com");
}

static void test_a_name_label_may_hold_slashes_and_signs(void **state)
{
    (void)state;
    assert_string_equal(parsed("xapi://xs1/vdi/a/b@c:d?e#f").ref,
                        "a/b@c:d?e#f");
}

static void test_a_password_is_refused_and_not_repeated(void **state)
{
    struct xapi_place p;
    struct err e = {0};

    (void)state;
    refused("xapi://root:geheim@xs1/sr/x", "a password does not belong");
    (void)xapi_place_parse(&p, "xapi://root:geheim@xs1/sr/x", &e);
    assert_null(strstr(e.text, "geheim"));
    assert_null(strstr(e.text, "root"));
}

static void test_a_password_with_a_slash_is_not_repeated(void **state)
{
    struct xapi_place p;
    struct err e = {0};

    (void)state;
    assert_int_equal(xapi_place_parse(&p, "xapi://root:ge/heim@xs1/sr/x", &e),
                     ERR_USAGE);
    assert_null(strstr(e.text, "ge"));
    assert_null(strstr(e.text, "heim@"));
}

static void test_hosts_that_are_none(void **state)
{
    (void)state;
    refused("xapi:///sr/x", "no host");
    refused("xapi://root@/sr/x", "no host");
    refused("xapi://xs1:/sr/x", "no port");
    refused("xapi://xs1:0/sr/x", "no port");
    refused("xapi://xs1:65536/sr/x", "no port");
    refused("xapi://xs1:44a/sr/x", "no port");
    refused("xapi://[::1/sr/x", "no host");
    refused("xapi://[::1]x/sr/x", "no host");
    refused("xapi://a b/sr/x", "no host");
    refused("xapi://xs1?x/sr/x", "no host");
    refused("xapi://xs1\\evil/sr/x", "no host");
}

static void test_paths_that_name_nothing(void **state)
{
    (void)state;
    refused("xapi://xs1/vdi/", "names no VDI");
    refused("xapi://xs1/sr/", "names no SR");
    refused("xapi://xs1/sr", "neither /vdi/REF nor /sr/REF");
    refused("xapi://xs1/host/x", "neither /vdi/REF nor /sr/REF");
    refused("https://xs1/vdi/x", "a place in a pool is");
}

static void test_refs_that_are_no_text(void **state)
{
    (void)state;
    refused("xapi://xs1/vdi/a%2", "percent-encoded");
    refused("xapi://xs1/vdi/a%zz", "percent-encoded");
    refused("xapi://xs1/vdi/a%00b", "percent-encoded");
    refused("xapi://xs1/vdi/a%0ab", "percent-encoded");
    refused("xapi://xs1/vdi/a%ff", "percent-encoded");
}

static void test_a_ref_has_a_longest_length(void **state)
{
    char text[1024] = "xapi://xs1/vdi/";
    size_t head = strlen(text);

    (void)state;
    memset(text + head, 'a', XAPI_LABEL_SIZE - 1);
    assert_int_equal(strlen(parsed(text).ref), XAPI_LABEL_SIZE - 1);
    text[head + XAPI_LABEL_SIZE - 1] = 'a';
    refused(text, "at most 511 bytes");
}

static void test_hosts_as_xapi_names_them(void **state)
{
    struct host_port h;

    (void)state;
    assert_true(host_port_parse(&h, "fe80::2"));
    assert_string_equal(h.name, "fe80::2");
    assert_int_equal(h.port, 0);
    assert_true(host_port_parse(&h, "10.1.2.3:8080"));
    assert_string_equal(h.name, "10.1.2.3");
    assert_int_equal(h.port, 8080);
    assert_false(host_port_parse(&h, ""));
    assert_false(host_port_parse(&h, "10.1.2.3/evil"));
    assert_false(host_port_parse(&h, "user@10.1.2.3"));
}

static void test_origins(void **state)
{
    struct host_port h = {.name = "::1", .port = 8443};
    char out[ORIGIN_SIZE];

    (void)state;
    host_port_origin(&h, true, out);
    assert_string_equal(out, "https://[::1]:8443");
    h = (struct host_port){.name = "xs1"};
    host_port_origin(&h, false, out);
    assert_string_equal(out, "http://xs1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_with_user_and_port),
        cmocka_unit_test(test_an_sr_by_an_encoded_name_label),
        cmocka_unit_test(test_the_pool_itself),
        cmocka_unit_test(test_ipv6_in_brackets),
        cmocka_unit_test(test_users_are_decoded),
        cmocka_unit_test(test_a_name_label_may_hold_slashes_and_signs),
        cmocka_unit_test(test_a_password_is_refused_and_not_repeated),
        cmocka_unit_test(test_a_password_with_a_slash_is_not_repeated),
        cmocka_unit_test(test_hosts_that_are_none),
        cmocka_unit_test(test_paths_that_name_nothing),
        cmocka_unit_test(test_refs_that_are_no_text),
        cmocka_unit_test(test_a_ref_has_a_longest_length),
        cmocka_unit_test(test_hosts_as_xapi_names_them),
        cmocka_unit_test(test_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
