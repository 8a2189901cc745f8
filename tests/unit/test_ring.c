/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/ring.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS = 3, ITEMS = 500 };

struct world {
    struct ring *ring;
    unsigned items[SLOTS];
    unsigned seed;
    int stopped; /* what the producer's last call gave */
    struct err reason;
};

/* Sometimes lets the other side run, so that both waits happen. */
static void dawdle(unsigned *seed)
{
    if (rand_r(seed) % 4 == 0)
        usleep((useconds_t)(rand_r(seed) % 200));
}

static struct world *world_open(void)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err e = {0};

    assert_ok(ring_open(&w->ring, SLOTS, &e), &e);
    w->seed = 7;
    w->stopped = -1;
    return w;
}

static void world_close(struct world *w)
{
    ring_close(w->ring);
    free(w);
}

static void *count_up(void *arg)
{
    struct world *w = arg;
    unsigned slot;

    for (unsigned i = 0; i < ITEMS; i++) {
        dawdle(&w->seed);
        if (!ring_slot(w->ring, &slot))
            break;
        w->items[slot] = i;
        ring_publish(w->ring);
    }
    ring_end(w->ring, NULL);
    return NULL;
}

static void test_items_arrive_in_order_and_once(void **state)
{
    struct world *w = world_open();
    struct err e = {0};
    unsigned seed = 11, slot, next = 0;
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, count_up, w);
    while (ring_take(w->ring, &slot, &e) == 1) {
        assert_int_equal(w->items[slot], next++);
        dawdle(&seed);
        ring_release(w->ring);
    }
    pthread_join(thread, NULL);
    assert_int_equal(next, ITEMS);
    assert_int_equal(e.code, 0);
    world_close(w);
}

static void test_an_error_comes_after_what_was_published(void **state)
{
    struct world *w = world_open();
    struct err bad = {0}, e = {0};
    unsigned slot;

    (void)state;
    err_set(&bad, ERR_CORRUPT, "broken");
    assert_int_equal(ring_slot(w->ring, &slot), 1);
    ring_publish(w->ring);
    ring_end(w->ring, &bad);
    assert_int_equal(ring_take(w->ring, &slot, &e), 1);
    ring_release(w->ring);
    assert_int_equal(ring_take(w->ring, &slot, &e), ERR_CORRUPT);
    assert_string_equal(e.text, "broken");
    world_close(w);
}

static void *fill_until_stopped(void *arg)
{
    struct world *w = arg;
    unsigned slot;

    while (ring_slot(w->ring, &slot))
        ring_publish(w->ring);
    w->stopped = ring_reason(w->ring, &w->reason);
    return NULL;
}

static void test_stop_wakes_a_producer_that_waits(void **state)
{
    struct world *w = world_open();
    struct err full = {0}, e = {0};
    unsigned slot;
    pthread_t thread;

    (void)state;
    err_set(&full, ERR_NO_SPACE, "full");
    pthread_create(&thread, NULL, fill_until_stopped, w);
    for (int i = 0; i < 2 * SLOTS; i++) {
        assert_int_equal(ring_take(w->ring, &slot, &e), 1);
        ring_release(w->ring);
    }
    ring_stop(w->ring, &full);
    pthread_join(thread, NULL);
    assert_int_equal(w->stopped, ERR_NO_SPACE);
    assert_string_equal(w->reason.text, "full");
    world_close(w);
}

static void test_a_stop_without_a_reason(void **state)
{
    struct world *w = world_open();
    struct err e = {0};
    unsigned slot;

    (void)state;
    ring_stop(w->ring, NULL);
    assert_int_equal(ring_slot(w->ring, &slot), 0);
    assert_int_equal(ring_reason(w->ring, &e), 0);
    assert_int_equal(ring_drain(w->ring), 0);
    world_close(w);
}

static void *take_all(void *arg)
{
    struct world *w = arg;
    struct err e = {0};
    unsigned slot, seed = 3;

    while (ring_take(w->ring, &slot, &e) == 1) {
        dawdle(&seed);
        w->items[slot] = 0;
        ring_release(w->ring);
    }
    return NULL;
}

static void test_drain_waits_for_the_last_release(void **state)
{
    struct world *w = world_open();
    unsigned slot;
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, take_all, w);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ring_slot(w->ring, &slot), 1);
        w->items[slot] = 1;
        ring_publish(w->ring);
        if (i % 10 == 9) {
            assert_int_equal(ring_drain(w->ring), 1);
            assert_true(ring_is_idle(w->ring));
            for (int k = 0; k < SLOTS; k++)
                assert_int_equal(w->items[k], 0);
        }
    }
    ring_end(w->ring, NULL);
    pthread_join(thread, NULL);
    world_close(w);
}

static void *stop_while_draining(void *arg)
{
    struct world *w = arg;

    usleep(100);
    ring_stop(w->ring, NULL);
    return NULL;
}

static void test_drain_ends_when_the_consumer_stops(void **state)
{
    struct world *w = world_open();
    unsigned slot;
    pthread_t thread;

    (void)state;
    assert_int_equal(ring_slot(w->ring, &slot), 1);
    ring_publish(w->ring);
    assert_false(ring_is_idle(w->ring));
    pthread_create(&thread, NULL, stop_while_draining, w);
    assert_int_equal(ring_drain(w->ring), 0);
    pthread_join(thread, NULL);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_arrive_in_order_and_once),
        cmocka_unit_test(test_an_error_comes_after_what_was_published),
        cmocka_unit_test(test_stop_wakes_a_producer_that_waits),
        cmocka_unit_test(test_a_stop_without_a_reason),
        cmocka_unit_test(test_drain_waits_for_the_last_release),
        cmocka_unit_test(test_drain_ends_when_the_consumer_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
