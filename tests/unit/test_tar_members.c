/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_header.h"
#include "io/tar_source.h"
#include "unit.h"

#include "fake_io.h"
#include "scratch.h"

static uint8_t tar[16 * 512], back[512];
static size_t tar_len;
static struct fake_source in;
static struct tar_tail tail;
static struct err e;

static void add_member(const char *name, const char *content)
{
    tar_header_encode(tar + tar_len, name, strlen(content));
    memcpy(tar + tar_len + 512, content, strlen(content));
    tar_len += 2 * 512;
}

static struct source *opened(size_t end)
{
    struct source *s = fake_source_open(&in, tar, tar_len + end);

    assert_ok(source_untar(&s, NULL, NULL, &tail, &e), &e);
    tar_source_apart(s);
    return s;
}

static void begin(void)
{
    memset(tar, 0, sizeof(tar));
    tar_len = 0;
}

static void assert_member(struct source *s, const char *name,
                          const char *content)
{
    assert_string_equal(tar_source_member(s), name);
    assert_int_equal(s->size, strlen(content));
    assert_int_equal(source_read_full(s, back, strlen(content), "it", &e), 0);
    assert_memory_equal(back, content, strlen(content));
    assert_int_equal(source_read(s, back, 1, &e), 0);
    source_close(s);
}

static void test_members_one_after_the_other(void **state)
{
    struct source *s;

    (void)state;
    begin();
    add_member("d/1.vhd", "parent");
    add_member("notes", "x");
    add_member("d/0.vhd", "the leaf");
    s = opened(1024);
    assert_string_equal(tar_source_archive(s), "fake");
    assert_member(s, "1.vhd", "parent");
    assert_int_equal(tar_source_next(s, &e), 1);
    assert_member(s, "0.vhd", "the leaf");
    assert_int_equal(tar_source_next(s, &e), 0);
    assert_true(in.base.ended);
    assert_int_equal(in.closed, 0);
    tar_source_end(s);
    assert_int_equal(in.closed, 1);
}

static void test_the_end_after_the_last_of_them_is_looked_at(void **state)
{
    struct source *s;

    (void)state;
    begin();
    add_member("1.vhd", "parent");
    s = opened(512);
    assert_member(s, "1.vhd", "parent");
    assert_int_equal(tar_source_next(s, &e), ERR_CORRUPT);
    tar_source_end(s);
}

enum { LARGE = 64 << 20 };

/* `name` is an archive of two members of LARGE bytes, which are a hole. */
static void write_large(const char *name)
{
    uint8_t header[512];
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    tar_header_encode(header, "1.vhd", LARGE);
    assert_int_equal(fwrite(header, 1, 512, f), 512);
    assert_int_equal(fseek(f, LARGE, SEEK_CUR), 0);
    tar_header_encode(header, "0.vhd", LARGE);
    assert_int_equal(fwrite(header, 1, 512, f), 512);
    fclose(f);
    assert_int_equal(truncate(name, 2 * (512L + LARGE) + 1024), 0);
}

static void test_members_of_a_file_are_passed_without_reading(void **state)
{
    _Atomic uint64_t bytes = 0;
    struct source *s = NULL;

    (void)state;
    write_large("large.tar");
    assert_ok(source_open_file(&s, "large.tar", NULL, &e), &e);
    s->meter = &bytes;
    assert_ok(source_untar(&s, NULL, NULL, &tail, &e), &e);
    tar_source_apart(s);
    source_close(s);
    assert_int_equal(tar_source_next(s, &e), 1);
    assert_string_equal(tar_source_member(s), "0.vhd");
    source_close(s);
    assert_int_equal(tar_source_next(s, &e), 0);
    assert_true(bytes < LARGE / 16);
    tar_source_end(s);
}

static void test_a_cut_in_what_is_passed_is_corrupt(void **state)
{
    struct source *s = NULL;

    (void)state;
    write_large("cut.tar");
    assert_int_equal(truncate("cut.tar", 512 + LARGE - 1), 0);
    assert_ok(source_open_file(&s, "cut.tar", NULL, &e), &e);
    assert_ok(source_untar(&s, NULL, NULL, &tail, &e), &e);
    tar_source_apart(s);
    source_close(s);
    assert_int_equal(tar_source_next(s, &e), ERR_CORRUPT);
    tar_source_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_one_after_the_other),
        cmocka_unit_test(test_the_end_after_the_last_of_them_is_looked_at),
        cmocka_unit_test(test_members_of_a_file_are_passed_without_reading),
        cmocka_unit_test(test_a_cut_in_what_is_passed_is_corrupt),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
