/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/leaf_record.h"
#include "unit.h"

static struct err e;

/* The hash number i: any other one for another i, but not that of zeros. */
static struct leaf_hash hash_of(unsigned i)
{
    struct leaf_hash h = {{1, (uint8_t)i, (uint8_t)(i >> 8)}};

    return h;
}

static struct leaf_record *open_record(size_t budget)
{
    struct leaf_record *r = NULL;

    assert_ok(leaf_record_open(&r, budget, &e), &e);
    leaf_record_begin(r, "copy");
    return r;
}

static void add(struct leaf_record *r, unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        struct leaf_hash h = hash_of(i);

        assert_ok(leaf_record_add(r, &h, 1, &e), &e);
    }
}

/* Leaves of the copy: the last one's result. */
static int match(struct leaf_record *r, unsigned from, unsigned count)
{
    int result = 0;

    for (unsigned i = from; !result && i < from + count; i++) {
        struct leaf_hash h = hash_of(i);

        result = leaf_record_match(r, &h, 1, &e);
    }
    return result;
}

static void test_the_same_leaves_match(void **state)
{
    struct leaf_record *r = open_record(LEAF_RECORD_BUDGET);

    (void)state;
    add(r, 0, 1000);
    assert_ok(leaf_record_add(r, NULL, 500, &e), &e);
    add(r, 7, 3);
    assert_int_equal(match(r, 0, 1000), 0);
    /* Zeros are zeros, whether they were told as a run or hashed. */
    assert_ok(leaf_record_match(r, NULL, 200, &e), &e);
    for (int i = 0; i < 300; i++)
        assert_ok(leaf_record_match(r, &leaf_hash_of_zeros, 1, &e), &e);
    assert_int_equal(match(r, 7, 3), 0);
    leaf_record_close(r);
}

static void test_the_first_leaf_that_differs_is_named(void **state)
{
    struct leaf_record *r = open_record(LEAF_RECORD_BUDGET);

    (void)state;
    add(r, 0, 10);
    assert_ok(leaf_record_add(r, NULL, 10, &e), &e);
    add(r, 20, 1);
    assert_int_equal(match(r, 0, 10), 0);
    assert_ok(leaf_record_match(r, NULL, 7, &e), &e);
    assert_int_equal(match(r, 50, 1), ERR_CORRUPT);
    assert_string_equal(e.text,
                        "copy: what is read back is not what was written: they "
                        "differ in the 64 KiB from byte 1114112 of the disk, "
                        "and not before");
    leaf_record_close(r);
}

static void test_zeros_that_go_on_too_long_differ(void **state)
{
    struct leaf_record *r = open_record(LEAF_RECORD_BUDGET);

    (void)state;
    assert_ok(leaf_record_add(r, NULL, 10, &e), &e);
    add(r, 1, 1);
    assert_int_equal(leaf_record_match(r, NULL, 11, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "from byte 655360 "));
    leaf_record_close(r);
}

static void test_more_leaves_than_there_were_differ(void **state)
{
    struct leaf_record *r = open_record(LEAF_RECORD_BUDGET);

    (void)state;
    add(r, 0, 2);
    assert_int_equal(match(r, 0, 2), 0);
    assert_int_equal(leaf_record_match(r, NULL, 1, &e), ERR_CORRUPT);
    leaf_record_close(r);
}

static void test_past_its_budget_it_knows_of_no_difference(void **state)
{
    struct leaf_record *r = open_record(40000);

    (void)state;
    add(r, 0, 1000);
    assert_int_equal(match(r, 0, 1000), 0);
    leaf_record_close(r);
    r = open_record(40000);
    add(r, 0, 1001);
    add(r, 0, 5000);
    assert_int_equal(match(r, 9000, 10), 0);
    leaf_record_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_leaves_match),
        cmocka_unit_test(test_the_first_leaf_that_differs_is_named),
        cmocka_unit_test(test_zeros_that_go_on_too_long_differ),
        cmocka_unit_test(test_more_leaves_than_there_were_differ),
        cmocka_unit_test(test_past_its_budget_it_knows_of_no_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
