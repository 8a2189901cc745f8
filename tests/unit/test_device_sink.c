/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"
#include "io/source.h"
#include "unit.h"

#include "scratch.h"

#include <linux/loop.h>
#include <sys/ioctl.h>

enum { DEVICE_SIZE = 1 << 20 };

static struct err e;

/* A block device over a file full of 'x'; needs root, else the tests skip. */
static char device[32];
static int device_fd = -1;

static int attach(int backing)
{
    const struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);

    if (control >= 0)
        close(control);
    if (number < 0)
        return -1;
    snprintf(device, sizeof(device), "/dev/loop%d", number);
    device_fd = open(device, O_RDWR | O_CLOEXEC);
    if (device_fd < 0 || ioctl(device_fd, LOOP_SET_FD, backing) < 0)
        return -1;
    /* It detaches itself at the last close, whatever becomes of the test. */
    return ioctl(device_fd, LOOP_SET_STATUS64, &info);
}

static int setup(void **state)
{
    char *data = malloc(DEVICE_SIZE);
    int backing;

    if (scratch_setup(state))
        return -1;
    memset(data, 'x', DEVICE_SIZE);
    scratch_write("backing", data, DEVICE_SIZE);
    free(data);
    backing = open("backing", O_RDWR | O_CLOEXEC);
    if (attach(backing) < 0) {
        close(device_fd);
        device_fd = -1;
    }
    close(backing);
    return 0;
}

static int teardown(void **state)
{
    close(device_fd);
    return scratch_teardown(state);
}

static struct sink *open_device(void)
{
    struct sink *s = NULL;

    if (device_fd < 0)
        skip();
    assert_ok(sink_open_file(&s, device, true, NULL, &e), &e);
    return s;
}

static void assert_bytes(uint64_t offset, const char *expected, size_t len)
{
    struct source *s = NULL;
    char buf[64];

    assert_ok(source_open_file(&s, device, NULL, &e), &e);
    assert_int_equal(s->size, DEVICE_SIZE);
    assert_ok(source_pread_full(s, buf, len, offset, "x", &e), &e);
    assert_memory_equal(buf, expected, len);
    source_close(s);
}

static void test_what_a_device_was_given_is_read_back(void **state)
{
    struct sink *s = open_device();
    struct source *back = NULL;
    char buf[16];

    (void)state;
    assert_ok(sink_hold(s, &e), &e);
    assert_ok(sink_clear(s, 1536, &e), &e);
    assert_ok(sink_pwrite(s, "data", 4, 512, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    assert_ok(sink_reopen(s, &back, &e), &e);
    assert_int_equal(back->size, 1536);
    assert_ok(source_pread_full(back, buf, 5, 511, "x", &e), &e);
    assert_memory_equal(buf, "\0data", 5);
    source_close(back);
    assert_ok(sink_release(s, &e), &e);
    sink_close(s, NULL);
}

static void test_a_device_needs_force(void **state)
{
    struct sink *s = NULL;

    (void)state;
    sink_close(open_device(), NULL);
    assert_int_equal(sink_open_file(&s, device, false, NULL, &e), ERR_FAILED);
    assert_null(s);
}

static void test_a_device_in_use_is_refused(void **state)
{
    struct sink *s = open_device();
    struct sink *second = NULL;

    (void)state;
    assert_int_equal(sink_open_file(&second, device, true, NULL, &e),
                     ERR_FAILED);
    assert_non_null(strstr(e.text, "in use"));
    sink_close(s, NULL);
}

static void test_clear_zeroes_its_range_only(void **state)
{
    struct sink *s = open_device();

    (void)state;
    assert_ok(sink_clear(s, 512 * 1024 + 512, &e), &e);
    assert_ok(sink_pwrite(s, "data", 4, 4096, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_bytes(0, "\0\0\0\0", 4);
    assert_bytes(4094, "\0\0data\0\0", 8);
    assert_bytes(512 * 1024 + 510, "\0\0xx", 4);
}

static void test_too_much_is_refused_with_both_sizes(void **state)
{
    struct sink *s = open_device();
    char text[128];

    (void)state;
    assert_int_equal(sink_clear(s, DEVICE_SIZE + 1, &e), ERR_NO_SPACE);
    snprintf(text, sizeof(text),
             "%s: the device has 1048576 bytes, 1048577 are needed", device);
    assert_string_equal(e.text, text);
    assert_int_equal(sink_zeros(s, DEVICE_SIZE + 1, &e), ERR_NO_SPACE);
    assert_bytes(0, "xxxx", 4);
    sink_close(s, NULL);
}

static void test_appended_zeros_overwrite_the_old_content(void **state)
{
    struct sink *s = open_device();

    (void)state;
    assert_ok(sink_write(s, "ab", 2, &e), &e);
    assert_ok(sink_zeros(s, 100000, &e), &e);
    assert_ok(sink_write(s, "cd", 2, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_bytes(0, "ab\0\0", 4);
    assert_bytes(8190, "\0\0\0\0", 4);
    assert_bytes(100000, "\0\0cdxx", 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_device_needs_force),
        TEST(test_what_a_device_was_given_is_read_back),
        TEST(test_a_device_in_use_is_refused),
        TEST(test_clear_zeroes_its_range_only),
        TEST(test_too_much_is_refused_with_both_sizes),
        TEST(test_appended_zeros_overwrite_the_old_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
