/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_patch.h"
#include "memory_io.h"
#include "unit.h"

enum { LEN = 4096 };

static uint8_t data[LEN];

static int setup(void **state)
{
    (void)state;
    memset(data, 'a', sizeof(data));
    return 0;
}

static void put(struct vhd_patches *p, uint64_t offset, char fill, uint32_t len)
{
    uint8_t bytes[1024];
    struct err e = {0};

    memset(bytes, fill, sizeof(bytes));
    assert_ok(vhd_patches_put(p, offset, bytes, len, &e), &e);
}

static void assert_byte(struct source *view, uint64_t at, char expected)
{
    char byte = 0;
    struct err e = {0};

    assert_ok(source_pread_full(view, &byte, 1, at, "a byte", &e), &e);
    assert_int_equal(byte, expected);
}

static void test_the_view_shows_the_file_as_it_would_be(void **state)
{
    struct source *src = memory_source(data, LEN, 100, true), *view = NULL;
    struct vhd_patches p = {.size = LEN};
    struct err e = {0};

    (void)state;
    put(&p, 1000, 'b', 512);
    assert_ok(vhd_patches_view(&view, src, &p, &e), &e);
    assert_byte(view, 999, 'a');
    assert_byte(view, 1000, 'b');
    assert_byte(view, 1511, 'b');
    assert_byte(view, 1512, 'a');
    assert_int_equal(view->size, LEN);
    source_close(view);
    source_close(src);
    vhd_patches_free(&p);
}

static void test_the_view_grows_with_what_is_appended(void **state)
{
    struct source *src = memory_source(data, LEN, 100, true), *view = NULL;
    struct vhd_patches p = {.size = LEN};
    struct err e = {0};

    (void)state;
    put(&p, LEN + 100, 'b', 512);
    assert_ok(vhd_patches_view(&view, src, &p, &e), &e);
    assert_int_equal(view->size, LEN + 612);
    assert_byte(view, LEN - 1, 'a');
    assert_byte(view, LEN + 50, 0);
    assert_byte(view, LEN + 100, 'b');
    source_close(view);
    source_close(src);
    vhd_patches_free(&p);
}

static void test_where_two_meet_the_later_one_counts(void **state)
{
    struct source *src = memory_source(data, LEN, 100, true);
    struct vhd_patches p = {.size = LEN};
    struct err e = {0};

    (void)state;
    put(&p, 0, 'b', 512);
    put(&p, 256, 'c', 512);
    assert_ok(vhd_patches_settle(&p, src, &e), &e);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.list[0].fresh[255], 'b');
    assert_int_equal(p.list[0].fresh[256], 'c');
    assert_int_equal(p.list[1].fresh[0], 'c');
    assert_int_equal(p.list[0].old[256], 'a');
    source_close(src);
    vhd_patches_free(&p);
}

static void test_the_same_place_is_patched_once(void **state)
{
    struct vhd_patches p = {.size = LEN};

    (void)state;
    put(&p, 512, 'b', 512);
    put(&p, 512, 'c', 512);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.list[0].fresh[0], 'c');
    vhd_patches_free(&p);
}

static void test_what_changes_nothing_is_dropped(void **state)
{
    struct source *src = memory_source(data, LEN, 100, true);
    struct vhd_patches p = {.size = LEN};
    struct err e = {0};

    (void)state;
    put(&p, 0, 'a', 512);
    put(&p, 1024, 'b', 512);
    put(&p, 2048, 'a', 512);
    assert_ok(vhd_patches_settle(&p, src, &e), &e);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.list[0].offset, 1024);
    source_close(src);
    vhd_patches_free(&p);
}

static void test_what_lies_past_the_end_was_not_there(void **state)
{
    struct source *src = memory_source(data, LEN, 100, true);
    struct vhd_patches p = {.size = LEN};
    struct err e = {0};

    (void)state;
    put(&p, LEN - 12, 'b', 512);
    assert_ok(vhd_patches_settle(&p, src, &e), &e);
    assert_int_equal(p.list[0].old_len, 12);
    assert_int_equal(vhd_patches_size(&p), LEN + 500);
    source_close(src);
    vhd_patches_free(&p);
}

static void test_a_patch_in_a_hole_is_data(void **state)
{
    struct source *src = memory_source(data, LEN, 100, true), *view = NULL;
    struct vhd_patches p = {.size = LEN};
    uint64_t start, end;
    struct err e = {0};

    (void)state;
    put(&p, LEN + 1000, 'b', 512);
    assert_ok(vhd_patches_view(&view, src, &p, &e), &e);
    assert_int_equal(source_data(view, LEN, &start, &end, &e), 1);
    assert_int_equal(start, LEN + 1000);
    assert_int_equal(end, LEN + 1512);
    assert_int_equal(source_data(view, LEN + 1512, &start, &end, &e), 0);
    source_close(view);
    source_close(src);
    vhd_patches_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_view_shows_the_file_as_it_would_be),
        cmocka_unit_test(test_the_view_grows_with_what_is_appended),
        cmocka_unit_test(test_where_two_meet_the_later_one_counts),
        cmocka_unit_test(test_the_same_place_is_patched_once),
        cmocka_unit_test(test_what_changes_nothing_is_dropped),
        cmocka_unit_test(test_what_lies_past_the_end_was_not_there),
        cmocka_unit_test(test_a_patch_in_a_hole_is_data),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
