/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_header.h"
#include "io/tar_source.h"
#include "unit.h"

#include "fake_io.h"

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

    assert_ok(source_untar(&s, NULL, &tail, &e), &e);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_one_after_the_other),
        cmocka_unit_test(test_the_end_after_the_last_of_them_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
