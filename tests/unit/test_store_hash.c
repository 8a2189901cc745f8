/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "store/store_hash.h"
#include "unit.h"

#include <stdlib.h>

/* RFC 1321, A.5; FIPS 180-2, C.1 and B.1: of "abc". */
static const char md5_abc[] = "900150983cd24fb0d6963f7d28e17f72";
static const char sha512_abc[] =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
static const char sha256_abc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/* "abc" in two pieces. */
static void take_sums(unsigned threads, const char *algorithm, bool expected,
                      char md5[STORE_SUM_SIZE], char sum[STORE_SUM_SIZE])
{
    CLEANUP(store_hash) struct store_hash *h = NULL;
    struct pool *pool = NULL;
    struct err e = {0};
    bool known = !expected;

    assert_ok(pool_open(&pool, threads, &e), &e);
    assert_ok(store_hash_open(&h, algorithm, pool, &known, &e), &e);
    assert_int_equal(known, expected);
    store_hash_add(h, "a", 1);
    assert_ok(store_hash_wait(h, &e), &e);
    store_hash_add(h, "bc", 2);
    assert_ok(store_hash_wait(h, &e), &e);
    assert_ok(store_hash_end(h, md5, sum, &e), &e);
    store_hash_cleanup(&h);
    pool_close(pool);
}

static void test_the_sums_of_known_texts(void **state)
{
    char md5[STORE_SUM_SIZE], sum[STORE_SUM_SIZE];

    (void)state;
    for (unsigned threads = 0; threads < 4; threads++) {
        take_sums(threads, "sha512", true, md5, sum);
        assert_string_equal(md5, md5_abc);
        assert_string_equal(sum, sha512_abc);
        take_sums(threads, "SHA256", true, md5, sum);
        assert_string_equal(sum, sha256_abc);
    }
}

static void test_an_algorithm_that_is_not_known_is_not_taken(void **state)
{
    char md5[STORE_SUM_SIZE], sum[STORE_SUM_SIZE];

    (void)state;
    take_sums(2, "future512", false, md5, sum);
    assert_string_equal(md5, md5_abc);
    assert_string_equal(sum, "");
    take_sums(2, NULL, false, md5, sum);
    assert_string_equal(md5, md5_abc);
}

/* Closing waits for what is under way. */
static void test_closed_on_the_way(void **state)
{
    CLEANUP(store_hash) struct store_hash *h = NULL;
    struct pool *pool = NULL;
    char *large = calloc(1, 1 << 20);
    struct err e = {0};
    bool known;

    (void)state;
    assert_non_null(large);
    assert_ok(pool_open(&pool, 2, &e), &e);
    assert_ok(store_hash_open(&h, "sha512", pool, &known, &e), &e);
    store_hash_add(h, large, 1 << 20);
    store_hash_cleanup(&h);
    pool_close(pool);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sums_of_known_texts),
        cmocka_unit_test(test_an_algorithm_that_is_not_known_is_not_taken),
        cmocka_unit_test(test_closed_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
