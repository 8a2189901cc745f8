/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "image/vhd/vhd_repair.h"
#include "memory_io.h"
#include "small_vhd.h"
#include "unit.h"

#include <stdlib.h>

enum { HEADER = 512, TABLE = 2048 };

static const struct small_run runs[] = {{1, 0, 2, 'a'}, {3, 7, 1, 'b'}};

static uint8_t *disk;
static size_t len;

/* A disk without a finding but notes. */
static int setup(void **state)
{
    const struct small_vhd d = {
        .size = 17 * 4 * 512 * 4, .uuid = 5, .runs = runs, .nruns = 2};

    (void)state;
    disk = small_vhd_make(&d, &len);
    for (int end = 0; end < 2; end++) {
        uint8_t *footer = end ? disk + len - 512 : disk;

        put_be16(footer + 56, 4);
        footer[58] = 4;
        footer[59] = 17;
        put_be32(footer + 64, vhd_checksum(footer, 512, 64));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(disk);
    return 0;
}

static void plan(struct vhd_repair *r)
{
    struct source *src = memory_source(disk, len, 1000, true);
    struct err e = {0};

    assert_ok(vhd_repair_plan(src, r, &e), &e);
    source_close(src);
}

/* The one patch is `n` bytes at `at`, and makes what the sound disk has. */
static void assert_one_patch(const struct vhd_repair *r, uint64_t at,
                             const uint8_t *wanted, size_t n)
{
    assert_false(vhd_repair_is_refused(r));
    assert_int_equal(r->patches.count, 1);
    assert_int_equal(r->patches.list[0].offset, at);
    assert_int_equal(r->patches.list[0].len, n);
    assert_memory_equal(r->patches.list[0].fresh, wanted, n);
}

static void test_a_sound_disk_is_left(void **state)
{
    struct vhd_repair r;

    (void)state;
    plan(&r);
    assert_int_equal(r.patches.count, 0);
    assert_int_equal(r.nmends, 0);
    assert_int_equal(r.nleft, 0);
    vhd_repair_free(&r);
}

static void test_a_lost_trailing_footer_comes_from_the_copy(void **state)
{
    struct vhd_repair r;

    (void)state;
    len -= 512;
    plan(&r);
    assert_one_patch(&r, len, disk, 512);
    assert_int_equal(r.patches.list[0].old_len, 0);
    vhd_repair_free(&r);
}

static void test_a_cut_trailing_footer_is_written_over(void **state)
{
    struct vhd_repair r;

    (void)state;
    len -= 100;
    plan(&r);
    assert_one_patch(&r, len - 412, disk, 512);
    assert_int_equal(r.patches.list[0].old_len, 412);
    vhd_repair_free(&r);
}

static void test_a_broken_copy_comes_from_the_trailing_footer(void **state)
{
    struct vhd_repair r;

    (void)state;
    disk[50] ^= 1;
    plan(&r);
    assert_one_patch(&r, 0, disk + len - 512, 512);
    vhd_repair_free(&r);
}

/* Neither sum is right, and which bytes are is told by the other one's sum. */
static void test_of_two_broken_footers_the_confirmed_one_counts(void **state)
{
    struct vhd_repair r;

    (void)state;
    disk[30] ^= 1;
    disk[len - 512 + 64] ^= 1;
    plan(&r);
    assert_false(vhd_repair_is_refused(&r));
    assert_int_equal(r.patches.count, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(r.patches.list[i].fresh[30], 'n');
    vhd_repair_free(&r);
}

static void test_of_two_that_contradict_neither_counts(void **state)
{
    struct vhd_repair r;

    (void)state;
    disk[30] ^= 1;
    disk[len - 512 + 49] ^= 1;
    plan(&r);
    assert_true(vhd_repair_is_refused(&r));
    assert_int_equal(r.patches.count, 0);
    assert_int_equal(r.left[0].id, FOUND_FOOTER_CHECKSUM);
    vhd_repair_free(&r);
}

static void test_a_headers_sum_is_mended_where_all_confirms_it(void **state)
{
    struct vhd_repair r;
    uint8_t sound[1024];

    (void)state;
    memcpy(sound, disk + HEADER, 1024);
    disk[HEADER + 37] ^= 0x55;
    plan(&r);
    assert_one_patch(&r, HEADER, sound, 1024);
    vhd_repair_free(&r);
}

/* Each field that matters, one bit of it wrong: never taken for right. */
static void test_a_headers_wrong_field_is_never_confirmed(void **state)
{
    static const int fields[] = {8, 15, 19, 22, 23, 25, 27, 30, 31, 33, 34, 40};

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        for (int bit = 0; bit < 8; bit++) {
            struct vhd_repair r;

            (void)state;
            disk[HEADER + fields[i]] ^= (uint8_t)(1 << bit);
            plan(&r);
            assert_true(vhd_repair_is_refused(&r));
            assert_int_equal(r.patches.count, 0);
            disk[HEADER + fields[i]] ^= (uint8_t)(1 << bit);
            vhd_repair_free(&r);
        }
}

static void test_both_footers_get_the_geometry(void **state)
{
    struct vhd_repair r;
    uint8_t sound[512];

    (void)state;
    memcpy(sound, disk, 512);
    for (int end = 0; end < 2; end++) {
        uint8_t *footer = end ? disk + len - 512 : disk;

        put_be16(footer + 56, 9999);
        put_be32(footer + 64, vhd_checksum(footer, 512, 64));
    }
    plan(&r);
    assert_int_equal(r.patches.count, 2);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(r.patches.list[i].fresh, sound, 512);
    vhd_repair_free(&r);
}

static void test_several_things_are_mended_at_once(void **state)
{
    struct vhd_repair r;

    (void)state;
    put_be64(disk + HEADER + 8, 0);
    put_be32(disk + HEADER + 36, vhd_checksum(disk + HEADER, 1024, 36));
    memset(disk, 0, 512);
    plan(&r);
    assert_false(vhd_repair_is_refused(&r));
    assert_int_equal(r.nmends, 2);
    assert_int_equal(r.patches.count, 2);
    assert_int_equal(r.after.severities[VHD_WARNING], 0);
    vhd_repair_free(&r);
}

static void test_beside_an_error_nothing_is_mended(void **state)
{
    struct vhd_repair r;

    (void)state;
    put_be32(disk + TABLE, 99999);
    memset(disk, 0, 512);
    plan(&r);
    assert_true(vhd_repair_is_refused(&r));
    assert_int_equal(r.patches.count, 0);
    assert_int_equal(r.nmends, 0);
    vhd_repair_free(&r);
}

static void test_what_is_no_vhd_is_refused(void **state)
{
    struct vhd_repair r;

    (void)state;
    memset(disk, 'x', len);
    plan(&r);
    assert_true(vhd_repair_is_refused(&r));
    assert_int_equal(r.left[0].id, FOUND_NOT_A_VHD);
    vhd_repair_free(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sound_disk_is_left),
        TEST(test_a_lost_trailing_footer_comes_from_the_copy),
        TEST(test_a_cut_trailing_footer_is_written_over),
        TEST(test_a_broken_copy_comes_from_the_trailing_footer),
        TEST(test_of_two_broken_footers_the_confirmed_one_counts),
        TEST(test_of_two_that_contradict_neither_counts),
        TEST(test_a_headers_sum_is_mended_where_all_confirms_it),
        TEST(test_a_headers_wrong_field_is_never_confirmed),
        TEST(test_both_footers_get_the_geometry),
        TEST(test_several_things_are_mended_at_once),
        TEST(test_beside_an_error_nothing_is_mended),
        TEST(test_what_is_no_vhd_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
