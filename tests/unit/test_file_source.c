/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"
#include "unit.h"

#include "scratch.h"

#include <pthread.h>
#include <sys/socket.h>

static struct err e;

static struct source *open_path(const char *path, const struct wait *wait)
{
    struct source *s = NULL;

    assert_ok(source_open_file(&s, path, wait, &e), &e);
    return s;
}

static struct source *open_fd(int fd, const struct wait *wait)
{
    struct source *s = NULL;

    assert_ok(source_open_fd(&s, fd, "stdin", wait, &e), &e);
    return s;
}

static void test_a_file_is_read_in_order_to_its_end(void **state)
{
    struct source *s;
    char buf[16];

    (void)state;
    scratch_write("f", "hello world", 11);
    s = open_path("f", NULL);
    assert_int_equal(s->size, 11);
    assert_true(source_is_seekable(s));
    assert_ok(source_read_full(s, buf, 6, "a word", &e), &e);
    assert_memory_equal(buf, "hello ", 6);
    assert_int_equal(source_read_most(s, buf, 16, &e), 5);
    assert_memory_equal(buf, "world", 5);
    assert_int_equal(source_read(s, buf, 16, &e), 0);
    assert_true(s->ended);
    source_close(s);
}

static void test_pread_leaves_the_position_alone(void **state)
{
    struct source *s;
    char buf[16];

    (void)state;
    scratch_write("f", "hello world", 11);
    s = open_path("f", NULL);
    assert_ok(source_pread_full(s, buf, 5, 6, "a word", &e), &e);
    assert_memory_equal(buf, "world", 5);
    assert_int_equal(source_read_most(s, buf, 16, &e), 11);
    assert_int_equal(source_pread_full(s, buf, 5, 7, "a word", &e),
                     ERR_CORRUPT);
    source_close(s);
}

static void test_a_file_that_shrinks_is_an_error(void **state)
{
    struct source *s;
    char buf[16];
    uint64_t start, end;

    (void)state;
    scratch_write("f", "hello world", 11);
    s = open_path("f", NULL);
    assert_int_equal(truncate("f", 5), 0);
    assert_int_equal(source_read_most(s, buf, 5, &e), 5);
    assert_int_equal(source_read(s, buf, 16, &e), ERR_CORRUPT);
    assert_string_equal(
        e.text, "f: its size changed while it was read, from 11 bytes to 5");
    assert_int_equal(source_data(s, 6, &start, &end, &e), ERR_CORRUPT);
    source_close(s);
}

static void test_a_file_that_grows_is_an_error(void **state)
{
    struct source *s;
    char buf[16];

    (void)state;
    scratch_write("f", "hello", 5);
    s = open_path("f", NULL);
    scratch_write("f", "hello world", 11);
    assert_int_equal(source_read_most(s, buf, 5, &e), 5);
    assert_int_equal(source_read(s, buf, 16, &e), ERR_CORRUPT);
    source_close(s);
}

static void test_an_empty_file_ends_at_once(void **state)
{
    struct source *s;
    char buf[4];
    uint64_t start, end;

    (void)state;
    scratch_write("f", "", 0);
    s = open_path("f", NULL);
    assert_int_equal(source_data(s, 0, &start, &end, &e), 0);
    assert_int_equal(source_read(s, buf, 4, &e), 0);
    source_close(s);
}

/* Data in [1 MiB, 1 MiB + 4) of 3 MiB, holes around it. */
static void test_data_finds_the_extents_between_holes(void **state)
{
    const uint64_t mib = 1 << 20;
    struct source *s;
    uint64_t start, end;
    int fd = open("f", O_CREAT | O_WRONLY, 0600);

    (void)state;
    assert_int_equal(pwrite(fd, "data", 4, 1 << 20), 4);
    assert_int_equal(ftruncate(fd, 3 << 20), 0);
    close(fd);
    s = open_path("f", NULL);
    assert_int_equal(source_data(s, 0, &start, &end, &e), 1);
    assert_true(start <= mib && end >= mib + 4 && end <= 3 * mib);
    if (start == 0)
        skip(); /* a file system without holes */
    assert_true(mib - start < 65536 * 2 && end - mib < 65536 * 2);
    assert_int_equal(source_data(s, end, &start, &end, &e), 0);
    assert_int_equal(source_data(s, 3 * mib, &start, &end, &e), 0);
    source_close(s);
}

static void test_an_open_file_begins_at_its_offset(void **state)
{
    struct source *s;
    char buf[16];
    int fd;

    (void)state;
    scratch_write("f", "hello world", 11);
    fd = open("f", O_RDONLY);
    assert_int_equal(lseek(fd, 6, SEEK_SET), 6);
    s = open_fd(fd, NULL);
    assert_int_equal(s->size, 5);
    assert_ok(source_pread_full(s, buf, 2, 1, "x", &e), &e);
    assert_memory_equal(buf, "or", 2);
    assert_int_equal(source_read_most(s, buf, 16, &e), 5);
    assert_memory_equal(buf, "world", 5);
    assert_int_equal(source_read(s, buf, 16, &e), 0);
    source_close(s);
    assert_int_equal(close(fd), 0); /* still the caller's */
}

static void test_a_pipe_streams_and_keeps_its_flags(void **state)
{
    struct source *s;
    char buf[16];
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    s = open_fd(fds[0], NULL);
    assert_int_equal(s->size, -1);
    assert_false(source_is_seekable(s));
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(source_read(s, buf, 16, &e), 3);
    assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
    close(fds[1]);
    assert_int_equal(source_read(s, buf, 16, &e), 0);
    source_close(s);
    assert_int_equal(close(fds[0]), 0);
}

static void test_a_pipe_whose_writer_is_gone_has_ended(void **state)
{
    struct source *s;
    char buf[16];
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    s = open_fd(fds[0], NULL);
    assert_int_equal(source_read(s, buf, 16, &e), 0);
    source_close(s);
    close(fds[0]);
}

static void test_a_stalled_pipe_ends_in_time(void **state)
{
    const struct wait wait = {.timeout_s = 1};
    struct source *s;
    char buf[16];
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    s = open_fd(fds[0], &wait);
    assert_int_equal(source_read(s, buf, 16, &e), ERR_TEMPORARY);
    source_close(s);
    close(fds[0]);
    close(fds[1]);
}

static void *request(void *arg)
{
    usleep(1000);
    cancel_request(arg);
    return NULL;
}

/* Reads from a descriptor that never has anything, until it is cancelled. */
static void read_until_cancelled(int fd)
{
    struct cancel *c = NULL;
    struct wait wait = {.timeout_s = 300};
    struct source *s;
    pthread_t thread;
    char buf[16];

    assert_ok(cancel_open(&c, &e), &e);
    wait.cancel = c;
    s = open_fd(fd, &wait);
    pthread_create(&thread, NULL, request, c);
    assert_int_equal(source_read(s, buf, 16, &e), ERR_CANCELLED);
    pthread_join(thread, NULL);
    source_close(s);
    cancel_close(c);
}

static void test_cancel_ends_waiting_for_a_pipe(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    read_until_cancelled(fds[0]);
    close(fds[0]);
    close(fds[1]);
}

static void test_cancel_ends_waiting_for_a_socket(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    read_until_cancelled(fds[0]);
    close(fds[0]);
    close(fds[1]);
}

static void test_cancel_stops_a_file_too(void **state)
{
    struct cancel *c = NULL;
    struct wait wait = {0};
    struct source *s;
    char buf[16];

    (void)state;
    scratch_write("f", "hello", 5);
    assert_ok(cancel_open(&c, &e), &e);
    wait.cancel = c;
    s = open_path("f", &wait);
    cancel_request(c);
    assert_int_equal(source_read(s, buf, 16, &e), ERR_CANCELLED);
    source_close(s);
    cancel_close(c);
}

static void *write_fifo(void *arg)
{
    int fd;

    (void)arg;
    usleep(2000);
    fd = open("fifo", O_WRONLY);
    if (write(fd, "abc", 3) != 3)
        return NULL;
    close(fd);
    return NULL;
}

static void test_a_fifo_waits_for_its_writer(void **state)
{
    struct source *s;
    pthread_t thread;
    char buf[16];

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    s = open_path("fifo", NULL);
    pthread_create(&thread, NULL, write_fifo, NULL);
    assert_int_equal(source_read_most(s, buf, 16, &e), 3);
    assert_memory_equal(buf, "abc", 3);
    pthread_join(thread, NULL);
    source_close(s);
}

static void test_a_folder_and_a_missing_file_are_refused(void **state)
{
    struct source *s = NULL;

    (void)state;
    assert_int_equal(source_open_file(&s, ".", NULL, &e), ERR_USAGE);
    assert_string_equal(
        e.text, ".: a directory, where a file or a block device is expected");
    assert_int_equal(source_open_file(&s, "none", NULL, &e), ERR_NOT_FOUND);
    assert_string_equal(e.text, "none: No such file or directory");
    assert_null(s);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_read_in_order_to_its_end),
        TEST(test_pread_leaves_the_position_alone),
        TEST(test_a_file_that_shrinks_is_an_error),
        TEST(test_a_file_that_grows_is_an_error),
        TEST(test_an_empty_file_ends_at_once),
        TEST(test_data_finds_the_extents_between_holes),
        TEST(test_an_open_file_begins_at_its_offset),
        TEST(test_a_pipe_streams_and_keeps_its_flags),
        TEST(test_a_pipe_whose_writer_is_gone_has_ended),
        TEST(test_a_stalled_pipe_ends_in_time),
        TEST(test_cancel_ends_waiting_for_a_pipe),
        TEST(test_cancel_ends_waiting_for_a_socket),
        TEST(test_cancel_stops_a_file_too),
        TEST(test_a_fifo_waits_for_its_writer),
        TEST(test_a_folder_and_a_missing_file_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
