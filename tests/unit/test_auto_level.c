/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/auto_level.h"
#include "unit.h"

enum { TOP = AUTO_LEVEL_STEPS - 1, SLOTS = 5, NOBODY = AUTO_LEVEL_NOBODY };

/* As many chunks as a round has, with an idle thread. */
static unsigned calm_rounds(struct auto_level *a, unsigned rounds)
{
    for (unsigned i = 0; i < rounds * SLOTS; i++)
        auto_level_next(a, NOBODY, 1);
    return a->step;
}

static void test_levels_become_denser(void **state)
{
    (void)state;
    assert_in_range(auto_levels[0], 1, 9);
    for (int i = 1; i < AUTO_LEVEL_STEPS; i++)
        assert_in_range(auto_levels[i], auto_levels[i - 1] + 1, 9);
}

static void test_a_round_of_calm_is_a_step_up(void **state)
{
    struct auto_level a;
    unsigned start;

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    start = a.step;
    for (int i = 0; i + 1 < SLOTS; i++)
        assert_int_equal(auto_level_next(&a, NOBODY, 1), start);
    assert_int_equal(auto_level_next(&a, NOBODY, 1), start + 1);
    assert_int_equal(calm_rounds(&a, 100), TOP);
}

static void test_who_waits_gets_less(void **state)
{
    struct auto_level a;

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    calm_rounds(&a, 100);
    for (int step = TOP; step > 0; step--)
        assert_int_equal(auto_level_next(&a, step, 4), step - 1);
    assert_int_equal(auto_level_next(&a, 0, 4), 0);
}

/* The last chunk may be with one thread while the other has nothing: all the
 * same it was the compressor that was waited for. */
static void test_waiting_goes_before_idleness(void **state)
{
    struct auto_level a;

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    calm_rounds(&a, 100);
    assert_int_equal(auto_level_next(&a, TOP, 0), TOP - 1);
}

static void test_chunks_of_before_a_change_do_not_count_again(void **state)
{
    struct auto_level a;

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    calm_rounds(&a, 100);
    auto_level_next(&a, TOP, 4);
    for (int i = 0; i < SLOTS; i++)
        assert_int_equal(auto_level_next(&a, TOP, 4), TOP - 1);
    assert_int_equal(auto_level_next(&a, 1, 4), TOP - 1);
}

static void test_each_mistake_makes_it_wait_longer(void **state)
{
    struct auto_level a;
    unsigned rounds[3];

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    calm_rounds(&a, 100);
    for (int i = 0; i < 3; i++) {
        auto_level_next(&a, (int)a.step, 4);
        for (rounds[i] = 0; a.step < TOP; rounds[i]++)
            calm_rounds(&a, 1);
    }
    assert_int_equal(rounds[0], 2);
    assert_int_equal(rounds[1], 4);
    assert_int_equal(rounds[2], 8);
}

/* It has not become deaf: two steps up in a row, and it is bolder again. */
static void test_success_makes_it_bold_again(void **state)
{
    struct auto_level a;

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    for (int i = 0; i < 200; i++)
        auto_level_next(&a, (int)a.step, 4);
    assert_int_equal(calm_rounds(&a, 63), 0);
    assert_int_equal(calm_rounds(&a, 1), 1);
    assert_int_equal(calm_rounds(&a, 64 + 32 + 16), TOP);
    calm_rounds(&a, 200);
    auto_level_next(&a, TOP, 4);
    assert_int_equal(calm_rounds(&a, 2), TOP);
}

static void test_a_queue_that_keeps_all_busy_stays(void **state)
{
    struct auto_level a;
    unsigned start;

    (void)state;
    auto_level_init(&a, 2, SLOTS);
    start = a.step;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(auto_level_next(&a, NOBODY, 2 + i % 3), start);
}

/* Without threads the compressor is its client, and nobody waits for it. */
static void test_without_threads_it_stays_where_it_starts(void **state)
{
    struct auto_level a;
    unsigned start;

    (void)state;
    auto_level_init(&a, 0, 1);
    start = a.step;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(auto_level_next(&a, NOBODY, 0), start);
}

/* --- a transfer, by a clock of its own ------------------------------------ */

struct transfer {
    unsigned pace;        /* the slowest other stage's time for a chunk */
    unsigned now;         /* when the next chunk is sent */
    unsigned free_at[2];  /* each thread */
    unsigned done[SLOTS]; /* each chunk */
    int steps[SLOTS];
    struct auto_level a;
};

static void send(struct transfer *t, unsigned slot)
{
    static const unsigned costs[AUTO_LEVEL_STEPS] = {10, 11, 40, 60, 200};
    unsigned arrival = t->now + t->pace, busy = 0;
    bool waited = t->done[slot] > arrival;
    unsigned *thread = &t->free_at[t->free_at[1] < t->free_at[0]];
    unsigned step;

    t->now = waited ? t->done[slot] : arrival;
    for (int k = 0; k < SLOTS; k++)
        busy += t->done[k] > t->now;
    step = auto_level_next(&t->a, waited ? t->steps[slot] : NOBODY, busy);
    *thread = (*thread > t->now ? *thread : t->now) + costs[step];
    t->done[slot] = *thread;
    t->steps[slot] = (int)step;
}

/* 1000 chunks at that pace: the step that most of them get; the whole takes at
 * most a tenth longer than without compression, or by the fastest level. */
static unsigned settle(unsigned pace)
{
    struct transfer t = {.pace = pace};
    unsigned counts[AUTO_LEVEL_STEPS] = {0}, most = 0;
    unsigned least = 1000 * (pace > 5 ? pace : 5);

    auto_level_init(&t.a, 2, SLOTS);
    for (unsigned i = 0; i < 1000; i++) {
        send(&t, i % SLOTS);
        counts[t.a.step]++;
    }
    for (unsigned i = 1; i < AUTO_LEVEL_STEPS; i++)
        if (counts[i] > counts[most])
            most = i;
    assert_in_range(t.now, 0, least + least / 10);
    return most;
}

/* Two threads: what costs 2 * pace at most keeps up. */
static void test_it_settles_at_what_there_is_time_for(void **state)
{
    (void)state;
    assert_int_equal(settle(0), 0);
    assert_int_equal(settle(3), 0);
    assert_int_equal(settle(10), 1);
    assert_int_equal(settle(22), 2);
    assert_int_equal(settle(32), 3);
    assert_int_equal(settle(110), TOP);
    assert_int_equal(settle(10000), TOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_become_denser),
        cmocka_unit_test(test_a_round_of_calm_is_a_step_up),
        cmocka_unit_test(test_who_waits_gets_less),
        cmocka_unit_test(test_waiting_goes_before_idleness),
        cmocka_unit_test(test_chunks_of_before_a_change_do_not_count_again),
        cmocka_unit_test(test_each_mistake_makes_it_wait_longer),
        cmocka_unit_test(test_success_makes_it_bold_again),
        cmocka_unit_test(test_a_queue_that_keeps_all_busy_stays),
        cmocka_unit_test(test_without_threads_it_stays_where_it_starts),
        cmocka_unit_test(test_it_settles_at_what_there_is_time_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
