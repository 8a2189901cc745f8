/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_source.h"
#include "unit.h"

#include "fake_io.h"
#include "small_tar.h"

#include <stdio.h>

static struct err e;

/* --- reading them ---------------------------------------------------------*/

static char notices[2000];
static unsigned notice_count;

static void take_notice(void *ctx, const char *text)
{
    (void)ctx;
    notice_count++;
    snprintf(notices + strlen(notices), sizeof(notices) - strlen(notices),
             "%s\n", text);
}

static const struct notice notice = {.fn = take_notice};
static struct fake_source in;
static struct tar_tail tail;
static uint8_t back[1 << 20];

/* Reads the disk of tar[0 .. tar_len): its length, or the error. */
static int64_t untar(size_t step)
{
    struct source *s = fake_source_open(&in, tar, tar_len);
    int64_t got;
    size_t total = 0;

    notices[0] = '\0';
    notice_count = 0;
    in.step = step;
    got = source_untar(&s, NULL, &notice, &tail, &e);
    if (got == 0) {
        while ((got = source_read(s, back + total, sizeof(back) - total, &e)) >
               0)
            total += (size_t)got;
        if (got == 0) {
            assert_true(in.base.ended);
            assert_int_equal(s->size, total);
        }
    } else {
        assert_ptr_equal(s, &in.base);
    }
    source_close(s);
    assert_int_equal(in.closed, 1);
    return got < 0 ? got : (int64_t)total;
}

static void assert_disk(const char *content)
{
    const size_t steps[] = {0, 1, 511, 512, 513};

    for (int i = 0; i < 5; i++) {
        assert_int_equal(untar(steps[i]), strlen(content));
        assert_memory_equal(back, content, strlen(content));
    }
}

static void test_the_only_disk_is_taken(void **state)
{
    const char *names[] = {"0.vhd",     "image.vhd", "./0.VHD",
                           "a/b/c.raw", "x.img",     "disk.1.vhd"};

    (void)state;
    for (int i = 0; i < 6; i++) {
        tar_begin();
        tar_member(names[i], "content");
        tar_end();
        assert_disk("content");
        assert_int_equal(notice_count, 0);
    }
}

static void test_the_member_has_a_name_and_a_size(void **state)
{
    struct source *s;

    (void)state;
    tar_begin();
    tar_member("0.vhd", "content");
    tar_end();
    s = fake_source_open(&in, tar, tar_len);
    assert_ok(source_untar(&s, NULL, NULL, NULL, &e), &e);
    assert_string_equal(s->name, "fake: 0.vhd");
    assert_int_equal(s->size, 7);
    assert_false(source_is_seekable(s));
    source_close(s);
}

static void test_what_is_not_a_disk_is_passed_over(void **state)
{
    (void)state;
    tar_begin();
    tar_header("folder.vhd/", '5', 0);
    tar_member("swap.vhd", "swap");
    tar_member("._0.vhd", "of a mac");
    tar_member("readme.txt", "hello");
    tar_header("link.vhd", '2', 0);
    tar_member("0.vhd", "content");
    tar_member("manifest.json", "{}");
    tar_header("folder/", '5', 0);
    tar_end();
    assert_disk("content");
    assert_string_equal(
        notices, "fake: member swap.vhd is not a disk and is left out\n"
                 "fake: member ._0.vhd is not a disk and is left out\n"
                 "fake: member readme.txt is not a disk and is left out\n"
                 "fake: member link.vhd is not a disk and is left out\n"
                 "fake: member manifest.json is not a disk and is left out\n");
}

static void test_a_second_disk_is_refused(void **state)
{
    (void)state;
    tar_begin();
    tar_member("0.vhd", "leaf");
    tar_member("notes", "x");
    tar_member("1.vhd", "parent");
    tar_end();
    assert_int_equal(untar(0), ERR_UNSUPPORTED);
    assert_string_equal(e.text,
                        "fake: 0.vhd is followed by another disk, 1.vhd; a "
                        "chain of them (0.vhd, 1.vhd, ...) is taken by copy "
                        "into a pool or into a raw or VHD file");
}

static void test_an_archive_without_a_disk_names_what_it_holds(void **state)
{
    (void)state;
    tar_begin();
    tar_member("a.txt", "x");
    tar_header("d/", '5', 0);
    tar_end();
    assert_int_equal(untar(0), ERR_CORRUPT);
    assert_string_equal(
        e.text,
        "fake: no disk (.vhd, .raw, .img) in the tar archive, but a.txt, d/; "
        "--any-member takes a VHD of any name");
}

static void test_empty_archives_and_other_things_are_refused(void **state)
{
    (void)state;
    tar_begin();
    tar_len = 10240;
    assert_int_equal(untar(0), ERR_CORRUPT);
    assert_string_equal(e.text, "fake: the tar archive is empty");
    tar_len = 0;
    assert_int_equal(untar(0), ERR_CORRUPT);
    memset(tar, 'x', 5000);
    tar_len = 5000;
    assert_int_equal(untar(0), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "fake: broken tar archive"));
}

static void test_an_empty_disk_ends_at_once(void **state)
{
    (void)state;
    tar_begin();
    tar_member("0.vhd", "");
    tar_end();
    assert_disk("");
}

static void test_what_follows_the_end_is_read_to_the_end(void **state)
{
    (void)state;
    tar_begin();
    tar_member("0.vhd", "content");
    tar_end();
    tar_member("digest.json", "{}");
    tar_len += 400000;
    assert_disk("content");
    assert_true(tail.archive && tail.found);
    assert_int_equal(tail.len, 2);
    assert_string_equal(tail.text, "{}");
}

static void test_nothing_but_zeros_may_follow_the_end(void **state)
{
    (void)state;
    tar_begin();
    tar_member("0.vhd", "content");
    tar_end();
    tar_len += 400017;
    assert_disk("content");
    assert_true(tail.archive && !tail.found);
}

static void test_a_cut_anywhere_is_found(void **state)
{
    size_t whole;

    (void)state;
    tar_begin();
    tar_member("readme", "x");
    tar_member("0.vhd", "content");
    tar_member("after", "x");
    tar_end();
    whole = tar_len;
    for (tar_len = 0; tar_len < whole; tar_len++)
        assert_int_equal(untar(0), ERR_CORRUPT);
    assert_int_equal(untar(0), 7);
}

static void test_a_missing_end_is_named(void **state)
{
    (void)state;
    tar_begin();
    tar_member("0.vhd", "content");
    assert_int_equal(untar(0), ERR_CORRUPT);
    assert_string_equal(e.text,
                        "fake: the tar archive is cut at byte 1024: the 1024 "
                        "bytes that end it are missing");
    tar_len += 512;
    assert_int_equal(untar(0), ERR_CORRUPT);
}

static void test_a_failure_below_is_the_failure(void **state)
{
    struct source *s;

    (void)state;
    tar_begin();
    tar_member("0.vhd", "content");
    tar_end();
    for (size_t len = 0; len <= tar_len; len += 512) {
        int64_t got;

        s = fake_source_open(&in, tar, len);
        in.fail = ERR_TEMPORARY;
        got = source_untar(&s, NULL, NULL, NULL, &e);
        while (got >= 0)
            got = source_read(s, back, sizeof(back), &e);
        assert_int_equal(got, ERR_TEMPORARY);
        assert_string_equal(e.text, "fake: failed");
        source_close(s);
    }
}

/* --- hostile archives -----------------------------------------------------*/

static void test_control_characters_do_not_reach_a_terminal(void **state)
{
    (void)state;
    tar_begin();
    tar_member("\033[2J.txt", "x");
    tar_end();
    assert_int_equal(untar(0), ERR_CORRUPT);
    assert_null(strchr(e.text, '\033'));
    assert_null(strchr(notices, '\033'));
}

static void test_thousands_of_members_are_refused(void **state)
{
    (void)state;
    tar_begin();
    for (int i = 0; i < 10001; i++)
        tar_header("x", '0', 0);
    tar_end();
    assert_int_equal(untar(0), ERR_UNSUPPORTED);
    assert_int_equal(notice_count, 10);
    assert_true(strlen(e.text) < 600);
}

/* Adds a record `key=value` to a pax header. */
static void pax_add(char *records, const char *key, const char *value)
{
    size_t len =
        strlen(key) + strlen(value) + 5; /* two digits, ' ', = and \n */

    assert_in_range(len, 10, 99);
    snprintf(records + strlen(records), 100, "%zu %s=%s\n", len, key, value);
}

/* Appends a pax header for a sparse member of 30 bytes with two extents. */
static void tar_sparse(const char *map)
{
    char records[300] = "";

    pax_add(records, "GNU.sparse.size", "30");
    pax_add(records, "GNU.sparse.numblocks", "2");
    pax_add(records, "GNU.sparse.map", map);
    tar_header("PaxHeaders/x", 'x', strlen(records));
    tar_data(records, strlen(records));
}

/* Two long names of a million bytes and one of five. */
static void test_endless_headers_are_refused(void **state)
{
    (void)state;
    tar_begin();
    for (int i = 0; i < 7; i++) {
        tar_header("././@LongLink", 'L', 1000000);
        memset(tar + tar_len, 'n', 1000000);
        tar_len += (1000000 + 511) / 512 * 512;
    }
    tar_member("0.vhd", "content");
    tar_end();
    assert_int_equal(untar(0), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "have more than 2097152 bytes"));
    assert_true(in.base.pos < 4 << 20);
}

/* A sparse map (pax 1.0) that never ends, in a member that is all map. */
static void test_an_endless_sparse_map_is_refused(void **state)
{
    size_t map = 12 << 20;
    char records[300] = "";

    (void)state;
    tar_begin();
    pax_add(records, "GNU.sparse.major", "1");
    pax_add(records, "GNU.sparse.minor", "0");
    pax_add(records, "GNU.sparse.realsize", "1000000");
    tar_header("PaxHeaders/x", 'x', strlen(records));
    tar_data(records, strlen(records));
    tar_header("0.vhd", '0', map);
    memcpy(tar + tar_len, "99999999\n", 9);
    for (size_t i = 9; i < map; i += 4)
        memcpy(tar + tar_len + i, "0\n0\n", 4);
    tar_len += map;
    tar_end();
    assert_int_equal(untar(0), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "have more than 2097152 bytes"));
    assert_true(in.base.pos < 4 << 20);
}

/* Pax 0.1: data [10, 13) and [20, 24) of 30. */
static void test_a_sparse_member_has_its_holes(void **state)
{
    char expected[31];

    (void)state;
    memset(expected, 0, sizeof(expected));
    memcpy(expected + 10, "abc", 3);
    memcpy(expected + 20, "wxyz", 4);
    tar_begin();
    tar_sparse("10,3,20,4");
    tar_member("0.vhd", "abcwxyz");
    tar_end();
    assert_int_equal(untar(0), 30);
    assert_memory_equal(back, expected, 30);
}

static void test_a_broken_sparse_map_is_refused(void **state)
{
    /* Backwards, past the end, overlapping. */
    const char *maps[] = {"20,4,10,3", "10,3,28,4", "10,4,12,3"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        tar_begin();
        tar_sparse(maps[i]);
        tar_member("0.vhd", "abcwxyz");
        tar_end();
        assert_int_equal(untar(0), ERR_CORRUPT);
    }
}

static void test_an_absurd_size_is_a_cut_not_an_allocation(void **state)
{
    size_t at;

    (void)state;
    tar_begin();
    at = tar_header("0.vhd", '0', 0);
    memset(tar + at + 124, 0xff, 12);
    tar[at + 124] = 0x80;
    tar[at + 128] = 0x0f;
    tar_sum(at);
    tar_data("x", 1);
    assert_int_equal(untar(0), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_only_disk_is_taken),
        cmocka_unit_test(test_the_member_has_a_name_and_a_size),
        cmocka_unit_test(test_what_is_not_a_disk_is_passed_over),
        cmocka_unit_test(test_a_second_disk_is_refused),
        cmocka_unit_test(test_an_archive_without_a_disk_names_what_it_holds),
        cmocka_unit_test(test_empty_archives_and_other_things_are_refused),
        cmocka_unit_test(test_an_empty_disk_ends_at_once),
        cmocka_unit_test(test_what_follows_the_end_is_read_to_the_end),
        cmocka_unit_test(test_nothing_but_zeros_may_follow_the_end),
        cmocka_unit_test(test_a_cut_anywhere_is_found),
        cmocka_unit_test(test_a_missing_end_is_named),
        cmocka_unit_test(test_a_failure_below_is_the_failure),
        cmocka_unit_test(test_control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(test_thousands_of_members_are_refused),
        cmocka_unit_test(test_endless_headers_are_refused),
        cmocka_unit_test(test_an_endless_sparse_map_is_refused),
        cmocka_unit_test(test_a_sparse_member_has_its_holes),
        cmocka_unit_test(test_a_broken_sparse_map_is_refused),
        cmocka_unit_test(test_an_absurd_size_is_a_cut_not_an_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
