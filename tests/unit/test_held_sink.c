/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Files that are read back before they appear, and the part of a source that
 * is. */

#include "io/sink.h"
#include "unit.h"

#include "scratch.h"

#include <sys/stat.h>

static struct err e;

static bool is_there(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

static struct sink *written(const char *path, const char *text)
{
    struct sink *s = NULL;

    assert_ok(sink_open_file(&s, path, false, NULL, &e), &e);
    assert_ok(sink_hold(s, &e), &e);
    assert_ok(sink_write(s, text, strlen(text), &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    return s;
}

static void test_a_held_file_is_read_before_it_has_its_name(void **state)
{
    struct source *back = NULL;
    struct sink *s;
    char buf[16];

    (void)state;
    s = written("f", "hello world");
    assert_false(is_there("f"));
    assert_ok(sink_reopen(s, &back, &e), &e);
    assert_string_equal(back->name, "f");
    assert_int_equal(back->size, 11);
    assert_int_equal(source_read_most(back, buf, 16, &e), 11);
    assert_memory_equal(buf, "hello world", 11);
    source_close(back);
    assert_false(is_there("f"));
    assert_ok(sink_release(s, &e), &e);
    assert_true(is_there("f"));
    sink_close(s, NULL);
    assert_true(is_there("f"));
}

static void test_a_held_file_that_is_not_released_is_gone(void **state)
{
    struct sink *s;

    (void)state;
    s = written("g", "x");
    sink_close(s, NULL);
    assert_false(is_there("g"));
}

static void test_a_name_that_was_taken_meanwhile_is_refused(void **state)
{
    struct sink *s;

    (void)state;
    s = written("h", "new");
    scratch_write("h", "old", 3);
    assert_int_equal(sink_release(s, &e), ERR_FAILED);
    assert_non_null(strstr(e.text, "exists already"));
    sink_close(s, NULL);
}

static void test_a_pipe_cannot_be_held(void **state)
{
    struct sink *s = NULL;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_ok(sink_open_fd(&s, fds[1], "pipe", NULL, &e), &e);
    assert_int_equal(sink_hold(s, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "pipe: what is written there cannot be"));
    sink_close(s, NULL);
    close(fds[0]);
    close(fds[1]);
}

static void test_what_could_be_read_back(void **state)
{
    (void)state;
    scratch_write("file", "x", 1);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_true(sink_file_reads_back("file"));
    assert_true(sink_file_reads_back("new"));
    assert_false(sink_file_reads_back("pipe"));
    assert_false(sink_file_reads_back("/dev/null"));
    assert_false(sink_file_reads_back("/dev/stdout"));
    assert_false(sink_file_reads_back("/dev/fd/5"));
}

static void test_a_limited_source_ends_there(void **state)
{
    struct source *s = NULL;
    uint64_t start, end;
    char buf[16];

    (void)state;
    scratch_write("long", "hello world", 11);
    assert_ok(source_open_file(&s, "long", NULL, &e), &e);
    assert_ok(source_limit(&s, 7, &e), &e);
    assert_int_equal(s->size, 7);
    assert_true(source_is_seekable(s));
    assert_int_equal(source_data(s, 0, &start, &end, &e), 1);
    assert_int_equal(end, 7);
    assert_int_equal(source_data(s, 7, &start, &end, &e), 0);
    assert_ok(source_pread_full(s, buf, 2, 5, "x", &e), &e);
    assert_memory_equal(buf, " w", 2);
    assert_int_equal(source_pread_full(s, buf, 3, 5, "x", &e), ERR_CORRUPT);
    assert_int_equal(source_read_most(s, buf, 16, &e), 7);
    assert_int_equal(source_read(s, buf, 16, &e), 0);
    source_close(s);
}

static void test_a_source_that_is_too_short_for_its_limit(void **state)
{
    struct source *s = NULL;

    (void)state;
    scratch_write("short", "hello", 5);
    assert_ok(source_open_file(&s, "short", NULL, &e), &e);
    assert_int_equal(source_limit(&s, 6, &e), ERR_CORRUPT);
    source_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_held_file_is_read_before_it_has_its_name),
        cmocka_unit_test(test_a_held_file_that_is_not_released_is_gone),
        cmocka_unit_test(test_a_name_that_was_taken_meanwhile_is_refused),
        cmocka_unit_test(test_a_pipe_cannot_be_held),
        cmocka_unit_test(test_what_could_be_read_back),
        cmocka_unit_test(test_a_limited_source_ends_there),
        cmocka_unit_test(test_a_source_that_is_too_short_for_its_limit),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
