/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"
#include "unit.h"

#include "scratch.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static struct err e;

static struct sink *open_path(const char *path, bool force)
{
    struct sink *s = NULL;

    assert_ok(sink_open_file(&s, path, force, NULL, &e), &e);
    return s;
}

static void assert_content(const char *name, const char *text)
{
    char buf[256];
    size_t got = scratch_read(name, buf, sizeof(buf));

    assert_int_equal(got, strlen(text));
    assert_memory_equal(buf, text, got);
}

static void test_a_file_appears_at_finish_only(void **state)
{
    struct sink *s = open_path("out", false);

    (void)state;
    assert_ok(sink_write(s, "hello", 5, &e), &e);
    assert_int_equal(access("out", F_OK), -1);
    assert_ok(sink_finish(s, &e), &e);
    assert_content("out", "hello");
    sink_close(s, NULL);
    assert_int_equal(scratch_count(), 1);
}

static void test_an_abandoned_file_leaves_nothing(void **state)
{
    struct sink *s = open_path("out", false);

    (void)state;
    assert_ok(sink_write(s, "hello", 5, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(scratch_count(), 0);
}

static void test_an_existing_file_is_refused_at_open(void **state)
{
    struct sink *s = NULL;

    (void)state;
    scratch_write("out", "old", 3);
    assert_int_equal(sink_open_file(&s, "out", false, NULL, &e), ERR_FAILED);
    assert_string_equal(e.text, "out: exists already; --force replaces it");
    assert_null(s);
    assert_content("out", "old");
}

static void test_a_file_that_came_meanwhile_is_not_replaced(void **state)
{
    struct sink *s = open_path("out", false);

    (void)state;
    assert_ok(sink_write(s, "new", 3, &e), &e);
    scratch_write("out", "old", 3);
    assert_int_equal(sink_finish(s, &e), ERR_FAILED);
    sink_close(s, NULL);
    assert_content("out", "old");
    assert_int_equal(scratch_count(), 1);
}

static void test_force_replaces_at_finish_and_keeps_the_mode(void **state)
{
    struct sink *s;
    struct stat info;

    (void)state;
    scratch_write("out", "old", 3);
    chmod("out", 0600);
    s = open_path("out", true);
    assert_ok(sink_write(s, "new", 3, &e), &e);
    assert_content("out", "old");
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_content("out", "new");
    assert_int_equal(stat("out", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(scratch_count(), 1);
}

static void test_abandoning_with_force_keeps_the_old(void **state)
{
    struct sink *s;

    (void)state;
    scratch_write("out", "old", 3);
    s = open_path("out", true);
    assert_ok(sink_write(s, "new", 3, &e), &e);
    sink_close(s, NULL);
    assert_content("out", "old");
    assert_int_equal(scratch_count(), 1);
}

static void test_force_replaces_what_a_link_points_to(void **state)
{
    struct sink *s;
    struct stat info;

    (void)state;
    scratch_write("real", "old", 3);
    assert_int_equal(symlink("real", "link"), 0);
    s = open_path("link", true);
    assert_ok(sink_write(s, "new", 3, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(lstat("link", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content("real", "new");
}

static void test_a_link_to_nothing_is_refused(void **state)
{
    struct sink *s = NULL;

    (void)state;
    assert_int_equal(symlink("nothing", "link"), 0);
    assert_int_equal(sink_open_file(&s, "link", false, NULL, &e), ERR_FAILED);
    assert_int_equal(sink_open_file(&s, "link", true, NULL, &e), ERR_NOT_FOUND);
}

static void test_zeros_become_holes(void **state)
{
    struct sink *s = open_path("out", false);
    struct stat info;
    char buf[8];
    int fd;

    (void)state;
    assert_ok(sink_zeros(s, 1 << 30, &e), &e);
    assert_ok(sink_write(s, "data", 4, &e), &e);
    assert_ok(sink_zeros(s, 1 << 30, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(stat("out", &info), 0);
    assert_int_equal(info.st_size, (2ll << 30) + 4);
    assert_true(info.st_blocks * 512 < 1 << 20);
    fd = open("out", O_RDONLY);
    assert_int_equal(pread(fd, buf, 8, (1 << 30) - 2), 8);
    assert_memory_equal(buf, "\0\0data\0\0", 8);
    close(fd);
}

static void test_cleared_files_are_filled_in_any_order(void **state)
{
    struct sink *s = open_path("out", false);
    char buf[16];

    (void)state;
    assert_true(sink_is_seekable(s));
    assert_ok(sink_clear(s, 10, &e), &e);
    assert_ok(sink_pwrite(s, "cd", 2, 6, &e), &e);
    assert_ok(sink_pwrite(s, "ab", 2, 1, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(scratch_read("out", buf, 16), 10);
    assert_memory_equal(buf, "\0ab\0\0\0cd\0\0", 10);
}

static void test_clear_forgets_what_was_there(void **state)
{
    struct sink *s = open_path("out", false);
    char buf[16];

    (void)state;
    assert_ok(sink_write(s, "garbage", 7, &e), &e);
    assert_ok(sink_clear(s, 4, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(scratch_read("out", buf, 16), 4);
    assert_memory_equal(buf, "\0\0\0\0", 4);
}

static void test_a_long_name_still_has_a_hidden_one(void **state)
{
    char name[256];
    struct sink *s;

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    scratch_write(name, "old", 3);
    s = open_path(name, true); /* must pass through a hidden name */
    assert_ok(sink_write(s, "new", 3, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_content(name, "new");
    assert_int_equal(scratch_count(), 1);
}

static void test_names_that_are_no_file_are_refused(void **state)
{
    struct sink *s = NULL;

    (void)state;
    assert_int_equal(sink_open_file(&s, ".", true, NULL, &e), ERR_USAGE);
    assert_int_equal(sink_open_file(&s, "new/", false, NULL, &e), ERR_USAGE);
    assert_int_equal(sink_open_file(&s, "no/file", false, NULL, &e),
                     ERR_NOT_FOUND);
    assert_null(s);
}

static void test_a_full_device_is_named_with_the_byte(void **state)
{
    struct sink *s = open_path("/dev/full", false);

    (void)state;
    assert_int_equal(sink_write(s, "x", 1, &e), ERR_NO_SPACE);
    assert_string_equal(
        e.text, "/dev/full: writing at byte 0: No space left on device");
    sink_close(s, NULL);
}

static void test_the_limit_of_file_sizes_is_an_error_not_a_signal(void **state)
{
    struct sink *s = open_path("out", false);
    struct rlimit old, small = {.rlim_cur = 4096};
    char data[8192] = {0};
    int written, sized;

    (void)state;
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    written = sink_write(s, data, sizeof(data), &e);
    sized = sink_clear(s, 8192, &e);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(written, ERR_NO_SPACE);
    assert_int_equal(sized, ERR_NO_SPACE);
    assert_string_equal(e.text,
                        "out: setting its size to 8192 bytes: File too large");
    sink_close(s, NULL);
}

static void test_a_pipe_without_reader_is_an_error_not_a_signal(void **state)
{
    struct sink *s = NULL;
    int fds[2];

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(pipe(fds), 0);
    assert_ok(sink_open_fd(&s, fds[1], "stdout", NULL, &e), &e);
    assert_ok(sink_write(s, "abc", 3, &e), &e);
    close(fds[0]);
    assert_int_equal(sink_write(s, "def", 3, &e), ERR_FAILED);
    assert_string_equal(e.text, "stdout: closed by its reader after byte 3");
    sink_close(s, NULL);
    assert_int_equal(close(fds[1]), 0); /* still the caller's */
}

static void *slurp(void *arg)
{
    int fd = *(int *)arg;
    static size_t total;
    char buf[1000];
    ssize_t got;

    total = 0;
    while ((got = read(fd, buf, sizeof(buf))) > 0)
        total += (size_t)got;
    return &total;
}

static void test_a_pipe_gets_more_than_it_holds(void **state)
{
    struct sink *s = NULL;
    enum { SIZE = 3 << 20 };
    char *data = calloc(1, SIZE);
    void *total;
    int fds[2];
    pthread_t thread;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    pthread_create(&thread, NULL, slurp, &fds[0]);
    assert_ok(sink_open_fd(&s, fds[1], "stdout", NULL, &e), &e);
    assert_ok(sink_write(s, data, SIZE, &e), &e);
    assert_ok(sink_zeros(s, SIZE, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    sink_close(s, NULL);
    close(fds[1]);
    pthread_join(thread, &total);
    assert_int_equal(*(size_t *)total, 2 * SIZE);
    close(fds[0]);
    free(data);
}

static void test_a_stalled_reader_ends_in_time(void **state)
{
    const struct wait wait = {.timeout_s = 1};
    struct sink *s = NULL;
    enum { SIZE = 3 << 20 };
    char *data = calloc(1, SIZE);
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_ok(sink_open_fd(&s, fds[1], "stdout", &wait, &e), &e);
    assert_int_equal(sink_write(s, data, SIZE, &e), ERR_TEMPORARY);
    sink_close(s, NULL);
    close(fds[0]);
    close(fds[1]);
    free(data);
}

static void test_an_open_file_is_gone_on_in(void **state)
{
    struct sink *s = NULL;
    int fd = open("out", O_CREAT | O_WRONLY, 0600);
    char buf[16];

    (void)state;
    assert_int_equal(write(fd, "ab", 2), 2);
    assert_ok(sink_open_fd(&s, fd, "stdout", NULL, &e), &e);
    assert_ok(sink_write(s, "cd", 2, &e), &e);
    assert_ok(sink_zeros(s, 3, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(write(fd, "e", 1), 1); /* the shell's next program */
    close(fd);
    assert_int_equal(scratch_read("out", buf, 16), 8);
    assert_memory_equal(buf, "abcd\0\0\0e", 8);
}

static void test_zeros_overwrite_what_lies_behind_the_offset(void **state)
{
    struct sink *s = NULL;
    char buf[16];
    int fd;

    (void)state;
    scratch_write("out", "0123456789", 10);
    fd = open("out", O_WRONLY);
    assert_ok(sink_open_fd(&s, fd, "stdout", NULL, &e), &e);
    assert_ok(sink_zeros(s, 3, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    close(fd);
    assert_int_equal(scratch_read("out", buf, 16), 10);
    assert_memory_equal(buf,
                        "\0\0\0"
                        "3456789",
                        10);
}

static void test_zeros_are_written_to_a_file_in_append_mode(void **state)
{
    struct sink *s = NULL;
    int fd = open("out", O_CREAT | O_WRONLY | O_APPEND, 0600);
    char buf[16];

    (void)state;
    assert_ok(sink_open_fd(&s, fd, "stdout", NULL, &e), &e);
    assert_ok(sink_zeros(s, 2, &e), &e);
    assert_ok(sink_write(s, "x", 1, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    close(fd);
    assert_int_equal(scratch_read("out", buf, 16), 3);
    assert_memory_equal(buf, "\0\0x", 3);
}

static void *read_fifo(void *arg)
{
    int fd;

    usleep(2000);
    fd = open("fifo", O_RDONLY);
    if (read(fd, arg, 3) != 3)
        return NULL;
    close(fd);
    return arg;
}

static void test_a_fifo_waits_for_its_reader(void **state)
{
    struct sink *s;
    pthread_t thread;
    char buf[4];
    void *got;

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    pthread_create(&thread, NULL, read_fifo, buf);
    s = open_path("fifo", false);
    assert_ok(sink_write(s, "abc", 3, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    pthread_join(thread, &got);
    assert_ptr_equal(got, buf);
    assert_memory_equal(buf, "abc", 3);
}

static void test_a_fifo_without_reader_ends_in_time(void **state)
{
    const struct wait wait = {.timeout_s = 1};
    struct sink *s = NULL;

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(sink_open_file(&s, "fifo", false, &wait, &e),
                     ERR_TEMPORARY);
}

static void test_names_of_descriptors_mean_the_descriptor(void **state)
{
    struct sink *s;
    int fd = open("out", O_CREAT | O_WRONLY, 0600);
    char path[32];

    (void)state;
    assert_int_equal(write(fd, "ab", 2), 2);
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    s = open_path(path, false);
    assert_ok(sink_write(s, "cd", 2, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    close(fd);
    assert_content("out", "abcd");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_appears_at_finish_only),
        TEST(test_an_abandoned_file_leaves_nothing),
        TEST(test_an_existing_file_is_refused_at_open),
        TEST(test_a_file_that_came_meanwhile_is_not_replaced),
        TEST(test_force_replaces_at_finish_and_keeps_the_mode),
        TEST(test_abandoning_with_force_keeps_the_old),
        TEST(test_force_replaces_what_a_link_points_to),
        TEST(test_a_link_to_nothing_is_refused),
        TEST(test_zeros_become_holes),
        TEST(test_cleared_files_are_filled_in_any_order),
        TEST(test_clear_forgets_what_was_there),
        TEST(test_a_long_name_still_has_a_hidden_one),
        TEST(test_names_that_are_no_file_are_refused),
        TEST(test_a_full_device_is_named_with_the_byte),
        TEST(test_the_limit_of_file_sizes_is_an_error_not_a_signal),
        TEST(test_a_pipe_without_reader_is_an_error_not_a_signal),
        TEST(test_a_pipe_gets_more_than_it_holds),
        TEST(test_a_stalled_reader_ends_in_time),
        TEST(test_an_open_file_is_gone_on_in),
        TEST(test_zeros_overwrite_what_lies_behind_the_offset),
        TEST(test_zeros_are_written_to_a_file_in_append_mode),
        TEST(test_a_fifo_waits_for_its_reader),
        TEST(test_a_fifo_without_reader_ends_in_time),
        TEST(test_names_of_descriptors_mean_the_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
