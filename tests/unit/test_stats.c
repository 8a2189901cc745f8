/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/stats.h"
#include "unit.h"

/* A copy of 10 seconds with 2 threads, in which nothing was at work. */
static const struct stats idle = {.seconds = 10, .threads = 2};
static char text[STATS_TEXT];

static void test_the_busiest_stage_bounds(void **state)
{
    (void)state;
    for (enum stats_stage i = STAGE_SOURCE; i < NSTAGES; i++) {
        struct stats s = idle;

        s.of[STAGE_SOURCE].busy = 4;
        s.of[STAGE_SINK].busy = 4;
        s.of[i].busy = 9;
        assert_int_equal(stats_bound(&s), i);
        stats_sentence(&s, text);
        assert_non_null(
            strstr(text, " bounds the transfer: at work 90 % of the time"));
    }
}

static void test_the_sentence_names_the_stage(void **state)
{
    struct stats s = idle;

    (void)state;
    s.of[STAGE_SINK].busy = 9.6;
    stats_sentence(&s, text);
    assert_string_equal(text, "the destination bounds the transfer: at work "
                              "96 % of the time");
    s.of[STAGE_COMPRESS].busy = 19.8;
    s.of[STAGE_COMPRESS].is_pooled = true;
    stats_sentence(&s, text);
    assert_string_equal(text,
                        "compression bounds the transfer: at work 99 % of the "
                        "time; a lower --level or more --threads make it "
                        "faster");
}

/* 11 seconds of 2 threads are less than 9 of one. */
static void test_a_pooled_stage_is_measured_by_its_threads(void **state)
{
    struct stats s = idle;

    (void)state;
    s.of[STAGE_COMPRESS].busy = 11;
    s.of[STAGE_COMPRESS].is_pooled = true;
    s.of[STAGE_SOURCE].busy = 9;
    assert_int_equal(stats_bound(&s), STAGE_SOURCE);
    assert_int_equal(stats_threads(&s, STAGE_COMPRESS), 2);
    assert_int_equal(stats_threads(&s, STAGE_SOURCE), 1);
    assert_true(stats_waited(&s, STAGE_COMPRESS) > 8.99 &&
                stats_waited(&s, STAGE_COMPRESS) < 9.01);
}

/* Each alone has half of the pool; together they fill it. */
static void test_stages_that_share_the_pool_count_together(void **state)
{
    struct stats s = idle;

    (void)state;
    s.of[STAGE_INFLATE].busy = 9;
    s.of[STAGE_COMPRESS].busy = 10;
    s.of[STAGE_INFLATE].is_pooled = s.of[STAGE_COMPRESS].is_pooled = true;
    s.of[STAGE_SOURCE].busy = 8;
    assert_int_equal(stats_bound(&s), STAGE_COMPRESS);
    s.of[STAGE_INFLATE].busy = 10.5;
    assert_int_equal(stats_bound(&s), STAGE_INFLATE);
}

static void test_nothing_may_bound(void **state)
{
    struct stats s = idle;

    (void)state;
    s.of[STAGE_DECODE].busy = 3;
    stats_sentence(&s, text);
    assert_string_equal(text, "no stage bounds the transfer: the busiest is "
                              "decoding, at work 30 % of the time");
    s = (struct stats){.seconds = 0, .threads = 2};
    stats_sentence(&s, text);
    assert_non_null(strstr(text, "no stage bounds"));
}

static void test_one_thread_for_all(void **state)
{
    struct stats s = {.seconds = 10};

    (void)state;
    s.of[STAGE_COMPRESS].busy = 4;
    s.of[STAGE_SINK].busy = 3;
    stats_sentence(&s, text);
    assert_string_equal(text,
                        "one thread does everything (--threads 0); most of its "
                        "time, 40 %, goes into compression");
}

static void test_nobody_waits_less_than_not_at_all(void **state)
{
    struct stats s = idle;

    (void)state;
    s.of[STAGE_SINK].busy = 10.2;
    assert_true(stats_waited(&s, STAGE_SINK) >= 0);
    stats_sentence(&s, text);
    assert_non_null(strstr(text, "100 %"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_busiest_stage_bounds),
        cmocka_unit_test(test_the_sentence_names_the_stage),
        cmocka_unit_test(test_a_pooled_stage_is_measured_by_its_threads),
        cmocka_unit_test(test_stages_that_share_the_pool_count_together),
        cmocka_unit_test(test_nothing_may_bound),
        cmocka_unit_test(test_one_thread_for_all),
        cmocka_unit_test(test_nobody_waits_less_than_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
