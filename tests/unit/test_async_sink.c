/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/sink.h"
#include "unit.h"

#include "fake_io.h"
#include "samples.h"

#include <unistd.h>

enum { SIZE = 9 << 20 };

static struct err e;
static uint8_t data[SIZE];

/* What each test has: an asynchronous sink over one in memory. */
struct world {
    struct fake_sink out;
    struct sink *s;
};

static void world_open(struct world *w)
{
    w->s = fake_sink_open(&w->out);
    assert_ok(sink_async(&w->s, 1, NULL, &e), &e);
}

static void world_close(struct world *w)
{
    sink_close(w->s, NULL);
    assert_int_equal(w->out.closed, 1);
    fake_sink_free(&w->out);
}

static void test_all_bytes_arrive_in_order(void **state)
{
    const size_t most[] = {SIZE, 1000, 200000, 3000000};

    (void)state;
    sample_fill(RANDOM, data, SIZE);
    for (int i = 0; i < 4; i++) {
        struct world w;
        uint64_t seed = 9;
        size_t done = 0;

        world_open(&w);
        while (done < SIZE) {
            size_t now = sample_next(&seed) % most[i] + 1;

            if (now > SIZE - done)
                now = SIZE - done;
            assert_ok(sink_write(w.s, data + done, now, &e), &e);
            done += now;
            if (sample_next(&seed) % 64 == 0)
                usleep(sample_next(&seed) % 500);
        }
        assert_ok(sink_finish(w.s, &e), &e);
        assert_true(w.out.base.finished);
        assert_int_equal(w.s->pos, SIZE);
        assert_int_equal(w.out.len, SIZE);
        assert_memory_equal(w.out.data, data, SIZE);
        world_close(&w);
    }
}

static void test_zeros_keep_their_place(void **state)
{
    const size_t zeros[] = {1, 1000, 65536, 65537, 1 << 20, 3 << 20};
    struct world w;
    size_t at = 0;

    (void)state;
    world_open(&w);
    for (int i = 0; i < 6; i++) {
        assert_ok(sink_write(w.s, "data", 4, &e), &e);
        assert_ok(sink_zeros(w.s, zeros[i], &e), &e);
        assert_ok(sink_zeros(w.s, 5, &e), &e);
    }
    assert_ok(sink_finish(w.s, &e), &e);
    for (int i = 0; i < 6; i++) {
        size_t end = at + 4 + zeros[i] + 5;

        assert_memory_equal(w.out.data + at, "data", 4);
        for (at += 4; at < end; at++)
            assert_int_equal(w.out.data[at], 0);
    }
    assert_int_equal(w.out.len, at);
    world_close(&w);
}

static void test_long_zeros_stay_zeros(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    assert_ok(sink_zeros(w.s, 5 << 20, &e), &e);
    assert_ok(sink_finish(w.s, &e), &e);
    assert_int_equal(w.out.zeros, 5 << 20);
    world_close(&w);
}

static void test_a_failure_comes_with_a_later_call(void **state)
{
    struct world w;
    int code = 0;

    (void)state;
    world_open(&w);
    w.out.fail_at = 3 << 20;
    for (int i = 0; i < 100 && code == 0; i++)
        code = sink_write(w.s, data, 1 << 20, &e);
    assert_int_equal(code, ERR_NO_SPACE);
    assert_string_equal(e.text, "fake: full");
    assert_int_equal(sink_finish(w.s, &e), ERR_NO_SPACE);
    assert_false(w.out.base.finished);
    world_close(&w);
}

static void test_a_failure_comes_at_the_latest_with_finish(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.out.fail_at = 5;
    assert_ok(sink_write(w.s, "123456", 6, &e), &e);
    assert_int_equal(sink_finish(w.s, &e), ERR_NO_SPACE);
    assert_false(w.s->finished);
    world_close(&w);
}

static void test_the_inner_finish_decides(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.out.fail_finish = ERR_UNSETTLED;
    assert_int_equal(sink_finish(w.s, &e), ERR_UNSETTLED);
    world_close(&w);
}

static void test_an_abandoned_sink_is_not_finished(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    assert_ok(sink_write(w.s, data, 3 << 20, &e), &e);
    sink_close(w.s, NULL);
    assert_int_equal(w.out.closed, 1);
    assert_false(w.out.base.finished);
    fake_sink_free(&w.out);
}

/* A pipe that nobody empties: its writer waits, in the thread. */
static void test_closing_ends_a_write_that_is_stalled(void **state)
{
    struct cancel *user = NULL, *stop = NULL;
    struct wait wait = {.timeout_s = 300};
    struct sink *s = NULL;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_ok(cancel_open(&user, &e), &e);
    assert_ok(cancel_open_child(&stop, user, &e), &e);
    wait.cancel = stop;
    assert_ok(sink_open_fd(&s, fds[1], "pipe", &wait, &e), &e);
    assert_ok(sink_async(&s, 1, stop, &e), &e);
    assert_ok(sink_write(s, data, 3 << 20, &e), &e);
    sink_close(s, NULL);
    assert_true(cancel_requested(stop));
    assert_false(cancel_requested(user));
    cancel_close(stop);
    cancel_close(user);
    close(fds[0]);
    close(fds[1]);
}

static void test_finishing_cancels_nothing(void **state)
{
    struct fake_sink out;
    struct cancel *stop = NULL;
    struct sink *s = fake_sink_open(&out);

    (void)state;
    assert_ok(cancel_open(&stop, &e), &e);
    assert_ok(sink_async(&s, 1, stop, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    assert_false(cancel_requested(stop));
    cancel_close(stop);
}

static void test_without_threads_it_stays_the_same(void **state)
{
    struct fake_sink out;
    struct sink *s = fake_sink_open(&out);

    (void)state;
    assert_ok(sink_async(&s, 0, NULL, &e), &e);
    assert_ptr_equal(s, &out.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes_arrive_in_order),
        cmocka_unit_test(test_zeros_keep_their_place),
        cmocka_unit_test(test_long_zeros_stay_zeros),
        cmocka_unit_test(test_a_failure_comes_with_a_later_call),
        cmocka_unit_test(test_a_failure_comes_at_the_latest_with_finish),
        cmocka_unit_test(test_the_inner_finish_decides),
        cmocka_unit_test(test_an_abandoned_sink_is_not_finished),
        cmocka_unit_test(test_closing_ends_a_write_that_is_stalled),
        cmocka_unit_test(test_finishing_cancels_nothing),
        cmocka_unit_test(test_without_threads_it_stays_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
