/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_tail.h"
#include "unit.h"

#include "fake_io.h"
#include "io/tar_header.h"
#include "memory_io.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 4096 };

static struct err e;
static struct fake_source in;
static struct tar_tail tail;
static uint8_t bytes[200000], buf[ROOM];
static size_t len;

static void begin(void)
{
    memset(bytes, 0, sizeof(bytes));
    len = 0;
}

static void member(const char *name, const char *text)
{
    tar_header_encode(bytes + len, name, strlen(text));
    memcpy(bytes + len + 512, text, strlen(text));
    len += 512 + (strlen(text) + 511) / 512 * 512;
}

/* Reads bytes[0 .. len), the first `rest` of which have been taken before. */
static int read_tail(size_t rest, size_t step)
{
    struct source *s = fake_source_open(&in, bytes + rest, len - rest);
    int result;

    in.step = step;
    memset(buf, 'x', sizeof(buf));
    memcpy(buf + ROOM - rest, bytes, rest);
    result = tar_tail_read(s, buf + ROOM - rest, rest, buf, ROOM, &tail, &e);
    if (!result)
        assert_true(in.base.ended);
    source_close(s);
    return result;
}

static const size_t rests[] = {0, 1, 511, 512, 513, 1500, 4096};
static const size_t steps[] = {0, 1, 511, 513};

static void assert_all(int result)
{
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 4; k++)
            if (rests[i] <= len)
                assert_int_equal(read_tail(rests[i], steps[k]), result);
}

static void test_zeros_are_nothing(void **state)
{
    const size_t lens[] = {0, 1, 512, 8192, 70001};

    (void)state;
    begin();
    for (int i = 0; i < 5; i++) {
        len = lens[i];
        assert_all(0);
        assert_false(tail.found);
    }
}

static void test_the_file_is_found_wherever_it_stands(void **state)
{
    const size_t places[] = {0, 512, 8192, 70144};

    (void)state;
    for (int i = 0; i < 4; i++) {
        begin();
        len = places[i];
        member("digest.json", "{\"a\": 1}");
        assert_all(0);
        len += 1024 + 17;
        assert_all(0);
        assert_true(tail.found);
        assert_int_equal(tail.len, 8);
        assert_string_equal(tail.text, "{\"a\": 1}");
    }
}

static void test_another_byte_is_found_wherever_it_stands(void **state)
{
    const size_t places[] = {0, 1, 511, 512, 9000, 70000};

    (void)state;
    for (int i = 0; i < 6; i++) {
        begin();
        bytes[places[i]] = 'x';
        len = places[i] + 1;
        assert_all(ERR_CORRUPT);
        assert_non_null(strstr(e.text, "no part of it"));
    }
}

static void test_what_is_too_large_is_refused_by_its_header(void **state)
{
    char expected[80];

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint64_t size = i ? UINT64_MAX / 4 : TAR_TAIL_MAX + 1;

        begin();
        tar_header_encode(bytes, TAR_TAIL_NAME, size);
        len = 512 + 8192;
        assert_int_equal(read_tail(0, 0), ERR_CORRUPT);
        (void)snprintf(expected, sizeof(expected), "%llu bytes, expected 4096",
                       (unsigned long long)size);
        assert_non_null(strstr(e.text, expected));
    }
}

static void test_the_largest_file_is_taken(void **state)
{
    static char text[TAR_TAIL_MAX + 1];

    (void)state;
    memset(text, 'a', TAR_TAIL_MAX);
    begin();
    member(TAR_TAIL_NAME, text);
    assert_all(0);
    assert_string_equal(tail.text, text);
}

static void test_only_one_file_is_taken(void **state)
{
    (void)state;
    begin();
    member(TAR_TAIL_NAME, "{}");
    member(TAR_TAIL_NAME, "{}");
    assert_int_equal(read_tail(0, 0), ERR_UNSUPPORTED);
    begin();
    member("1.vhd", "parent");
    assert_int_equal(read_tail(0, 0), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "1.vhd"));
}

static void test_a_cut_anywhere_in_it_is_found(void **state)
{
    size_t whole;

    (void)state;
    begin();
    member(TAR_TAIL_NAME, "{\"a\": 1}");
    whole = len;
    for (len = 11; len < whole; len += 7)
        assert_int_equal(read_tail(0, 0), ERR_CORRUPT);
}

static void test_what_is_written_is_what_is_read(void **state)
{
    struct sink *s;
    uint8_t *data = NULL;

    (void)state;
    s = memory_sink(&data, &len, false);
    assert_ok(tar_tail_write(s, "{\"a\": 1}\n", 9, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_int_equal(len, TAR_TAIL_SIZE);
    memcpy(bytes, data, len);
    free(data);
    assert_int_equal(read_tail(0, 0), 0);
    assert_string_equal(tail.text, "{\"a\": 1}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeros_are_nothing),
        cmocka_unit_test(test_the_file_is_found_wherever_it_stands),
        cmocka_unit_test(test_another_byte_is_found_wherever_it_stands),
        cmocka_unit_test(test_what_is_too_large_is_refused_by_its_header),
        cmocka_unit_test(test_the_largest_file_is_taken),
        cmocka_unit_test(test_only_one_file_is_taken),
        cmocka_unit_test(test_a_cut_anywhere_in_it_is_found),
        cmocka_unit_test(test_what_is_written_is_what_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
