/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_tape.h"
#include "memory_io.h"
#include "unit.h"

#include "base/bytes.h"

enum { LEN = 100000 };

static uint8_t data[LEN];

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i + 4 <= LEN; i += 4)
        put_be32(data + i, i);
    return 0;
}

static struct source *open_tape(struct vhd_tape *t, bool seekable)
{
    struct source *src = memory_source(data, LEN, 777, seekable);

    vhd_tape_open(t, src);
    return src;
}

static void close_tape(struct vhd_tape *t, struct source *src)
{
    vhd_tape_close(t);
    source_close(src);
}

static void test_a_stream_is_read_forward_to_the_place(void **state)
{
    struct vhd_tape t;
    struct source *src = open_tape(&t, false);
    uint8_t buf[600];
    struct err e = {0};

    (void)state;
    assert_int_equal(vhd_tape_read(&t, buf, 600, 40000, &e), 600);
    assert_memory_equal(buf, data + 40000, 600);
    assert_true(vhd_tape_reaches(&t, 40600));
    assert_false(vhd_tape_reaches(&t, 40599));
    close_tape(&t, src);
}

static void test_a_file_is_read_in_any_order(void **state)
{
    struct vhd_tape t;
    struct source *src = open_tape(&t, true);
    uint8_t buf[8];
    struct err e = {0};

    (void)state;
    assert_int_equal(vhd_tape_read(&t, buf, 8, 90000, &e), 8);
    assert_int_equal(vhd_tape_read(&t, buf, 8, 16, &e), 8);
    assert_memory_equal(buf, data + 16, 8);
    assert_int_equal(t.size, LEN);
    close_tape(&t, src);
}

static void test_an_early_end_is_an_answer(void **state)
{
    for (int seekable = 0; seekable < 2; seekable++) {
        struct vhd_tape t;
        struct source *src = open_tape(&t, seekable);
        uint8_t buf[64];
        struct err e = {0};

        (void)state;
        assert_int_equal(vhd_tape_read(&t, buf, 64, LEN - 10, &e), 10);
        assert_int_equal(t.size, LEN);
        assert_int_equal(vhd_tape_read(&t, buf, 64, LEN + 500, &e), 0);
        close_tape(&t, src);
    }
}

static void test_what_was_asked_for_is_kept_in_passing(void **state)
{
    for (int seekable = 0; seekable < 2; seekable++) {
        struct vhd_tape t;
        struct source *src = open_tape(&t, seekable);
        const struct vhd_keep *a, *b;
        uint8_t buf[100];
        struct err e = {0};

        (void)state;
        assert_ok(vhd_tape_keep(&t, 5000, 3000, &a, &e), &e);
        assert_ok(vhd_tape_keep(&t, 6000, 50, &b, &e), &e);
        /* In the middle of the first, and past it. */
        assert_int_equal(vhd_tape_read(&t, buf, 100, 5990, &e), 100);
        assert_ok(vhd_tape_pass(&t, 20000, &e), &e);
        assert_int_equal(a->got, 3000);
        assert_memory_equal(a->buf, data + 5000, 3000);
        assert_int_equal(b->got, 50);
        assert_memory_equal(b->buf, data + 6000, 50);
        close_tape(&t, src);
    }
}

static void test_what_was_passed_before_is_not_kept(void **state)
{
    struct vhd_tape t;
    struct source *src = open_tape(&t, false);
    const struct vhd_keep *k;
    struct err e = {0};

    (void)state;
    assert_ok(vhd_tape_pass(&t, 5001, &e), &e);
    assert_ok(vhd_tape_keep(&t, 5000, 10, &k, &e), &e);
    assert_int_equal(vhd_tape_finish(&t, LEN + 1, &e), 1);
    assert_int_equal(k->got, 0);
    close_tape(&t, src);
}

static void test_the_last_bytes_are_known_at_the_end(void **state)
{
    struct vhd_tape t;
    struct source *src = open_tape(&t, false);
    uint8_t buf[5];
    struct err e = {0};

    (void)state;
    assert_int_equal(vhd_tape_read(&t, buf, 5, LEN - 200, &e), 5);
    assert_int_equal(vhd_tape_finish(&t, LEN + 1, &e), 1);
    assert_int_equal(t.last_len, 512);
    assert_memory_equal(t.last, data + LEN - 512, 512);
    close_tape(&t, src);
}

static void test_it_does_not_go_on_for_ever(void **state)
{
    struct vhd_tape t;
    struct source *src = open_tape(&t, false);
    struct err e = {0};

    (void)state;
    assert_int_equal(vhd_tape_finish(&t, LEN - 1, &e), 0);
    assert_int_equal(t.pos, LEN - 1);
    assert_int_equal(t.size, VHD_SIZE_UNKNOWN);
    close_tape(&t, src);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_is_read_forward_to_the_place),
        cmocka_unit_test(test_a_file_is_read_in_any_order),
        cmocka_unit_test(test_an_early_end_is_an_answer),
        cmocka_unit_test(test_what_was_asked_for_is_kept_in_passing),
        cmocka_unit_test(test_what_was_passed_before_is_not_kept),
        cmocka_unit_test(test_the_last_bytes_are_known_at_the_end),
        cmocka_unit_test(test_it_does_not_go_on_for_ever),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
