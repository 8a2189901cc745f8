/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "image/vhd/vhd_parent.h"
#include "memory_io.h"
#include "unit.h"

#include <stdlib.h>

enum { TEXTS_AT = 4096, TEXT_ROOM = 1024 };

/* A child's head, and the file its locators point into. */
struct child {
    struct vhd_head head;
    uint8_t file[TEXTS_AT + VHD_LOCATORS * TEXT_ROOM];
    int count;
};

static void start(struct child *c)
{
    memset(c, 0, sizeof(*c));
    c->head.limit = sizeof(c->file);
    memset(c->head.header.parent_uuid.bytes, 7, 16);
}

static struct vhd_locator *add(struct child *c, uint32_t code, const void *text,
                               size_t len)
{
    struct vhd_locator *l = &c->head.header.locators[c->count];

    l->code = code;
    l->space = TEXT_ROOM;
    l->length = (uint32_t)len;
    l->offset = TEXTS_AT + (uint64_t)c->count++ * TEXT_ROOM;
    memcpy(c->file + l->offset, text, len);
    return l;
}

/* A text of ASCII in UTF-16LE. */
static struct vhd_locator *add_wide(struct child *c, uint32_t code,
                                    const char *text)
{
    uint8_t wide[TEXT_ROOM] = {0};
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        wide[2 * i] = (uint8_t)text[i];
    return add(c, code, wide, 2 * len);
}

static void set_name(struct child *c, const char *name)
{
    for (size_t i = 0; name[i]; i++)
        c->head.header.parent_name[2 * i + 1] = (uint8_t)name[i];
}

/* Reads, and compares the paths to try with the list (NULL ends it). */
static void check(struct child *c, const char *const *inside)
{
    CLEANUP(vhd_parent) struct vhd_parent p = {0};
    struct source *src = memory_source(c->file, sizeof(c->file), 100, true);
    struct err e = {0};
    unsigned n = 0;

    assert_ok(vhd_parent_read(src, &c->head, &p, &e), &e);
    for (; inside[n]; n++) {
        assert_true(n < p.ninside);
        assert_string_equal(p.inside[n], inside[n]);
    }
    assert_int_equal(p.ninside, n);
    source_close(src);
}

#define CHECK(c, ...) check(c, (const char *const[]){__VA_ARGS__, NULL})

static char *text_of(uint32_t code, const void *raw, size_t len)
{
    char *text = NULL;
    struct err e = {0};

    assert_ok(vhd_parent_text(code, raw, len, &text, &e), &e);
    return text;
}

static void check_text(uint32_t code, const void *raw, size_t len,
                       const char *expected)
{
    char *text = text_of(code, raw, len);

    if (!expected) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void check_url(const char *url, const char *expected)
{
    check_text(VHD_CODE_MACX, url, strlen(url), expected);
}

static void test_locators_are_tried_before_the_name(void **state)
{
    struct child c;

    (void)state;
    start(&c);
    set_name(&c, "name.vhd");
    add_wide(&c, VHD_CODE_W2KU, ".\\ku.vhd");
    add(&c, VHD_CODE_WI2K, "ik.vhd", 6);
    add(&c, VHD_CODE_MACX, "file://./x.vhd", 14);
    add(&c, VHD_CODE_WI2R, "ir.vhd", 6);
    add_wide(&c, VHD_CODE_W2RU, ".\\ru.vhd");
    CHECK(&c, "ru.vhd", "ir.vhd", "x.vhd", "ku.vhd", "ik.vhd", "name.vhd");
}

static void test_a_path_that_comes_twice_is_tried_once(void **state)
{
    struct child c;

    (void)state;
    start(&c);
    set_name(&c, "a/b.vhd");
    add_wide(&c, VHD_CODE_W2RU, ".\\a\\b.vhd");
    add_wide(&c, VHD_CODE_W2KU, "./a/.//b.vhd");
    CHECK(&c, "a/b.vhd");
}

static void test_what_leads_out_is_tried_by_its_bare_name_last(void **state)
{
    struct child c;

    (void)state;
    start(&c);
    set_name(&c, "last.vhd");
    add_wide(&c, VHD_CODE_W2KU, "C:\\vms\\drive.vhd");
    add_wide(&c, VHD_CODE_W2RU, "..\\up.vhd");
    add_wide(&c, VHD_CODE_W2KU, "\\\\host\\share\\unc.vhd");
    add(&c, VHD_CODE_MACX, "file:///srv/abs.vhd", 19);
    CHECK(&c, "last.vhd", "up.vhd", "abs.vhd", "drive.vhd", "unc.vhd");
}

static void test_what_leads_out_is_told_of(void **state)
{
    CLEANUP(vhd_parent) struct vhd_parent p = {0};
    struct child c;
    struct source *src;
    struct err e = {0};

    (void)state;
    start(&c);
    add_wide(&c, VHD_CODE_W2RU, "a/../../etc/passwd");
    add_wide(&c, VHD_CODE_W2RU, "..");
    src = memory_source(c.file, sizeof(c.file), 100, true);
    assert_ok(vhd_parent_read(src, &c.head, &p, &e), &e);
    assert_int_equal(p.noutside, 2);
    assert_string_equal(p.outside[0], "a/../../etc/passwd");
    assert_string_equal(p.outside[1], "..");
    /* ".." has no file name of its own. */
    assert_int_equal(p.ninside, 1);
    assert_string_equal(p.inside[0], "passwd");
    source_close(src);
}

/* Nothing proves that a raw file of the same name is the one. */
static void test_a_raw_parent_is_not_sought_by_its_bare_name(void **state)
{
    struct child c;

    (void)state;
    start(&c);
    memset(c.head.header.parent_uuid.bytes, 0, 16);
    add_wide(&c, VHD_CODE_W2KU, "/srv/disk.raw");
    add_wide(&c, VHD_CODE_W2RU, "here.raw");
    CHECK(&c, "here.raw");
}

static void test_the_folder_itself_is_no_candidate(void **state)
{
    struct child c;

    (void)state;
    start(&c);
    add_wide(&c, VHD_CODE_W2RU, ".");
    add_wide(&c, VHD_CODE_W2RU, ".\\.\\");
    add_wide(&c, VHD_CODE_W2KU, "/srv/");
    add_wide(&c, VHD_CODE_W2KU, "C:");
    check(&c, (const char *const[]){NULL});
}

static void test_texts_are_bounded_by_room_and_file(void **state)
{
    struct child c;
    struct vhd_locator *l;

    (void)state;
    start(&c);
    l = add_wide(&c, VHD_CODE_W2RU, "longer-than-its-room");
    l->space = 512;
    l->length = 514;
    l = add_wide(&c, VHD_CODE_W2RU, "room-of-no-sectors");
    l->space = 1000;
    l = add_wide(&c, VHD_CODE_W2RU, "all-ones");
    l->space = UINT32_MAX - 511;
    l->length = UINT32_MAX;
    l = add_wide(&c, VHD_CODE_W2RU, "past-the-end");
    l->offset = sizeof(c.file) - 2;
    l = add_wide(&c, VHD_CODE_W2RU, "overflows");
    l->offset = UINT64_MAX - 4;
    l = add_wide(&c, VHD_CODE_W2RU, "room-in-sectors");
    l->space = 2;
    CHECK(&c, "room-in-sectors");
}

static void test_a_path_beyond_all_limits_is_passed_over(void **state)
{
    static struct child c;
    static uint8_t file[VHD_LOCATOR_MAX];
    CLEANUP(vhd_parent) struct vhd_parent p = {0};
    struct source *src = memory_source(file, sizeof(file), 5000, true);
    struct err e = {0};

    (void)state;
    memset(file, 'n', sizeof(file));
    start(&c);
    c.head.limit = sizeof(file);
    c.head.header.locators[0] = (struct vhd_locator){
        .code = VHD_CODE_WI2R, .space = sizeof(file), .length = sizeof(file)};
    assert_ok(vhd_parent_read(src, &c.head, &p, &e), &e);
    assert_int_equal(p.ninside, 0);
    source_close(src);
}

static void test_without_a_file_the_name_counts(void **state)
{
    CLEANUP(vhd_parent) struct vhd_parent p = {0};
    struct child c;
    struct err e = {0};

    (void)state;
    start(&c);
    add_wide(&c, VHD_CODE_W2RU, "locator.vhd");
    set_name(&c, "D:\\disks\\name.avhd");
    assert_ok(vhd_parent_read(NULL, &c.head, &p, &e), &e);
    assert_int_equal(p.ninside, 1);
    assert_string_equal(p.inside[0], "name.avhd");
}

static void test_a_name_needs_no_nul(void **state)
{
    struct child c;
    char name[257];

    (void)state;
    start(&c);
    memset(name, 'n', 256);
    name[256] = '\0';
    set_name(&c, name);
    CHECK(&c, name);
}

static void test_urls(void **state)
{
    (void)state;
    check_url("file://./a.vhd", "./a.vhd");
    check_url("file:///srv/a.vhd", "/srv/a.vhd");
    check_url("file://localhost/Volumes/x/a.vhd", "/Volumes/x/a.vhd");
    check_url("file://localhostile/a.vhd", "localhostile/a.vhd");
    check_url("file://./a%20%C3%a9.vhd", "./a \xc3\xa9.vhd");
    check_url("file://./100%.vhd", "./100%.vhd");
    check_url("file://./a%2", "./a%2");
    check_url("file://./back\\slash", "./back\\slash");
    check_url("http://example.org/a.vhd", NULL);
    check_url("file://", NULL);
    check_url("file://./\xff.vhd", NULL);
    check_url("file://./a%00b.vhd", NULL);
    check_url("file://./a%1b.vhd", NULL);
}

static void test_virtualbox_spells_macx_in_its_own_way(void **state)
{
    (void)state;
    check_text(0x4D163258, "file://./a.vhd", 14, "./a.vhd");
}

static void test_8_bit_texts_are_latin_1(void **state)
{
    (void)state;
    check_text(VHD_CODE_WI2R, ".\\caf\xe9.vhd\0\0", 12, "./caf\xc3\xa9.vhd");
    check_text(VHD_CODE_WI2R, "a\x9bz", 3, NULL);
    check_text(VHD_CODE_WI2R, "a\x7fz", 3, NULL);
}

static void test_texts_that_are_none_are_passed_over(void **state)
{
    (void)state;
    check_text(VHD_CODE_W2RU, "\0\0\0\0", 4, NULL);
    check_text(VHD_CODE_W2RU, "", 0, NULL);
    check_text(VHD_CODE_W2RU, "a\0b", 3, NULL);
    check_text(VHD_CODE_W2RU, "a\0\0\0b\0", 6, NULL);
    check_text(VHD_CODE_W2RU, "\0\xd8x\0", 4, NULL);
    check_text(VHD_CODE_W2RU, "\x1b\0[\0", 4, NULL);
    check_text(VHD_CODE_W2RU, "\x85\0x\0", 4, NULL);
    check_text(VHD_CODE_MAC, "alias", 5, NULL);
    check_text(0x61626364, "what?", 5, NULL);
}

static void test_nul_units_at_the_end_are_no_text(void **state)
{
    (void)state;
    check_text(VHD_CODE_W2RU, "a\0b\0\0\0\0\0", 8, "ab");
    /* The last unit's own zero byte stays. */
    check_text(VHD_CODE_W2RU, "\0\x41", 2, "\xe4\x84\x80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locators_are_tried_before_the_name),
        cmocka_unit_test(test_a_path_that_comes_twice_is_tried_once),
        cmocka_unit_test(test_what_leads_out_is_tried_by_its_bare_name_last),
        cmocka_unit_test(test_what_leads_out_is_told_of),
        cmocka_unit_test(test_a_raw_parent_is_not_sought_by_its_bare_name),
        cmocka_unit_test(test_the_folder_itself_is_no_candidate),
        cmocka_unit_test(test_texts_are_bounded_by_room_and_file),
        cmocka_unit_test(test_a_path_beyond_all_limits_is_passed_over),
        cmocka_unit_test(test_without_a_file_the_name_counts),
        cmocka_unit_test(test_a_name_needs_no_nul),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_virtualbox_spells_macx_in_its_own_way),
        cmocka_unit_test(test_8_bit_texts_are_latin_1),
        cmocka_unit_test(test_texts_that_are_none_are_passed_over),
        cmocka_unit_test(test_nul_units_at_the_end_are_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
