/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/source.h"
#include "unit.h"

#include "fake_io.h"
#include "samples.h"

#include <unistd.h>

enum { SIZE = 9 << 20 };

static struct err e;
static uint8_t data[SIZE];
static uint8_t back[SIZE + 1];

static void test_all_bytes_come_in_order(void **state)
{
    const size_t steps[] = {0, 1 << 20, 100003, 65536};

    (void)state;
    sample_fill(RANDOM, data, SIZE);
    for (int i = 0; i < 4; i++) {
        struct fake_source in;
        struct source *s = fake_source_open(&in, data, SIZE);
        size_t total = 0;
        uint64_t seed = 5;
        int64_t got;

        in.step = steps[i];
        in.base.size = SIZE;
        assert_ok(source_async(&s, 1, NULL, &e), &e);
        assert_int_equal(s->size, SIZE);
        assert_false(source_is_seekable(s));
        while ((got = source_read(s, back + total,
                                  sample_next(&seed) % 300000 + 1, &e)) > 0) {
            total += (size_t)got;
            if (sample_next(&seed) % 8 == 0)
                usleep(sample_next(&seed) % 500);
        }
        assert_int_equal(got, 0);
        assert_int_equal(total, SIZE);
        assert_memory_equal(back, data, SIZE);
        source_close(s);
        assert_int_equal(in.closed, 1);
    }
}

static void test_an_error_comes_after_the_bytes_before_it(void **state)
{
    struct fake_source in;
    struct source *s = fake_source_open(&in, data, 1500000);

    (void)state;
    in.fail = ERR_CORRUPT;
    assert_ok(source_async(&s, 1, NULL, &e), &e);
    assert_ok(source_read_full(s, back, 1500000, "x", &e), &e);
    assert_int_equal(source_read(s, back, 1, &e), ERR_CORRUPT);
    assert_string_equal(e.text, "fake: failed");
    source_close(s);
}

static void test_closing_early_does_not_hang(void **state)
{
    const size_t reads[] = {0, 1, 1 << 20, 3 << 20};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct fake_source in;
        struct source *s = fake_source_open(&in, data, SIZE);

        assert_ok(source_async(&s, 1, NULL, &e), &e);
        assert_int_equal(source_read_most(s, back, reads[i], &e), reads[i]);
        source_close(s);
        assert_int_equal(in.closed, 1);
    }
}

/* A source over a pipe, that a cancel can stop. */
struct stalled {
    struct cancel *user, *stop;
    struct wait wait;
    int fds[2];
    struct source *s;
};

static void stalled_open(struct stalled *st)
{
    memset(st, 0, sizeof(*st));
    assert_int_equal(pipe(st->fds), 0);
    assert_ok(cancel_open(&st->user, &e), &e);
    assert_ok(cancel_open_child(&st->stop, st->user, &e), &e);
    st->wait.cancel = st->stop;
    st->wait.timeout_s = 300;
    assert_ok(source_open_fd(&st->s, st->fds[0], "pipe", &st->wait, &e), &e);
    assert_ok(source_async(&st->s, 1, st->stop, &e), &e);
}

static void stalled_close(struct stalled *st)
{
    source_close(st->s);
    cancel_close(st->stop);
    cancel_close(st->user);
    close(st->fds[0]);
    close(st->fds[1]);
}

static void test_closing_ends_a_read_that_is_stalled(void **state)
{
    struct stalled st;

    (void)state;
    stalled_open(&st);
    stalled_close(&st);
}

static void test_bytes_do_not_wait_for_more(void **state)
{
    struct stalled st;

    (void)state;
    stalled_open(&st);
    assert_int_equal(write(st.fds[1], "abc", 3), 3);
    assert_ok(source_read_full(st.s, back, 3, "x", &e), &e);
    assert_memory_equal(back, "abc", 3);
    assert_false(cancel_requested(st.stop));
    source_close(st.s);
    st.s = NULL;
    assert_true(cancel_requested(st.stop));
    assert_false(cancel_requested(st.user));
    stalled_close(&st);
}

static void test_the_users_cancel_comes_through(void **state)
{
    struct stalled st;

    (void)state;
    stalled_open(&st);
    cancel_request(st.user);
    assert_int_equal(source_read(st.s, back, 3, &e), ERR_CANCELLED);
    stalled_close(&st);
}

static void test_a_good_end_cancels_nothing(void **state)
{
    struct stalled st;

    (void)state;
    stalled_open(&st);
    close(st.fds[1]);
    st.fds[1] = -1;
    assert_int_equal(source_read(st.s, back, 3, &e), 0);
    source_close(st.s);
    st.s = NULL;
    assert_false(cancel_requested(st.stop));
    stalled_close(&st);
}

static void test_without_threads_it_stays_the_same(void **state)
{
    struct fake_source in;
    struct source *s = fake_source_open(&in, data, 10);

    (void)state;
    assert_ok(source_async(&s, 0, NULL, &e), &e);
    assert_ptr_equal(s, &in.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes_come_in_order),
        cmocka_unit_test(test_an_error_comes_after_the_bytes_before_it),
        cmocka_unit_test(test_closing_early_does_not_hang),
        cmocka_unit_test(test_closing_ends_a_read_that_is_stalled),
        cmocka_unit_test(test_bytes_do_not_wait_for_more),
        cmocka_unit_test(test_the_users_cancel_comes_through),
        cmocka_unit_test(test_a_good_end_cancels_nothing),
        cmocka_unit_test(test_without_threads_it_stays_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
