/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_judge.h"

#include "unit.h"

enum { NOW = 1787277623, DAY = 86400 };

/* What a run left that was killed two days ago, an hour after its start. */
static struct xapi_case remnant(void)
{
    return (struct xapi_case){
        .maker = {.kind = XAPI_MADE_DISK,
                  .start = NOW - 2 * DAY,
                  .heartbeat = NOW - 2 * DAY + 3600},
        .kind = XAPI_MADE_DISK,
        .now = NOW,
        .older_than_s = DAY,
    };
}

static void assert_removable(const struct xapi_case *c)
{
    char why[XAPI_WHY_SIZE];

    if (!xapi_judge(c, why))
        fail_msg("it is spared: %s", why);
    assert_string_equal(why, "");
}

static void assert_spared(const struct xapi_case *c, const char *part)
{
    char why[XAPI_WHY_SIZE];

    assert_false(xapi_judge(c, why));
    if (!strstr(why, part))
        fail_msg("\"%s\" is not in \"%s\"", part, why);
}

static void test_what_a_killed_run_left(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    assert_removable(&c);
    c.kind = c.maker.kind = XAPI_MADE_SNAPSHOT;
    assert_removable(&c);
    c.kind = c.maker.kind = XAPI_MADE_TASK;
    assert_removable(&c);
}

static void test_marks_with_a_flaw(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.flaw = "vhdstream:run is no uuid";
    c.force = true;
    assert_spared(&c, "vhdstream:run is no uuid");
}

static void test_a_snapshot_of_a_marked_disk_is_somebody_elses(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.kind = XAPI_MADE_SNAPSHOT;
    assert_spared(&c, "a snapshot with the marks of a disk");
}

static void test_a_clone_cannot_be_told_from_the_original(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.twins = 1;
    c.force = true;
    assert_spared(&c, "1 more has the same vhdstream:disk");
    c.twins = 2;
    assert_spared(&c, "2 more have the same");
}

static void test_what_is_in_use(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.force = true;
    c.plugged = true;
    assert_spared(&c, "plugged");
    c.plugged = false;
    c.in_vm = true;
    assert_spared(&c, "disk of a VM");
    c.in_vm = false;
    c.pending = true;
    assert_spared(&c, "a task of its run is pending");
}

static void test_a_live_heartbeat(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.force = true;
    c.older_than_s = 0;
    c.maker.heartbeat = NOW - XAPI_LIVE_S;
    assert_removable(&c);
    c.maker.heartbeat++;
    assert_spared(&c, "alive: its heartbeat is 14 minutes 59 seconds old");
    c.maker.heartbeat = NOW + 10;
    assert_spared(&c, "alive");
}

static void test_a_clock_that_was_set_back(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.maker.heartbeat = NOW + 7200;
    assert_spared(&c, "2 hours ahead of the clock");
    c = remnant();
    c.maker.start = NOW + 2 * DAY;
    assert_spared(&c, "2 days ahead of the clock");
}

static void test_age_is_that_of_the_start(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    c.older_than_s = 2 * DAY;
    assert_removable(&c);
    c.older_than_s++;
    assert_spared(&c, "younger than 2 days");
}

static void test_kept_for_resume_unless_forced(void **state)
{
    struct xapi_case c = remnant();

    (void)state;
    (void)snprintf(c.maker.state, sizeof(c.maker.state), "/var/job.state");
    assert_spared(&c, "--resume, by the state file /var/job.state");
    c.force = true;
    assert_removable(&c);
}

static void test_times_in_words(void **state)
{
    char out[XAPI_SPAN_SIZE];

    (void)state;
    assert_string_equal(xapi_span(0, out), "0 seconds");
    assert_string_equal(xapi_span(1, out), "1 second");
    assert_string_equal(xapi_span(60, out), "1 minute");
    assert_string_equal(xapi_span(3661, out), "1 hour 1 minute");
    assert_string_equal(xapi_span(86400 + 59, out), "1 day");
    assert_string_equal(xapi_span(15 * 86400, out), "2 weeks 1 day");
    (void)xapi_span(UINT64_MAX, out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_killed_run_left),
        cmocka_unit_test(test_marks_with_a_flaw),
        cmocka_unit_test(test_a_snapshot_of_a_marked_disk_is_somebody_elses),
        cmocka_unit_test(test_a_clone_cannot_be_told_from_the_original),
        cmocka_unit_test(test_what_is_in_use),
        cmocka_unit_test(test_a_live_heartbeat),
        cmocka_unit_test(test_a_clock_that_was_set_back),
        cmocka_unit_test(test_age_is_that_of_the_start),
        cmocka_unit_test(test_kept_for_resume_unless_forced),
        cmocka_unit_test(test_times_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
