/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fake_image.h"
#include "image/digest/image_compare.h"
#include "image/digest/leaf_sum.h"
#include "memory_io.h"
#include "unit.h"

#include <stdlib.h>

enum { KIB = 1024, MIB = 1024 * KIB, SIZE = MIB + 3 * 512 };

static struct err e;

/* What a disk can do decides how it is compared. */
enum kind { SEEKABLE, BY_ADDRESS, SHUFFLED, LIST, KINDS };

struct disk {
    uint8_t *data;
    uint64_t size;
    enum kind kind;
    uint32_t block_size;
    uint8_t *list; /* LIST: the text */
};

/* --- making them ---------------------------------------------------------- */

/* Every third 128 KiB holds some bytes, the rest zeros. */
static uint8_t *make_content(void)
{
    uint8_t *data = calloc(1, 2 * SIZE);
    unsigned seed = 5;

    assert_non_null(data);
    for (size_t i = 0; i < 2 * SIZE; i += 97)
        if (i / (MIB / 8) % 3 == 1)
            data[i] = (uint8_t)rand_r(&seed);
    return data;
}

static bool is_zero(const uint8_t *p, size_t len)
{
    while (len && !*p)
        p++, len--;
    return !len;
}

/* Blocks of zeros with an odd number are left out. */
static struct image *open_disk(const struct disk *d, unsigned seed)
{
    uint32_t count = (uint32_t)((d->size + d->block_size - 1) / d->block_size);
    uint32_t *all = shuffled(count, seed), *order = shuffled(count, seed);
    struct fake_image f = {.data = d->data,
                           .size = d->size,
                           .block_size = d->block_size,
                           .order = order,
                           .seekable = d->kind == SEEKABLE};

    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = d->kind == BY_ADDRESS ? i : all[i];
        uint64_t at = (uint64_t)index * d->block_size, left = d->size - at;

        if (index % 2 == 0 ||
            !is_zero(d->data + at, left < d->block_size ? left : d->block_size))
            order[f.nmapped++] = index;
    }
    free(all);
    return fake_image(&f);
}

/* The list of a disk's block digests, from the definition. */
static struct hash_reader *open_list(struct disk *d)
{
    size_t len;
    struct sink *s = memory_sink(&d->list, &len, false);
    struct hasher *h = NULL;
    struct leaf_sum *sum = NULL;
    struct hash_list *l = NULL;
    struct hash_reader *r = NULL;
    struct leaf_hash hash;
    struct source *src;

    assert_ok(hash_list_open(&l, s, d->size, &e), &e);
    assert_ok(leaf_sum_open(&sum, d->size, &e), &e);
    assert_ok(hasher_open(&h, &e), &e);
    for (uint64_t at = 0; at < d->size; at += LEAF_SIZE) {
        uint64_t left = d->size - at;

        assert_ok(hasher_leaf(h, d->data + at,
                              (uint32_t)(left < LEAF_SIZE ? left : LEAF_SIZE),
                              &hash, &e),
                  &e);
        assert_ok(leaf_sum_add(sum, &hash, 1, &e), &e);
        assert_ok(hash_list_add(l, &hash, 1, &e), &e);
    }
    assert_ok(leaf_sum_finish(sum, &hash, &e), &e);
    assert_ok(hash_list_end(l, &hash, &e), &e);
    hash_list_close(l);
    leaf_sum_close(sum);
    hasher_close(h);
    sink_close(s, NULL);
    src = memory_source(d->list, len, 1000, false);
    assert_ok(hash_reader_open(&r, &src, &e), &e);
    return r;
}

static int compare(struct disk *a, struct disk *b, unsigned threads,
                   struct comparison *out)
{
    struct disk *disks[2] = {a, b};
    struct compared pair[2] = {{0}, {0}};
    struct compare_options opt = {.threads = threads};
    int result;

    assert_ok(pool_open(&opt.pool, threads, &e), &e);
    for (int i = 0; i < 2; i++) {
        if (disks[i]->kind == LIST)
            pair[i].list = open_list(disks[i]);
        else
            pair[i].img = open_disk(disks[i], (unsigned)i + 1);
    }
    result = image_compare(pair, &opt, out, &e);
    for (int i = 0; i < 2; i++) {
        image_close(pair[i].img);
        hash_reader_close(pair[i].list);
        free(disks[i]->list);
        disks[i]->list = NULL;
    }
    pool_close(opt.pool);
    return result;
}

/* Whether a pair of kinds is compared by hashes. */
static bool by_hashes(enum kind a, enum kind b)
{
    if (a == LIST || b == LIST)
        return true;
    return (a == SHUFFLED && b != SEEKABLE) || (b == SHUFFLED && a != SEEKABLE);
}

/* Calls check for two equal disks of each pair of kinds and block sizes. */
static void for_all(void (*check)(struct disk *a, struct disk *b,
                                  unsigned threads))
{
    const uint32_t sizes[] = {LEAF_SIZE, MIB / 4};

    for (enum kind k = SEEKABLE; k < KINDS; k++) {
        for (enum kind l = SEEKABLE; l < KINDS; l++) {
            for (unsigned i = 0; i < 4; i++) {
                struct disk a = {.data = make_content(), .size = SIZE};
                struct disk b = {.data = make_content(), .size = SIZE};

                a.kind = k;
                b.kind = l;
                a.block_size = sizes[i % 2];
                b.block_size = sizes[i / 2];
                check(&a, &b, i == 1 ? 2 : 0);
                free(a.data);
                free(b.data);
            }
        }
    }
}

/* --- tests ---------------------------------------------------------------- */

static void check_equal(struct disk *a, struct disk *b, unsigned threads)
{
    struct comparison c = {0};

    assert_ok(compare(a, b, threads, &c), &e);
    assert_true(c.same);
}

static void test_equal_disks_are_the_same(void **state)
{
    (void)state;
    for_all(check_equal);
}

static void assert_first(struct disk *a, struct disk *b, unsigned threads,
                         uint64_t first)
{
    struct comparison c = {.same = true};

    assert_ok(compare(a, b, threads, &c), &e);
    assert_false(c.same);
    if (c.span == 1 || !by_hashes(a->kind, b->kind)) {
        assert_int_equal(c.first, first);
        assert_int_equal(c.span, 1);
    } else {
        assert_int_equal(c.first, first / LEAF_SIZE * LEAF_SIZE);
        assert_true(c.span <= LEAF_SIZE && c.first + c.span > first);
    }
}

/* In data, in a hole, at the very ends; the first of two counts. */
static void check_difference(struct disk *a, struct disk *b, unsigned threads)
{
    const uint64_t places[] = {0, 200000, MIB / 2 + 1, SIZE - 1};

    for (int i = 3; i >= 0; i--) {
        a->data[places[i]] ^= 1;
        assert_first(a, b, threads, places[i]);
    }
}

static void test_first_difference_is_found(void **state)
{
    (void)state;
    for_all(check_difference);
}

static void check_larger(struct disk *a, struct disk *b, unsigned threads)
{
    struct comparison c = {.same = true};

    b->size += MIB;
    memset(b->data + SIZE, 0, MIB);
    assert_ok(compare(a, b, threads, &c), &e);
    assert_false(c.same);
    if (by_hashes(a->kind, b->kind)) {
        assert_true(c.first <= SIZE && c.first + c.span >= SIZE);
    } else {
        assert_int_equal(c.first, SIZE);
        assert_true(c.rest_is_zero);
        b->data[SIZE + MIB / 2] = 1;
        assert_ok(compare(a, b, threads, &c), &e);
        assert_int_equal(c.first, SIZE);
        assert_false(c.rest_is_zero);
    }
}

static void test_larger_disk_is_another_one(void **state)
{
    (void)state;
    for_all(check_larger);
}

static void check_smaller(struct disk *a, struct disk *b, unsigned threads)
{
    struct comparison c = {.same = true};

    check_larger(b, a, threads);
    b->size = MIB - 512;
    b->data[MIB / 2] ^= 1;
    assert_ok(compare(a, b, threads, &c), &e);
    assert_true(c.first <= MIB / 2 && c.first + c.span > MIB / 2);
}

static void test_smaller_disk_is_another_one(void **state)
{
    (void)state;
    for_all(check_smaller);
}

/* The end of a disk that is equal so far is looked at, too: it may be cut. */
static void test_broken_end_is_no_equal_disk(void **state)
{
    struct disk d = {
        .data = make_content(), .size = SIZE, .block_size = MIB / 2};
    struct compare_options opt = {0};

    (void)state;
    assert_ok(pool_open(&opt.pool, 0, &e), &e);
    for (enum kind k = SEEKABLE; k <= SHUFFLED; k++) {
        for (int side = 0; side < 2; side++) {
            struct fake_image broken = {.data = d.data,
                                        .size = SIZE,
                                        .block_size = MIB / 2,
                                        .fail_at = 3};
            struct compared pair[2] = {{0}, {0}};
            struct comparison c;

            d.kind = k;
            pair[side].img = fake_image(&broken);
            pair[!side].img = open_disk(&d, 1);
            assert_int_equal(image_compare(pair, &opt, &c, &e), ERR_CORRUPT);
            image_close(pair[0].img);
            image_close(pair[1].img);
        }
    }
    pool_close(opt.pool);
    free(d.data);
}

static void test_disk_without_its_parent_is_refused(void **state)
{
    struct fake_image child = {
        .size = 4 * MIB, .block_size = 2 * MIB, .has_parent = true};
    struct compare_options opt = {0};

    (void)state;
    for (int side = 0; side < 2; side++) {
        struct compared pair[2] = {{.img = fake_image(&child)},
                                   {.img = fake_image(&child)}};
        struct comparison c;

        pair[side].img->has_parent = false;
        assert_int_equal(image_compare(pair, &opt, &c, &e), ERR_UNSUPPORTED);
        image_close(pair[0].img);
        image_close(pair[1].img);
    }
}

static void test_bytes_are_compared_with_zeros(void **state)
{
    uint8_t a[10000] = {0}, b[10000] = {0};

    (void)state;
    assert_int_equal(compare_bytes(a, b, sizeof(a)), sizeof(a));
    assert_int_equal(compare_bytes(a, NULL, sizeof(a)), sizeof(a));
    assert_int_equal(compare_bytes(NULL, NULL, sizeof(a)), sizeof(a));
    a[9999] = 1;
    assert_int_equal(compare_bytes(a, b, sizeof(a)), 9999);
    assert_int_equal(compare_bytes(NULL, a, sizeof(a)), 9999);
    assert_int_equal(compare_bytes(a, NULL, 9999), 9999);
    b[4096] = 1;
    assert_int_equal(compare_bytes(a, b, sizeof(a)), 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_disks_are_the_same),
        cmocka_unit_test(test_first_difference_is_found),
        cmocka_unit_test(test_larger_disk_is_another_one),
        cmocka_unit_test(test_smaller_disk_is_another_one),
        cmocka_unit_test(test_broken_end_is_no_equal_disk),
        cmocka_unit_test(test_disk_without_its_parent_is_refused),
        cmocka_unit_test(test_bytes_are_compared_with_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
