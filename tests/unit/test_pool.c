/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/pool.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS = 5, PIECES = 300 };

static struct err e;

struct piece {
    unsigned number; /* the client's */
    unsigned square; /* the work's */
    unsigned fail;   /* the work fails */
};

struct client {
    struct piece pieces[SLOTS];
    void *slots[SLOTS];
    struct lane *lane;
};

static int square(void *slot, struct err *err)
{
    struct piece *p = slot;
    unsigned seed = p->number;

    if (rand_r(&seed) % 3 == 0)
        usleep((useconds_t)(rand_r(&seed) % 300));
    if (p->fail)
        return err_set(err, ERR_CORRUPT, "piece %u", p->number);
    p->square = p->number * p->number;
    return 0;
}

static void client_open(struct client *c, struct pool *p)
{
    memset(c, 0, sizeof(*c));
    for (int i = 0; i < SLOTS; i++)
        c->slots[i] = &c->pieces[i];
    assert_ok(lane_open(&c->lane, p, c->slots, SLOTS, square, &e), &e);
}

/* Takes the oldest piece and checks that it is number `expected`. */
static void take(struct client *c, unsigned expected)
{
    struct piece *p;
    void *slot;

    assert_int_equal(lane_take(c->lane, &slot, &e), 1);
    p = slot;
    assert_int_equal(p->number, expected);
    assert_int_equal(p->square, expected * expected);
    lane_release(c->lane);
}

static void submit(struct client *c, unsigned number)
{
    struct piece *p = lane_slot(c->lane);

    assert_non_null(p);
    p->number = number;
    p->square = 0;
    lane_submit(c->lane);
}

/* Keeps the lane full, and gets everything back in order. */
static void *run_client(void *arg)
{
    struct client c;
    unsigned taken = 0;
    void *slot;

    client_open(&c, arg);
    for (unsigned i = 0; i < PIECES; i++) {
        if (!lane_slot(c.lane))
            take(&c, taken++);
        submit(&c, i);
    }
    while (taken < PIECES)
        take(&c, taken++);
    assert_int_equal(lane_take(c.lane, &slot, &e), 0);
    lane_close(c.lane);
    return NULL;
}

static void test_pieces_come_back_in_order(void **state)
{
    const unsigned threads[] = {0, 1, 2, 5};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct pool *p = NULL;

        assert_ok(pool_open(&p, threads[i], &e), &e);
        assert_int_equal(pool_threads(p), threads[i]);
        run_client(p);
        pool_close(p);
    }
}

static void test_lanes_share_a_pool(void **state)
{
    struct pool *p = NULL;
    pthread_t clients[3];

    (void)state;
    assert_ok(pool_open(&p, 2, &e), &e);
    for (int i = 0; i < 3; i++)
        pthread_create(&clients[i], NULL, run_client, p);
    for (int i = 0; i < 3; i++)
        pthread_join(clients[i], NULL);
    pool_close(p);
}

static void test_a_failure_comes_in_its_turn(void **state)
{
    struct pool *p = NULL;
    struct client c;
    void *slot;

    (void)state;
    assert_ok(pool_open(&p, 2, &e), &e);
    client_open(&c, p);
    for (unsigned i = 0; i < 4; i++) {
        c.pieces[i].fail = i >= 2;
        submit(&c, i);
    }
    take(&c, 0);
    take(&c, 1);
    assert_int_equal(lane_take(c.lane, &slot, &e), ERR_CORRUPT);
    assert_string_equal(e.text, "piece 2");
    lane_close(c.lane);
    pool_close(p);
}

static void test_a_full_lane_has_no_slot_until_one_is_released(void **state)
{
    struct pool *p = NULL;
    struct client c;

    (void)state;
    assert_ok(pool_open(&p, 1, &e), &e);
    client_open(&c, p);
    assert_false(lane_ready(c.lane));
    for (unsigned i = 0; i < SLOTS; i++)
        submit(&c, i);
    assert_null(lane_slot(c.lane));
    take(&c, 0);
    assert_non_null(lane_slot(c.lane));
    lane_close(c.lane);
    pool_close(p);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int pass_gate(void *slot, struct err *err)
{
    (void)err;
    pthread_mutex_lock(&gate);
    *(int *)slot = 1;
    pthread_mutex_unlock(&gate);
    return 0;
}

static void test_what_is_not_done_is_busy(void **state)
{
    int passed[3] = {0};
    void *slots[3] = {&passed[0], &passed[1], &passed[2]}, *slot;
    struct lane *lane = NULL;
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_open(&p, 2, &e), &e);
    assert_ok(lane_open(&lane, p, slots, 3, pass_gate, &e), &e);
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(lane_busy(lane), i);
        assert_non_null(lane_slot(lane));
        lane_submit(lane);
    }
    assert_int_equal(lane_busy(lane), 3);
    pthread_mutex_unlock(&gate);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(lane_take(lane, &slot, &e), 1);
        assert_in_range(lane_busy(lane), 0, 2 - i);
        lane_release(lane);
    }
    assert_int_equal(lane_busy(lane), 0);
    lane_close(lane);
    pool_close(p);
}

static void test_without_threads_work_is_done_at_submit(void **state)
{
    struct pool *p = NULL;
    struct client c;

    (void)state;
    assert_ok(pool_open(&p, 0, &e), &e);
    client_open(&c, p);
    submit(&c, 9);
    assert_int_equal(c.pieces[0].square, 81);
    assert_true(lane_ready(c.lane));
    assert_int_equal(lane_busy(c.lane), 0);
    lane_close(c.lane);
    pool_close(p);
}

static void test_closing_waits_for_what_is_in_flight(void **state)
{
    struct pool *p = NULL;
    struct client c;

    (void)state;
    assert_ok(pool_open(&p, 2, &e), &e);
    client_open(&c, p);
    for (unsigned i = 0; i < SLOTS; i++)
        submit(&c, i + 1);
    lane_close(c.lane);
    for (unsigned i = 0; i < SLOTS; i++)
        assert_int_equal(c.pieces[i].square, (i + 1) * (i + 1));
    pool_close(p);
}

static void test_absurd_numbers_of_threads_are_refused(void **state)
{
    struct pool *p = NULL;

    (void)state;
    assert_int_equal(pool_open(&p, POOL_MAX_THREADS + 1, &e), ERR_USAGE);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_come_back_in_order),
        cmocka_unit_test(test_lanes_share_a_pool),
        cmocka_unit_test(test_a_failure_comes_in_its_turn),
        cmocka_unit_test(test_a_full_lane_has_no_slot_until_one_is_released),
        cmocka_unit_test(test_what_is_not_done_is_busy),
        cmocka_unit_test(test_without_threads_work_is_done_at_submit),
        cmocka_unit_test(test_closing_waits_for_what_is_in_flight),
        cmocka_unit_test(test_absurd_numbers_of_threads_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
