/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/zero.h"
#include "fake_image.h"
#include "image/digest/digest.h"
#include "image/digest/leaf_order.h"
#include "unit.h"

#include <openssl/sha.h>
#include <stdlib.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static struct err e;

/* --- what it should be ---------------------------------------------------- */

/* The definition, straight: all hashes side by side, and the size. */
static void expect_digest(const uint8_t *data, size_t size,
                          struct leaf_hash *out)
{
    size_t nleaves = (size + LEAF_SIZE - 1) / LEAF_SIZE;
    uint8_t *all = malloc(nleaves * 32 + 8);

    assert_non_null(all);
    for (size_t i = 0; i < nleaves; i++) {
        size_t left = size - i * LEAF_SIZE;

        SHA256(data + i * LEAF_SIZE, left < LEAF_SIZE ? left : LEAF_SIZE,
               all + i * 32);
    }
    for (int i = 0; i < 8; i++)
        all[nleaves * 32 + (size_t)i] = (uint8_t)((uint64_t)size >> 8 * i);
    SHA256(all, nleaves * 32 + 8, out->bytes);
    free(all);
}

/* Takes the digest of an image, with the threads, and closes it. */
static int digest_of(struct image *img, unsigned threads, struct leaf_hash *out)
{
    struct block b = {0};
    struct pool *pool = NULL;
    struct digest *d = NULL;
    int result;

    assert_ok(pool_open(&pool, threads, &e), &e);
    assert_ok(block_open(&b, &e), &e);
    result = digest_prepare(&img, &e);
    if (!result)
        result = digest_open(&d, &img, pool, NULL, &e);
    while (!result) {
        result = image_next(img, &b, &e);
        if (!result) {
            result = digest_finish(d, out, &e);
            break;
        }
        result = result < 0 ? result : 0;
    }
    image_close(img);
    digest_close(d);
    pool_close(pool);
    block_close(&b);
    return result;
}

/* Noise with zeros in it, by leaves and inside leaves. */
static uint8_t *make_disk(size_t size, unsigned seed)
{
    uint8_t *data = calloc(1, size);

    assert_non_null(data);
    for (size_t at = 0; at < size; at += LEAF_SIZE)
        if (rand_r(&seed) % 3)
            for (size_t i = at; i < size && i < at + LEAF_SIZE;
                 i += 1 + seed % 99)
                data[i] = (uint8_t)rand_r(&seed);
    return data;
}

static void assert_digest(const struct fake_image *f, unsigned threads)
{
    struct leaf_hash expected, found;

    expect_digest(f->data, f->size, &expected);
    assert_int_equal(digest_of(fake_image(f), threads, &found), 0);
    assert_memory_equal(expected.bytes, found.bytes, 32);
}

static void assert_text(const uint8_t *data, uint64_t size, const char *text)
{
    const struct fake_image f = {
        .data = (uint8_t *)data, .size = size, .block_size = 2 * MIB};
    char formatted[LEAF_HASH_TEXT_SIZE];
    struct leaf_hash found;

    assert_int_equal(digest_of(fake_image(&f), 1, &found), 0);
    leaf_hash_format(&found, formatted);
    assert_string_equal(formatted, text);
}

/* --- tests ---------------------------------------------------------------- */

static void test_known_answers(void **state)
{
    uint8_t *a = malloc(LEAF_SIZE);

    (void)state;
    memset(a, 'A', LEAF_SIZE);
    assert_text(a, LEAF_SIZE,
                "2e3a5f57d5e726ee5de62db1a85ff816"
                "f4fa6ea4627807d9a51bdc4c883e165e");
    assert_text(zero_bytes, LEAF_SIZE,
                "8ab067ab7939a3d4f40cbb118956c07c"
                "06aeae2d075d6e0a2ebbb94bd42832af");
    assert_text(a, LEAF_SIZE / 2,
                "9467334d6d7668a2f06898185b5cddc7"
                "8cdfbd962f50c6bf250101f03a0e54dc");
    free(a);
}

static void test_hash_of_zeros_is_that_of_zeros(void **state)
{
    uint8_t hash[32];

    (void)state;
    SHA256(zero_bytes, LEAF_SIZE, hash);
    assert_memory_equal(hash, leaf_hash_of_zeros.bytes, 32);
}

static void test_any_size(void **state)
{
    const size_t sizes[] = {512,
                            4096,
                            LEAF_SIZE - 512,
                            LEAF_SIZE,
                            LEAF_SIZE + 512,
                            2 * MIB - 512,
                            2 * MIB,
                            2 * MIB + 512,
                            5 * MIB + LEAF_SIZE + 1024};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct fake_image f = {.data = make_disk(sizes[i], (unsigned)i),
                               .size = sizes[i],
                               .block_size = 2 * MIB};

        assert_digest(&f, 0);
        assert_digest(&f, 2);
        free(f.data);
    }
}

static void test_any_order_and_block_size(void **state)
{
    const size_t size = 37 * MIB + 3 * LEAF_SIZE + 512;
    uint8_t *data = make_disk(size, 7);

    (void)state;
    for (uint32_t block = LEAF_SIZE; block <= 16 * MIB; block *= 2) {
        for (unsigned threads = 0; threads < 4; threads += 3) {
            uint32_t count = (uint32_t)((size + block - 1) / block);
            struct fake_image f = {.data = data,
                                   .size = size,
                                   .block_size = block,
                                   .order = shuffled(count, block),
                                   .nmapped = count};

            assert_digest(&f, threads);
            f.order = backwards(count);
            assert_digest(&f, threads);
        }
    }
    free(data);
}

/* Half of the blocks are no longer mapped: they have to be zeros. */
static void test_holes_are_zeros(void **state)
{
    const size_t size = 20 * MIB + 512;

    (void)state;
    for (unsigned seed = 1; seed < 20; seed++) {
        struct fake_image f = {.data = make_disk(size, seed),
                               .size = size,
                               .block_size = MIB,
                               .order = shuffled(21, seed),
                               .nmapped = seed};

        for (uint32_t i = seed; i < 21; i++)
            memset(f.data + (size_t)f.order[i] * MIB, 0,
                   f.order[i] == 20 ? 512 : MIB);
        assert_digest(&f, 1);
        free(f.data);
    }
}

static void test_empty_disk(void **state)
{
    struct fake_image f = {.data = calloc(1, 9 * MIB - 512),
                           .size = 9 * MIB - 512,
                           .block_size = 2 * MIB,
                           .order = backwards(0)};

    (void)state;
    assert_digest(&f, 1);
    free(f.data);
}

static void test_small_blocks_are_joined(void **state)
{
    const size_t size = 3 * MIB + 4096;
    struct fake_image f = {
        .data = make_disk(size, 3), .size = size, .block_size = 4096};

    (void)state;
    assert_digest(&f, 1);
    free(f.data);
}

static void test_small_blocks_that_come_apart(void **state)
{
    const size_t size = 5 * MIB;
    struct fake_image f = {.data = make_disk(size, 4),
                           .size = size,
                           .block_size = 4096,
                           .order = shuffled(1280, 1),
                           .nmapped = 1280,
                           .seekable = true};
    struct leaf_hash found;

    (void)state;
    assert_digest(&f, 1);
    f.seekable = false;
    f.order = shuffled(1280, 1);
    assert_int_equal(digest_of(fake_image(&f), 1, &found), ERR_UNSUPPORTED);
    free(f.data);
}

static void test_disk_without_its_parent_is_refused(void **state)
{
    struct fake_image f = {
        .size = 4 * MIB, .block_size = 2 * MIB, .has_parent = true};
    struct leaf_hash found;

    (void)state;
    assert_int_equal(digest_of(fake_image(&f), 1, &found), ERR_UNSUPPORTED);
}

static void assert_need(const struct fake_image *f, uint64_t expected)
{
    struct image *img = fake_image(f);
    uint64_t need = 1;

    assert_ok(leaf_order_need(img, &need, &e), &e);
    assert_int_equal(need, expected);
    image_close(img);
}

static void test_need_is_known_beforehand(void **state)
{
    static const uint32_t some[] = {3, 1, 2, 9, 0, 8, 5};
    struct fake_image f = {.size = 20 * MIB, .block_size = 2 * MIB};
    uint32_t *order = malloc(sizeof(some));

    (void)state;
    assert_need(&f, 0);
    f.nmapped = 10;
    f.order = backwards(10);
    assert_need(&f, UINT64_C(9) * 32 * 32);
    /* 3, then 1, 2, 9 wait for 0; 8 and 9 wait for 5. */
    memcpy(order, some, sizeof(some));
    f.nmapped = 7;
    f.order = order;
    assert_need(&f, UINT64_C(4) * 32 * 32);
}

/* Nothing is mapped between the two: the second one is next at once. */
static void test_holes_do_not_keep_anybody_waiting(void **state)
{
    uint32_t *order = malloc(2 * sizeof(*order));
    struct fake_image f = {
        .size = 20 * MIB, .block_size = 2 * MIB, .order = order, .nmapped = 2};

    (void)state;
    order[0] = 3;
    order[1] = 9;
    assert_need(&f, 0);
}

/* Blocks of 64 KiB backwards: 32 bytes each, 2 Mi of them are allowed. */
static struct fake_image far_out_of_order(void)
{
    uint32_t count = 2 * MIB + 2;

    return (struct fake_image){.size = (uint64_t)count * LEAF_SIZE,
                               .block_size = LEAF_SIZE,
                               .order = backwards(count),
                               .nmapped = count};
}

static void test_beyond_the_budget_is_refused(void **state)
{
    struct fake_image f = far_out_of_order();
    struct leaf_order *o = NULL;
    struct image *img = fake_image(&f);

    (void)state;
    assert_int_equal(digest_prepare(&img, &e), ERR_NO_SPACE);
    assert_non_null(strstr(e.text, "64 MiB"));
    assert_int_equal(leaf_order_open(&o, img, NULL, NULL, &e), ERR_NO_SPACE);
    assert_null(o);
    image_close(img);
}

static void test_up_to_the_budget_is_taken(void **state)
{
    struct fake_image f = far_out_of_order();
    struct image *img;

    (void)state;
    f.size -= LEAF_SIZE;
    memmove(f.order, f.order + 1, --f.nmapped * sizeof(*f.order));
    img = fake_image(&f);
    assert_ok(digest_prepare(&img, &e), &e);
    image_close(img);
}

static void test_beyond_the_budget_goes_by_address(void **state)
{
    struct fake_image f = far_out_of_order();
    struct image *img;

    (void)state;
    f.seekable = true;
    img = fake_image(&f);
    assert_ok(digest_prepare(&img, &e), &e);
    assert_true(image_is_ascending(img));
    image_close(img);
}

static void test_broken_input_stays_broken(void **state)
{
    struct fake_image f = {.data = make_disk(9 * MIB, 1),
                           .size = 9 * MIB,
                           .block_size = MIB,
                           .fail_at = 6};
    struct leaf_hash found;

    (void)state;
    for (unsigned threads = 0; threads < 3; threads++) {
        assert_int_equal(digest_of(fake_image(&f), threads, &found),
                         ERR_CORRUPT);
        assert_string_equal(e.text, "the input is broken");
    }
    free(f.data);
}

/* Whoever gives up has the block in hand still. */
static void test_closing_in_the_middle(void **state)
{
    struct fake_image f = {
        .data = make_disk(9 * MIB, 1), .size = 9 * MIB, .block_size = MIB};

    (void)state;
    for (int steps = 0; steps < 9; steps++) {
        struct image *img = fake_image(&f);
        struct block b = {0};
        struct pool *pool = NULL;
        struct digest *d = NULL;

        assert_ok(pool_open(&pool, 2, &e), &e);
        assert_ok(digest_open(&d, &img, pool, NULL, &e), &e);
        assert_ok(block_open(&b, &e), &e);
        for (int i = 0; i < steps; i++)
            assert_int_equal(image_next(img, &b, &e), 1);
        block_close(&b);
        image_close(img);
        digest_close(d);
        pool_close(pool);
    }
    free(f.data);
}

static void test_another_block_coming_back_is_found(void **state)
{
    struct fake_image f = {
        .data = make_disk(4 * MIB, 1), .size = 4 * MIB, .block_size = MIB};
    struct image *img = fake_image(&f);
    struct block a = {0}, b = {0};
    struct pool *pool = NULL;
    struct digest *d = NULL;

    (void)state;
    assert_ok(pool_open(&pool, 0, &e), &e);
    assert_ok(digest_open(&d, &img, pool, NULL, &e), &e);
    assert_ok(block_open(&a, &e), &e);
    assert_ok(block_open(&b, &e), &e);
    assert_int_equal(image_next(img, &a, &e), 1);
    assert_int_equal(image_next(img, &b, &e), ERR_FAILED);
    block_close(&a);
    block_close(&b);
    image_close(img);
    digest_close(d);
    pool_close(pool);
    free(f.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_hash_of_zeros_is_that_of_zeros),
        cmocka_unit_test(test_any_size),
        cmocka_unit_test(test_any_order_and_block_size),
        cmocka_unit_test(test_holes_are_zeros),
        cmocka_unit_test(test_empty_disk),
        cmocka_unit_test(test_small_blocks_are_joined),
        cmocka_unit_test(test_small_blocks_that_come_apart),
        cmocka_unit_test(test_disk_without_its_parent_is_refused),
        cmocka_unit_test(test_need_is_known_beforehand),
        cmocka_unit_test(test_holes_do_not_keep_anybody_waiting),
        cmocka_unit_test(test_beyond_the_budget_is_refused),
        cmocka_unit_test(test_up_to_the_budget_is_taken),
        cmocka_unit_test(test_beyond_the_budget_goes_by_address),
        cmocka_unit_test(test_broken_input_stays_broken),
        cmocka_unit_test(test_closing_in_the_middle),
        cmocka_unit_test(test_another_block_coming_back_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
