/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/pool.h"
#include "base/ring.h"
#include "base/stage.h"
#include "unit.h"

#include <pthread.h>
#include <time.h>

static struct err e;

/* Works until the clock, of which a step may be long, shows that. */
static void work(struct stage *s)
{
    struct stage *before = stage_enter(s);
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec -
               start.tv_nsec <
           2000);
    stage_leave(before);
}

static void test_time_belongs_to_the_innermost_stage(void **state)
{
    struct stage outer = {0}, inner = {0};

    (void)state;
    assert_null(stage_enter(&outer));
    work(&inner);
    assert_ptr_equal(stage_running(), &outer);
    assert_true(inner.busy_ns >= 1000);
    work(&outer);
    stage_leave(NULL);
    assert_true(outer.busy_ns >= 1000);
    assert_null(stage_running());
}

static void test_none_is_entered_where_there_is_none(void **state)
{
    struct stage s = {0};

    (void)state;
    assert_null(stage_enter_if(NULL));
    assert_null(stage_running());
    (void)stage_enter(&s);
    assert_ptr_equal(stage_enter_if(NULL), &s);
    assert_ptr_equal(stage_running(), &s);
    stage_leave(NULL);
}

static struct stage *seen;

static int look_who_runs(void *slot, struct err *failure)
{
    (void)slot;
    (void)failure;
    seen = stage_running();
    return 0;
}

/* The stage that opens a lane is the one that its pieces are for, whoever
 * submits them and wherever they are worked on. */
static void test_a_lane_works_for_who_opened_it(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 2; threads++) {
        struct stage mine = {0}, other = {0};
        struct pool *pool = NULL;
        struct lane *lane = NULL;
        void *slot = &mine;

        assert_ok(pool_open(&pool, threads, &e), &e);
        (void)stage_enter(&mine);
        assert_ok(lane_open(&lane, pool, &slot, 1, look_who_runs, &e), &e);
        (void)stage_enter(&other);
        (void)lane_slot(lane);
        lane_submit(lane);
        assert_int_equal(lane_take(lane, &slot, &e), 1);
        lane_release(lane);
        assert_ptr_equal(seen, &mine);
        assert_ptr_equal(stage_running(), &other);
        assert_int_equal(mine.pooled, threads != 0);
        stage_leave(NULL);
        lane_close(lane);
        pool_close(pool);
    }
}

static void *publish(void *arg)
{
    unsigned slot;

    (void)ring_slot(arg, &slot);
    ring_publish(arg);
    ring_end(arg, NULL);
    return NULL;
}

static void test_a_ring_gives_the_stage_back_after_waiting(void **state)
{
    struct stage s = {0};
    struct ring *ring = NULL;
    pthread_t thread;
    unsigned slot;

    (void)state;
    assert_ok(ring_open(&ring, 1, &e), &e);
    (void)stage_enter(&s);
    assert_int_equal(pthread_create(&thread, NULL, publish, ring), 0);
    assert_int_equal(ring_take(ring, &slot, &e), 1);
    assert_ptr_equal(stage_running(), &s);
    ring_release(ring);
    assert_int_equal(ring_take(ring, &slot, &e), 0);
    stage_leave(NULL);
    pthread_join(thread, NULL);
    ring_close(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_belongs_to_the_innermost_stage),
        cmocka_unit_test(test_none_is_entered_where_there_is_none),
        cmocka_unit_test(test_a_lane_works_for_who_opened_it),
        cmocka_unit_test(test_a_ring_gives_the_stage_back_after_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
