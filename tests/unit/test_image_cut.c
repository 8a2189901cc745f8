/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "fake_image.h"
#include "image/image.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 2 * 1024 * 1024, BLOCKS = 5, SIZE = BLOCKS * BLOCK };

static struct err e;
static uint8_t *disk;

/* `disk` with the given order, cut to `size`. */
static struct image *open_cut(uint32_t *order, uint32_t nmapped, uint64_t size)
{
    const struct fake_image f = {.data = disk,
                                 .size = SIZE,
                                 .block_size = BLOCK,
                                 .order = order,
                                 .nmapped = nmapped};
    struct image *img = fake_image(&f);

    assert_ok(image_cut(&img, size, &e), &e);
    assert_int_equal(img->size, size);
    return img;
}

static uint32_t *order_of(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t *order = calloc(3, sizeof(*order));

    assert_non_null(order);
    order[0] = a;
    order[1] = b;
    order[2] = c;
    return order;
}

static void fill(uint64_t size)
{
    for (uint64_t i = 0; i < SIZE; i++)
        disk[i] = i < size ? (uint8_t)(i % 251 + 1) : 0;
}

/* Reads all: 0, or the failure; stores how many bytes came. */
static int read_all(struct image *img, uint64_t *bytes)
{
    struct block b = {0};
    int more;

    *bytes = 0;
    assert_ok(block_open(&b, &e), &e);
    while ((more = image_next(img, &b, &e)) > 0) {
        uint64_t at = (uint64_t)b.index * BLOCK + b.offset;

        assert_true(b.len && at + b.len <= img->size);
        assert_memory_equal(b.data, disk + at, b.len);
        *bytes += b.len;
    }
    block_close(&b);
    image_close(img);
    return more;
}

static void test_blocks_past_the_end_do_not_come(void **state)
{
    uint64_t size = 2 * BLOCK + 1536, bytes;
    struct image *img;

    (void)state;
    fill(size);
    img = open_cut(backwards(BLOCKS), BLOCKS, size);
    assert_int_equal(img->nblocks, 3);
    assert_int_equal(img->nmapped, 3);
    assert_int_equal(read_all(img, &bytes), 0);
    assert_int_equal(bytes, size);
}

static void test_its_map_and_order_are_those_inside(void **state)
{
    uint64_t size = 3 * (uint64_t)BLOCK - 512, bytes;
    struct image *img;

    (void)state;
    fill(size);
    img = open_cut(order_of(4, 2, 0), 3, size);
    assert_int_equal(img->nmapped, 2);
    assert_true(bit_get(img->map, 0) && bit_get(img->map, 2));
    assert_false(bit_get(img->map, 1));
    assert_int_equal(img->order[0], 2);
    assert_int_equal(img->order[1], 0);
    assert_int_equal(read_all(img, &bytes), 0);
    assert_int_equal(bytes, 2 * (uint64_t)BLOCK - 512);
}

static void test_what_lies_past_the_end_has_to_be_zeros(void **state)
{
    const uint64_t size = 2 * BLOCK + 1536;
    const uint64_t places[] = {size, size + 1000, 3 * (uint64_t)BLOCK,
                               SIZE - 1};

    (void)state;
    for (int i = 0; i < 4; i++) {
        uint64_t bytes;
        char expected[200];

        fill(size);
        disk[places[i]] = 1;
        assert_int_equal(
            read_all(open_cut(shuffled(BLOCKS, 3), BLOCKS, size), &bytes),
            ERR_CORRUPT);
        (void)snprintf(expected, sizeof(expected), "byte %llu is not zero",
                       (unsigned long long)places[i]);
        assert_non_null(strstr(e.text, expected));
    }
}

static void test_the_right_size_is_left_alone(void **state)
{
    const struct fake_image f = {.size = SIZE, .block_size = BLOCK};
    struct image *img = fake_image(&f), *before = img;

    (void)state;
    assert_ok(image_cut(&img, SIZE, &e), &e);
    assert_ptr_equal(img, before);
    image_close(img);
}

static int setup(void **state)
{
    (void)state;
    disk = malloc(SIZE);
    return disk ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(disk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_past_the_end_do_not_come),
        cmocka_unit_test(test_its_map_and_order_are_those_inside),
        cmocka_unit_test(test_what_lies_past_the_end_has_to_be_zeros),
        cmocka_unit_test(test_the_right_size_is_left_alone),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
