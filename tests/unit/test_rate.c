/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The clock is the test's own: it moves when somebody sleeps. */

#include "base/rate.h"
#include "io/sink.h"
#include "io/source.h"
#include "memory_io.h"
#include "unit.h"

#include <stdlib.h>

static double clock_s;
static unsigned sleeps;

static double fake_now(void)
{
    return clock_s;
}

static int fake_sleep(const struct wait *w, unsigned ms, struct err *e)
{
    sleeps++;
    clock_s += ms / 1000.0;
    return wait_check(w, e);
}

static void start(struct rate *r, uint64_t per_s, const struct wait *w)
{
    rate_init(r, per_s, w);
    r->now = fake_now;
    r->sleep = fake_sleep;
    clock_s = 1000;
    sleeps = 0;
}

/* Seconds that `total` bytes take in pieces of `len`. */
static double time_of(struct rate *r, uint64_t total, size_t len)
{
    double from = clock_s;
    struct err e = {0};

    for (uint64_t done = 0; done < total; done += len)
        assert_ok(rate_pay(r, len, &e), &e);
    return clock_s - from;
}

static void test_bytes_take_their_time(void **state)
{
    static const uint64_t rates[] = {1, 1000, 65536, 10 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        struct rate r;
        double spent, least;

        start(&r, rates[i], NULL);
        spent = time_of(&r, 40 * r.piece, r.piece);
        least = 40.0 * (double)r.piece / (double)rates[i];
        assert_true(spent >= least - 1e-6 && spent <= least + 0.1);
        rate_end(&r);
    }
}

static void test_what_is_shorter_than_the_clock_is_not_forgiven(void **state)
{
    struct rate r;
    double spent;

    (void)state;
    start(&r, 100000000, NULL);
    spent = time_of(&r, 50000000, 1000);
    assert_true(spent >= 0.499 && spent <= 0.51);
    assert_true(sleeps <= 500);
    rate_end(&r);
}

static void test_a_pause_lets_little_through_at_once(void **state)
{
    struct rate r;
    double spent;

    (void)state;
    start(&r, 1000, NULL);
    (void)time_of(&r, 1000, 100);
    clock_s += 3600;
    spent = time_of(&r, 1000, 100);
    assert_true(spent >= 0.75 && spent <= 0.76);
    rate_end(&r);
}

static void test_a_stop_request_ends_the_sleep(void **state)
{
    struct cancel *c = NULL;
    struct wait w = {.timeout_s = 0};
    struct err e = {0};
    struct rate r;

    (void)state;
    assert_ok(cancel_open(&c, &e), &e);
    w.cancel = c;
    rate_init(&r, 1, &w); /* on the real clock: a day */
    cancel_request(c);
    assert_int_equal(rate_pay(&r, 86400, &e), ERR_CANCELLED);
    rate_end(&r);
    cancel_close(c);
}

static void test_no_limit_is_free(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(rate_pay(NULL, 1 << 30, &e), 0);
    assert_int_equal(rate_piece(NULL, 1 << 30), 1 << 30);
}

/* --- sources and sinks -----------------------------------------------------*/

enum { LEN = 10000 };

/* They pay for every byte, and never move more than a piece at once. */
static void test_a_source_is_held_back(void **state)
{
    static uint8_t data[LEN], back[LEN];
    struct source *s = NULL;
    struct err e = {0};
    struct rate r;
    double from;

    (void)state;
    for (int i = 0; i < LEN; i++)
        data[i] = (uint8_t)(i * 7);
    start(&r, 1000, NULL);
    from = clock_s;
    s = memory_source(data, LEN, LEN, false);
    s->rate = &r;
    assert_int_equal(source_read(s, back, LEN, &e), 125);
    assert_ok(source_read_full(s, back + 125, LEN - 125, "it", &e), &e);
    assert_memory_equal(back, data, LEN);
    assert_true(clock_s - from >= 9.999);
    source_close(s);
    rate_end(&r);
}

static void test_a_sink_is_held_back(void **state)
{
    static uint8_t data[LEN];
    uint8_t *written = NULL;
    struct sink *s = NULL;
    size_t len = 0;
    struct err e = {0};
    struct rate r;
    double from;

    (void)state;
    memset(data, 7, LEN);
    start(&r, 1000, NULL);
    from = clock_s;
    s = memory_sink(&written, &len, false);
    s->rate = &r;
    assert_ok(sink_write(s, data, LEN, &e), &e);
    assert_int_equal(s->pos, LEN);
    assert_int_equal(len, LEN);
    assert_memory_equal(written, data, LEN);
    assert_true(clock_s - from >= 9.999);
    sink_close(s, NULL);
    free(written);
    rate_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_take_their_time),
        cmocka_unit_test(test_what_is_shorter_than_the_clock_is_not_forgiven),
        cmocka_unit_test(test_a_pause_lets_little_through_at_once),
        cmocka_unit_test(test_a_stop_request_ends_the_sleep),
        cmocka_unit_test(test_no_limit_is_free),
        cmocka_unit_test(test_a_source_is_held_back),
        cmocka_unit_test(test_a_sink_is_held_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
