/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_marks.h"

#include "unit.h"

#define RUN  "0f5a4d1e-9c3b-4e57-8d2a-6b1c2d3e4f50"
#define DISK "1f5a4d1e-9c3b-4e57-8d2a-6b1c2d3e4f51"

static json_t *sound(void)
{
    json_t *marks = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", XAPI_MARK_RUN, RUN,
        XAPI_MARK_DISK, DISK, XAPI_MARK_KIND, "disk", XAPI_MARK_PROGRAM,
        "vhdstream 0.1.0", XAPI_MARK_HOST, "build7", XAPI_MARK_START,
        "2026-08-21T02:00:23Z", XAPI_MARK_HEARTBEAT, "2026-08-21T02:00:23Z",
        "other", "value");

    assert_non_null(marks);
    return marks;
}

/* The flaw of sound marks with one value changed; NULL: it is removed. */
static const char *flaw_with(const char *key, const char *value)
{
    CLEANUP(json) json_t *marks = sound();
    struct xapi_maker maker;
    const char *flaw = "";
    bool sound_still;

    if (value)
        json_object_set_new(marks, key, json_string(value));
    else
        json_object_del(marks, key);
    sound_still = xapi_marks_read(&maker, marks, &flaw);
    assert_int_equal(sound_still, flaw == NULL);
    return flaw;
}

static void test_sound_marks_are_read(void **state)
{
    CLEANUP(json) json_t *marks = sound();
    struct xapi_maker maker;
    const char *flaw = "";

    (void)state;
    assert_true(xapi_marks_are_in(marks));
    assert_true(xapi_marks_read(&maker, marks, &flaw));
    assert_null(flaw);
    assert_string_equal(maker.run, RUN);
    assert_string_equal(maker.disk, DISK);
    assert_int_equal(maker.kind, XAPI_MADE_DISK);
    assert_string_equal(maker.program, "vhdstream 0.1.0");
    assert_string_equal(maker.host, "build7");
    assert_int_equal(maker.start, 1787277623);
    assert_int_equal(maker.heartbeat, 1787277623);
    assert_string_equal(maker.state, "");
}

static void test_the_later_heartbeat_counts(void **state)
{
    static const char *const keys[] = {XAPI_MARK_HEARTBEAT,
                                       XAPI_MARK_HEARTBEAT2};

    (void)state;
    for (int i = 0; i < 2; i++) {
        CLEANUP(json) json_t *marks = sound();
        struct xapi_maker maker;
        const char *flaw;

        json_object_set_new(marks, keys[i],
                            json_string("2026-08-21T02:05:23Z"));
        json_object_set_new(marks, keys[1 - i],
                            json_string("2026-08-21T02:04:23Z"));
        assert_true(xapi_marks_read(&maker, marks, &flaw));
        assert_int_equal(maker.heartbeat, 1787277923);
    }
}

static void test_without_a_heartbeat_the_start_is_one(void **state)
{
    (void)state;
    assert_null(flaw_with(XAPI_MARK_HEARTBEAT, NULL));
}

static void test_a_state_file_is_read(void **state)
{
    CLEANUP(json) json_t *marks = sound();
    struct xapi_maker maker;
    const char *flaw;

    (void)state;
    json_object_set_new(marks, XAPI_MARK_STATE, json_string("/var/job.state"));
    assert_true(xapi_marks_read(&maker, marks, &flaw));
    assert_string_equal(maker.state, "/var/job.state");
}

static void test_a_task_needs_no_mark_of_its_making(void **state)
{
    CLEANUP(json) json_t *marks = sound();
    struct xapi_maker maker;
    const char *flaw;

    (void)state;
    json_object_set_new(marks, XAPI_MARK_KIND, json_string("task"));
    json_object_del(marks, XAPI_MARK_DISK);
    assert_true(xapi_marks_read(&maker, marks, &flaw));
}

/* Whoever writes such a key into a disk of his own keeps the disk. */
static void test_each_flaw_is_named(void **state)
{
    static const char *const cases[][3] = {
        {XAPI_MARK_RUN, "yes", "vhdstream:run"},
        {XAPI_MARK_RUN, RUN "0", "vhdstream:run"},
        {XAPI_MARK_DISK, NULL, "vhdstream:disk"},
        {XAPI_MARK_DISK, "mine", "vhdstream:disk"},
        {XAPI_MARK_KIND, NULL, "vhdstream:kind"},
        {XAPI_MARK_KIND, "golden", "vhdstream:kind"},
        {XAPI_MARK_PROGRAM, NULL, "vhdstream:program"},
        {XAPI_MARK_PROGRAM, "vhdstream", "vhdstream:program"},
        {XAPI_MARK_PROGRAM, "vhdstream is nice", "vhdstream:program"},
        {XAPI_MARK_PROGRAM, "vhdstream 1 or so", "vhdstream:program"},
        {XAPI_MARK_PROGRAM, "my-vhdstream 0.1", "vhdstream:program"},
        {XAPI_MARK_HOST, NULL, "vhdstream:host"},
        {XAPI_MARK_HOST, "", "vhdstream:host"},
        {XAPI_MARK_START, NULL, "vhdstream:start"},
        {XAPI_MARK_START, "yesterday", "vhdstream:start"},
        {XAPI_MARK_HEARTBEAT, "boom", "vhdstream:heartbeat"},
        {XAPI_MARK_HEARTBEAT2, "", "vhdstream:heartbeat"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *flaw = flaw_with(cases[i][0], cases[i][1]);

        if (!flaw || strncmp(flaw, cases[i][2], strlen(cases[i][2])) != 0)
            fail_msg("%s = %s: %s", cases[i][0], cases[i][1], flaw);
    }
}

static void test_values_that_are_no_texts(void **state)
{
    CLEANUP(json) json_t *marks = json_pack("{s:[i]}", XAPI_MARK_RUN, 1);
    struct xapi_maker maker;
    const char *flaw;

    (void)state;
    assert_true(xapi_marks_are_in(marks));
    assert_false(xapi_marks_read(&maker, marks, &flaw));
    assert_false(xapi_marks_are_in(NULL));
    assert_false(xapi_marks_read(&maker, NULL, &flaw));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_marks_are_read),
        cmocka_unit_test(test_the_later_heartbeat_counts),
        cmocka_unit_test(test_without_a_heartbeat_the_start_is_one),
        cmocka_unit_test(test_a_state_file_is_read),
        cmocka_unit_test(test_a_task_needs_no_mark_of_its_making),
        cmocka_unit_test(test_each_flaw_is_named),
        cmocka_unit_test(test_values_that_are_no_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
