/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"
#include "unit.h"

#include "fake_io.h"

#include <stdio.h>

static struct err e;

/* What each test has: a tar sink over one in memory. */
struct world {
    struct fake_sink out;
    struct sink *s;
};

static void world_open(struct world *w, const char *name, uint64_t size)
{
    w->s = fake_sink_open(&w->out);
    assert_ok(sink_tar(&w->s, name, size, &e), &e);
}

static void world_close(struct world *w)
{
    sink_close(w->s, NULL);
    assert_int_equal(w->out.closed, 1);
    fake_sink_free(&w->out);
}

static unsigned sum_of(const uint8_t *header)
{
    unsigned sum = 0;

    for (int i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : header[i];
    return sum;
}

static void test_the_header_is_the_one_of_os_xenapi(void **state)
{
    struct world w;
    unsigned sum = 0;

    (void)state;
    world_open(&w, "0.vhd", 1234);
    assert_int_equal(w.out.len, 512);
    assert_string_equal((char *)w.out.data, "0.vhd");
    assert_memory_equal(w.out.data + 100,
                        "0000644\0"
                        "0000000\0"
                        "0000000",
                        24);
    assert_memory_equal(w.out.data + 124,
                        "00000002322\0"
                        "00000000000",
                        24);
    assert_memory_equal(w.out.data + 156, "0\0", 2);
    assert_memory_equal(w.out.data + 257,
                        "ustar\0"
                        "00",
                        8);
    assert_int_equal(sscanf((char *)w.out.data + 148, "%o", &sum), 1);
    assert_int_equal(sum, sum_of(w.out.data));
    assert_memory_equal(w.out.data + 154, "\0 ", 2);
    world_close(&w);
}

static void test_eight_gibibytes_and_more_are_binary(void **state)
{
    const uint8_t binary[12] = {0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0};
    struct world w;

    (void)state;
    world_open(&w, "0.vhd", (8ull << 30) - 1);
    assert_memory_equal(w.out.data + 124, "77777777777", 12);
    world_close(&w);
    world_open(&w, "0.vhd", 8ull << 30);
    assert_memory_equal(w.out.data + 124, binary, 12);
    world_close(&w);
}

static void test_the_archive_is_padded_to_whole_records(void **state)
{
    /* Header, member and two empty blocks, in records of 10240. */
    const size_t sizes[][2] = {{0, 10240},     {1, 10240},     {512, 10240},
                               {8704, 10240},  {8705, 20480},  {9216, 20480},
                               {18944, 20480}, {18945, 30720}, {20480, 30720}};

    (void)state;
    for (int i = 0; i < 9; i++) {
        size_t size = sizes[i][0];
        struct world w;

        world_open(&w, "0.vhd", size);
        for (size_t k = 0; k < size; k++)
            assert_ok(sink_write(w.s, "x", 1, &e), &e);
        assert_ok(sink_finish(w.s, &e), &e);
        assert_true(w.out.base.finished);
        assert_int_equal(w.out.len, sizes[i][1]);
        for (size_t k = 512; k < w.out.len; k++)
            assert_int_equal(w.out.data[k], k < 512 + size ? 'x' : 0);
        world_close(&w);
    }
}

static void test_a_short_member_fails_and_has_no_end(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "0.vhd", 4);
    assert_ok(sink_write(w.s, "abc", 3, &e), &e);
    assert_int_equal(sink_finish(w.s, &e), ERR_CORRUPT);
    assert_string_equal(
        e.text,
        "fake: ends after 3 of the 4 bytes that the tar header promises");
    assert_false(w.out.base.finished);
    assert_int_equal(w.out.len, 515);
    world_close(&w);
}

static void test_a_long_member_fails_at_once_and_for_good(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "0.vhd", 4);
    assert_ok(sink_write(w.s, "abcd", 4, &e), &e);
    assert_int_equal(sink_write(w.s, "e", 1, &e), ERR_CORRUPT);
    assert_string_equal(
        e.text, "fake: more than the 4 bytes that the tar header promises");
    assert_int_equal(sink_zeros(w.s, 1, &e), ERR_CORRUPT);
    assert_int_equal(sink_finish(w.s, &e), ERR_CORRUPT);
    assert_int_equal(w.out.len, 516);
    world_close(&w);
}

static void test_zeros_stay_zeros_for_the_inner_sink(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "0.vhd", 100000);
    assert_ok(sink_zeros(w.s, 100000, &e), &e);
    assert_int_equal(w.out.zeros, 100000);
    assert_ok(sink_finish(w.s, &e), &e);
    world_close(&w);
}

static void test_names_that_do_not_fit_are_refused(void **state)
{
    struct fake_sink out;
    struct sink *s = fake_sink_open(&out);
    char name[101];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[100] = '\0';
    assert_int_equal(sink_tar(&s, name, 1, &e), ERR_USAGE);
    assert_int_equal(sink_tar(&s, "", 1, &e), ERR_USAGE);
    assert_ptr_equal(s, &out.base);
    assert_int_equal(out.len, 0);
    name[99] = '\0';
    assert_ok(sink_tar(&s, name, 1, &e), &e);
    sink_close(s, NULL);
    fake_sink_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_header_is_the_one_of_os_xenapi),
        cmocka_unit_test(test_eight_gibibytes_and_more_are_binary),
        cmocka_unit_test(test_the_archive_is_padded_to_whole_records),
        cmocka_unit_test(test_a_short_member_fails_and_has_no_end),
        cmocka_unit_test(test_a_long_member_fails_at_once_and_for_good),
        cmocka_unit_test(test_zeros_stay_zeros_for_the_inner_sink),
        cmocka_unit_test(test_names_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
