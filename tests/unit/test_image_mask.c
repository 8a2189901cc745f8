/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/mem.h"
#include "fake_image.h"
#include "image/chain/image_mask.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 2 * 1024 * 1024, BLOCKS = 3, SIZE = BLOCKS * BLOCK };
enum { SECTORS = SIZE / SECTOR_SIZE, PER_BLOCK = BLOCK / SECTOR_SIZE };

static struct err e;
static uint8_t *disk;

/* What owns the sectors [from, from + count), which are of one block. */
static struct coverage *covered(uint64_t from, uint32_t count)
{
    const struct coverage_options opt = {
        .budget = 1 << 20, .keep = true, .name = "x", .alone = true};
    uint8_t bits[PER_BLOCK / 8] = {0};
    struct coverage *c;

    assert_ok(coverage_open(&c, &opt, &e), &e);
    assert_ok(coverage_grow(c, SIZE, &e), &e);
    coverage_begin(c, 0, false);
    bits_set_run(bits, 0, count);
    assert_ok(coverage_add(c, from, count, bits, &e), &e);
    return c;
}

static struct image *open_disk(uint32_t only, bool has_parent)
{
    struct fake_image f = {.data = disk,
                           .size = SIZE,
                           .block_size = BLOCK,
                           .has_parent = has_parent};

    if (only < BLOCKS) {
        f.order = malloc(sizeof(*f.order));
        assert_non_null(f.order);
        *f.order = only;
        f.nmapped = 1;
    }
    return fake_image(&f);
}

/* The disk has 0xaa everywhere; of what comes only [from, end) may be left, as
 * bytes and as sectors that are present. */
static void check(struct image *img, uint64_t from, uint64_t end)
{
    CLEANUP(block) struct block b = {0};
    uint64_t sectors = 0;

    assert_ok(block_open(&b, &e), &e);
    while (image_next(img, &b, &e) > 0)
        for (uint32_t i = 0; i < b.len / SECTOR_SIZE; i++, sectors++) {
            uint64_t at = (uint64_t)b.index * PER_BLOCK + i;
            bool is_left = at >= from && at < end;
            const uint8_t *data = b.data + (size_t)i * SECTOR_SIZE;

            assert_int_equal(bit_get(b.present, i) != 0, is_left);
            assert_int_equal(data[0], is_left ? 0xaa : 0);
            assert_int_equal(data[SECTOR_SIZE - 1], is_left ? 0xaa : 0);
        }
    assert_int_equal(sectors, SECTORS);
    image_close(img);
}

static void test_what_has_no_owner_is_zeros(void **state)
{
    CLEANUP(coverage) struct coverage *c = covered(PER_BLOCK + 7, 50);
    struct image *img = open_disk(BLOCKS, true);

    (void)state;
    assert_ok(image_mask(&img, c, SIZE, &e), &e);
    assert_false(img->has_parent);
    check(img, PER_BLOCK + 7, PER_BLOCK + 57);
}

static void test_what_is_past_the_base_stays(void **state)
{
    CLEANUP(coverage) struct coverage *c = covered(0, 0);
    struct image *img = open_disk(BLOCKS, false);
    uint64_t from = PER_BLOCK + 100;

    (void)state;
    assert_ok(image_mask(&img, c, from * SECTOR_SIZE, &e), &e);
    check(img, from, SECTORS);
}

static void test_an_owner_outside_the_map_does_not_fit(void **state)
{
    CLEANUP(coverage) struct coverage *first = covered(PER_BLOCK - 1, 1);
    CLEANUP(coverage) struct coverage *last = covered(SECTORS - 1, 1);
    CLEANUP(coverage) struct coverage *none = covered(0, 0);
    struct image *img = open_disk(0, true);

    (void)state;
    assert_true(image_mask_fits(img, first));
    assert_true(image_mask_fits(img, none));
    assert_false(image_mask_fits(img, last));
    image_close(img);
}

static int set_up(void **state)
{
    (void)state;
    disk = malloc(SIZE);
    if (disk)
        memset(disk, 0xaa, SIZE);
    return disk ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(disk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_has_no_owner_is_zeros),
        cmocka_unit_test(test_what_is_past_the_base_stays),
        cmocka_unit_test(test_an_owner_outside_the_map_does_not_fit),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
