/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/digest/hash_list.h"
#include "image/digest/leaf_sum.h"
#include "memory_io.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct err e;

enum { LEAVES = 7 };
static const uint64_t disk_size = UINT64_C(6) * LEAF_SIZE + 512;

/* Leaves 0 and 3 to 5 hold zeros, told in several ways. */
static struct leaf_hash leaf(int i)
{
    struct leaf_hash h;

    if (!i || (i >= 3 && i <= 5))
        return leaf_hash_of_zeros;
    memset(h.bytes, 0xa0 + i, sizeof(h.bytes));
    return h;
}

static void digest_of_leaves(struct leaf_hash *out)
{
    struct leaf_sum *sum = NULL;

    assert_ok(leaf_sum_open(&sum, disk_size, &e), &e);
    for (int i = 0; i < LEAVES; i++) {
        struct leaf_hash h = leaf(i);

        assert_ok(leaf_sum_add(sum, &h, 1, &e), &e);
    }
    assert_ok(leaf_sum_finish(sum, out, &e), &e);
    leaf_sum_close(sum);
}

/* The list as it must be written, byte by byte. */
static char *expected_text(void)
{
    char *text = NULL, hash[3][LEAF_HASH_TEXT_SIZE], sum[LEAF_HASH_TEXT_SIZE];
    const int with_data[] = {1, 2, 6};
    struct leaf_hash digest;

    for (int i = 0; i < 3; i++) {
        struct leaf_hash h = leaf(with_data[i]);

        leaf_hash_format(&h, hash[i]);
    }
    digest_of_leaves(&digest);
    leaf_hash_format(&digest, sum);
    assert_true(asprintf(&text,
                         "vhdstream block digests 1\nsize 393728\n"
                         "block 65536\nhash sha256\nzero 1\n%s\n%s\nzero 3\n"
                         "%s\ndigest %s\n",
                         hash[0], hash[1], hash[2], sum) > 0);
    return text;
}

static void test_list_is_written_as_documented(void **state)
{
    struct hash_list *l = NULL;
    uint8_t *data;
    size_t len;
    struct sink *s = memory_sink(&data, &len, false);
    const struct leaf_hash some[] = {leaf(0), leaf(1), leaf(2), leaf(3)};
    struct leaf_hash last = leaf(6), digest;
    char *text = expected_text();

    (void)state;
    digest_of_leaves(&digest);
    assert_ok(hash_list_open(&l, s, disk_size, &e), &e);
    assert_ok(hash_list_add(l, some, 4, &e), &e);
    assert_ok(hash_list_add(l, NULL, 2, &e), &e);
    assert_ok(hash_list_add(l, &last, 1, &e), &e);
    assert_ok(hash_list_end(l, &digest, &e), &e);
    hash_list_close(l);
    sink_close(s, NULL);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(data, text, len);
    free(data);
    free(text);
}

static void test_long_list_comes_whole(void **state)
{
    enum { MANY = 5000 };
    struct hash_list *l = NULL;
    uint8_t *data;
    size_t len;
    struct sink *s = memory_sink(&data, &len, false);
    struct leaf_hash h = leaf(1);

    (void)state;
    assert_ok(hash_list_open(&l, s, (uint64_t)MANY * LEAF_SIZE, &e), &e);
    for (int i = 0; i < MANY; i++)
        assert_ok(hash_list_add(l, &h, 1, &e), &e);
    assert_ok(hash_list_end(l, &h, &e), &e);
    hash_list_close(l);
    sink_close(s, NULL);
    assert_int_equal(len, strlen("vhdstream block digests 1\nsize 327680000\n"
                                 "block 65536\nhash sha256\ndigest \n") +
                              64 + MANY * 65);
    free(data);
}

/* --- reading -------------------------------------------------------------- */

/* Reads a list to its end, expecting the leaves above. 0 or the failure. */
static int read_list(const char *text, size_t len, size_t chunk)
{
    struct source *src =
        memory_source((const uint8_t *)text, len, chunk, false);
    struct hash_reader *r = NULL;
    const struct leaf_hash *hash;
    uint64_t count, at = 0;
    int more = hash_reader_open(&r, &src, &e);

    if (more < 0) {
        assert_non_null(src);
        source_close(src);
        return more;
    }
    assert_null(src);
    assert_int_equal(hash_reader_size(r), disk_size);
    while ((more = hash_reader_next(r, &hash, &count, &e)) > 0) {
        for (; count; count--, at++) {
            struct leaf_hash expected = leaf((int)at);

            if (!hash)
                assert_true(leaf_hash_equal(&expected, &leaf_hash_of_zeros));
            else
                assert_true(leaf_hash_equal(&expected, hash));
        }
    }
    hash_reader_close(r);
    if (!more)
        assert_int_equal(at, LEAVES);
    return more;
}

static void test_list_is_read_back(void **state)
{
    char *text = expected_text();

    (void)state;
    for (size_t chunk = 1; chunk < 100; chunk += 7)
        assert_ok(read_list(text, strlen(text), chunk), &e);
    free(text);
}

static void test_cut_list_is_refused_wherever_it_is_cut(void **state)
{
    char *text = expected_text();

    (void)state;
    for (size_t len = 0; len < strlen(text); len++)
        assert_int_equal(read_list(text, len, 4096), ERR_CORRUPT);
    free(text);
}

static void assert_refused(const char *from, const char *to, int code)
{
    char *text = expected_text(), *place = strstr(text, from), *changed = NULL;

    assert_non_null(place);
    assert_true(asprintf(&changed, "%.*s%s%s", (int)(place - text), text, to,
                         place + strlen(from)) > 0);
    assert_int_equal(read_list(changed, strlen(changed), 4096), code);
    free(changed);
    free(text);
}

static void test_what_is_not_known_is_refused(void **state)
{
    (void)state;
    assert_refused("digests 1", "digests 3", ERR_UNSUPPORTED);
    assert_refused("digests 1", "digests 2", ERR_CORRUPT); /* without a uuid */
    assert_refused("vhdstream", "vhdstreem", ERR_CORRUPT);
    assert_refused("block 65536", "block 4096", ERR_UNSUPPORTED);
    assert_refused("hash sha256", "hash sha512", ERR_CORRUPT);
    assert_refused("size 393728", "size 0", ERR_CORRUPT);
    assert_refused("size 393728", "size -393728", ERR_CORRUPT);
    assert_refused("size 393728", "size 99999999999999999999", ERR_CORRUPT);
    assert_refused("size 393728", "size 18446744073709551615", ERR_UNSUPPORTED);
}

static void test_zeros_past_the_end_are_refused(void **state)
{
    (void)state;
    assert_refused("zero 3", "zero 4", ERR_CORRUPT);
    assert_refused("zero 3", "zero 18446744073709551615", ERR_CORRUPT);
    assert_refused("zero 3", "zero 0", ERR_CORRUPT);
}

static void test_last_leaf_cut_short_is_no_zero_leaf(void **state)
{
    char *text = expected_text(), *last;

    (void)state;
    last = strstr(text, "zero 3\n") + 7;
    memmove(last + 7, last + 65, strlen(last + 65) + 1);
    memcpy(last, "zero 1\n", 7);
    assert_int_equal(read_list(text, strlen(text), 4096), ERR_CORRUPT);
    free(text);
}

static void test_list_that_goes_on_is_refused(void **state)
{
    char *text = expected_text(), *longer = NULL;

    (void)state;
    assert_true(asprintf(&longer, "%s\n", text) > 0);
    assert_int_equal(read_list(longer, strlen(longer), 4096), ERR_CORRUPT);
    free(longer);
    free(text);
}

static void test_changed_hash_is_found_at_the_end(void **state)
{
    char *text = expected_text(), *hash = strstr(text, "digest ");

    (void)state;
    hash[8] = hash[8] == '0' ? '1' : '0';
    assert_int_equal(read_list(text, strlen(text), 4096), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "not the digest"));
    free(text);
}

static void test_lists_are_known_by_their_first_bytes(void **state)
{
    const char list[] = "vhdstream block digests 9\n";

    (void)state;
    assert_true(hash_list_is((const uint8_t *)list, sizeof(list) - 1));
    assert_false(hash_list_is((const uint8_t *)list, 20));
    assert_false(hash_list_is((const uint8_t *)"conectix", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_is_written_as_documented),
        cmocka_unit_test(test_long_list_comes_whole),
        cmocka_unit_test(test_list_is_read_back),
        cmocka_unit_test(test_cut_list_is_refused_wherever_it_is_cut),
        cmocka_unit_test(test_what_is_not_known_is_refused),
        cmocka_unit_test(test_zeros_past_the_end_are_refused),
        cmocka_unit_test(test_last_leaf_cut_short_is_no_zero_leaf),
        cmocka_unit_test(test_list_that_goes_on_is_refused),
        cmocka_unit_test(test_changed_hash_is_found_at_the_end),
        cmocka_unit_test(test_lists_are_known_by_their_first_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
