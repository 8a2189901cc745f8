/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/gzip_marker.h"
#include "unit.h"

#include <libdeflate.h>

static uint8_t raw[GZIP_MARKER_SIZE + 2];

static void test_sizes_come_back(void **state)
{
    const uint32_t sizes[] = {0, 1, 77, 524288, 0x80000000, 0xffffffff};

    (void)state;
    for (int i = 0; i < 6; i++) {
        uint32_t size = 5;

        gzip_marker_encode(raw, sizes[i]);
        assert_true(gzip_marker_decode(raw, &size));
        assert_int_equal(size, sizes[i]);
    }
}

static void test_every_beginning_is_one(void **state)
{
    (void)state;
    gzip_marker_encode(raw, 0x12345678);
    for (size_t len = 0; len <= GZIP_MARKER_SIZE; len++)
        assert_true(gzip_marker_begins(raw, len));
}

/* 32 bits are the size; any other one that is wrong, and it is no marker. */
static void test_all_bits_but_the_size_are_looked_at(void **state)
{
    unsigned taken = 0;

    (void)state;
    gzip_marker_encode(raw, 0x12345678);
    for (unsigned bit = 0; bit < 8 * GZIP_MARKER_SIZE; bit++) {
        uint32_t size;

        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(gzip_marker_decode(raw, &size),
                         gzip_marker_begins(raw, GZIP_MARKER_SIZE));
        taken += gzip_marker_decode(raw, &size);
        raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(taken, 32);
}

static void test_empty_blocks_of_others_are_none(void **state)
{
    (void)state;
    for (int i = 0; i < GZIP_MARKER_SIZE; i++)
        raw[i] = i % 5 < 3 ? 0 : 0xff;
    assert_false(gzip_marker_begins(raw, 1));
}

static void test_a_marker_is_no_content(void **state)
{
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    uint8_t out[16];
    size_t made = 1;

    (void)state;
    gzip_marker_encode(raw, 0xffffffff);
    raw[GZIP_MARKER_SIZE] = 3;
    raw[GZIP_MARKER_SIZE + 1] = 0;
    assert_int_equal(libdeflate_deflate_decompress(z, raw, sizeof(raw), out,
                                                   sizeof(out), &made),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(made, 0);
    libdeflate_free_decompressor(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_come_back),
        cmocka_unit_test(test_every_beginning_is_one),
        cmocka_unit_test(test_all_bits_but_the_size_are_looked_at),
        cmocka_unit_test(test_empty_blocks_of_others_are_none),
        cmocka_unit_test(test_a_marker_is_no_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
