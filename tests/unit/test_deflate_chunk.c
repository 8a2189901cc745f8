/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/deflate_chunk.h"
#include "io/deflate_join.h"
#include "unit.h"

#include "samples.h"

#include <libdeflate.h>
#include <stdlib.h>

static struct err e;
static uint8_t data[DEFLATE_CHUNK_SIZE];
static uint8_t packed[2 * DEFLATE_CHUNK_ROOM];
static uint8_t back[2 * DEFLATE_CHUNK_SIZE];

/* Inflates packed[0 .. len) and what closes it: the number of bytes. */
static size_t inflate(size_t len)
{
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    size_t used = 0, made = 0;

    memcpy(packed + len, deflate_end, DEFLATE_END_SIZE);
    len += DEFLATE_END_SIZE;
    assert_int_equal(libdeflate_deflate_decompress_ex(
                         z, packed, len, back, sizeof(back), &used, &made),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(used, len);
    libdeflate_free_decompressor(z);
    return made;
}

static size_t deflate(struct deflater *d, size_t len, size_t at)
{
    size_t size = deflate_chunk(d, data, len, packed + at);

    assert_in_range(size, 1, DEFLATE_CHUNK_ROOM);
    return size;
}

static void test_two_chunks_are_one_stream(void **state)
{
    const size_t lens[] = {1, 2, 100, 65535, 65536, 131070, DEFLATE_CHUNK_SIZE};

    (void)state;
    for (int level = 1; level <= 9; level++) {
        struct deflater *d = NULL;

        assert_ok(deflater_open(&d, level, &e), &e);
        for (enum sample kind = ZEROS; kind < SAMPLES; kind++) {
            sample_fill(kind, data, sizeof(data));
            for (int i = 0; i < 7; i++) {
                size_t len = lens[i];
                size_t size = deflate(d, len, 0);

                size += deflate(d, len, size);
                assert_int_equal(inflate(size), 2 * len);
                assert_memory_equal(back, data, len);
                assert_memory_equal(back + len, data, len);
            }
        }
        deflater_close(d);
    }
}

static void test_the_result_does_not_depend_on_what_came_before(void **state)
{
    static uint8_t first[DEFLATE_CHUNK_ROOM];

    (void)state;
    for (int level = 1; level <= 9; level++) {
        struct deflater *used = NULL, *fresh = NULL;
        size_t size;

        assert_ok(deflater_open(&used, level, &e), &e);
        assert_ok(deflater_open(&fresh, level, &e), &e);
        sample_text(data, sizeof(data), 77);
        deflate(used, sizeof(data), 0);
        sample_fill(MIXED, data, sizeof(data));
        size = deflate(used, sizeof(data), 0);
        memcpy(first, packed, size);
        assert_int_equal(deflate(fresh, sizeof(data), 0), size);
        assert_memory_equal(packed, first, size);
        deflater_close(used);
        deflater_close(fresh);
    }
}

static void test_random_bytes_are_stored(void **state)
{
    struct deflater *d = NULL;

    (void)state;
    assert_ok(deflater_open(&d, 1, &e), &e);
    sample_fill(RANDOM, data, sizeof(data));
    /* Nine blocks, with five bytes before each. */
    assert_int_equal(deflate(d, sizeof(data), 0), sizeof(data) + 9 * 5);
    deflater_close(d);
}

/* A period of 10000 does not even look random. */
static void test_random_bytes_that_repeat_are_not_stored(void **state)
{
    const size_t periods[] = {4096, 10000, 20000, 30000};

    (void)state;
    for (int k = 0; k < 12; k++) {
        const int levels[] = {1, 2, 6};
        struct deflater *d = NULL;
        size_t period = periods[k % 4];

        assert_ok(deflater_open(&d, levels[k / 4], &e), &e);
        sample_random(data, period, 4);
        for (size_t i = period; i < sizeof(data); i++)
            data[i] = data[i - period];
        assert_in_range(deflate(d, sizeof(data), 0), 1, sizeof(data) / 4);
        deflater_close(d);
    }
}

/* One page of eight is the one before it. */
static void test_random_pages_that_are_there_twice_are_not_stored(void **state)
{
    const int levels[] = {1, 2, 6};

    (void)state;
    sample_fill(RANDOM, data, sizeof(data));
    for (size_t i = 4096; i < sizeof(data); i += 8 * 4096)
        memcpy(data + i, data + i - 4096, 4096);
    for (int i = 0; i < 3; i++) {
        struct deflater *d = NULL;

        assert_ok(deflater_open(&d, levels[i], &e), &e);
        assert_in_range(deflate(d, sizeof(data), 0), 1, sizeof(data) / 10 * 9);
        deflater_close(d);
    }
}

static void test_higher_levels_are_denser(void **state)
{
    const int levels[] = {1, 4, 6, 9};
    size_t before = SIZE_MAX;

    (void)state;
    sample_fill(TEXT, data, sizeof(data));
    for (int i = 0; i < 4; i++) {
        struct deflater *d = NULL;
        size_t size;

        assert_ok(deflater_open(&d, levels[i], &e), &e);
        size = deflate(d, sizeof(data), 0);
        assert_true(size < before);
        before = size;
        deflater_close(d);
    }
}

static void test_the_chosen_level_is_taken(void **state)
{
    static const int levels[] = {1, 2, 4, 6, 9};
    static uint8_t expected[DEFLATE_CHUNK_ROOM];
    struct deflater *some = NULL;

    (void)state;
    sample_fill(MIXED, data, sizeof(data));
    assert_ok(deflater_open_some(&some, levels, 5, &e), &e);
    for (unsigned i = 5; i-- > 0;) {
        struct deflater *one = NULL;
        size_t size;

        assert_ok(deflater_open(&one, levels[i], &e), &e);
        size = deflate(one, sizeof(data), 0);
        memcpy(expected, packed, size);
        deflater_choose(some, i);
        assert_int_equal(deflate(some, sizeof(data), 0), size);
        assert_memory_equal(packed, expected, size);
        deflater_close(one);
    }
    deflater_close(some);
}

static void test_impossible_levels_are_refused(void **state)
{
    struct deflater *d = NULL;

    (void)state;
    assert_int_equal(deflater_open(&d, 0, &e), ERR_USAGE);
    assert_int_equal(deflater_open(&d, 10, &e), ERR_USAGE);
    assert_null(d);
}

/* --- joining --------------------------------------------------------------*/

static size_t whole_stream(int level, size_t len)
{
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(level);
    size_t size =
        libdeflate_deflate_compress(z, data, len, packed, DEFLATE_CHUNK_ROOM);

    assert_true(size > 0);
    libdeflate_free_compressor(z);
    return size;
}

static void test_streams_of_every_form_are_joined(void **state)
{
    (void)state;
    for (int level = 0; level <= 12; level++) {
        for (enum sample kind = ZEROS; kind < SAMPLES; kind++) {
            sample_fill(kind, data, sizeof(data));
            for (size_t len = 0; len < 200000; len = 3 * len + 1) {
                size_t size = whole_stream(level, len);
                size_t joined = deflate_join(packed, size);

                assert_in_range(joined, 1, size + DEFLATE_JOIN_ROOM);
                assert_memory_equal(packed + joined - 4, "\0\0\xff\xff", 4);
                assert_int_equal(inflate(joined), len);
                assert_memory_equal(back, data, len);
            }
        }
    }
}

static void test_a_cut_stream_is_not_joined(void **state)
{
    size_t size;

    (void)state;
    sample_fill(MIXED, data, sizeof(data));
    size = whole_stream(6, 3000);
    for (size_t len = 0; len < size; len++)
        assert_int_equal(deflate_join(packed, len), 0);
}

static void test_bytes_after_the_end_are_not_joined(void **state)
{
    size_t size;

    (void)state;
    sample_fill(TEXT, data, sizeof(data));
    size = whole_stream(6, 3000);
    packed[size] = 0;
    assert_int_equal(deflate_join(packed, size + 1), 0);
}

/* Whatever it makes of them, it stays within its array (sanitizers look). */
static void test_hostile_bytes_are_survived(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 3000; seed++) {
        size_t len = 1 + seed % 300;
        uint8_t *raw = malloc(len + DEFLATE_JOIN_ROOM + DEFLATE_JOIN_PADDING);

        sample_random(raw, len, seed);
        assert_true(deflate_join(raw, len) <= len + DEFLATE_JOIN_ROOM);
        free(raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_chunks_are_one_stream),
        cmocka_unit_test(test_the_result_does_not_depend_on_what_came_before),
        cmocka_unit_test(test_random_bytes_are_stored),
        cmocka_unit_test(test_random_bytes_that_repeat_are_not_stored),
        cmocka_unit_test(test_random_pages_that_are_there_twice_are_not_stored),
        cmocka_unit_test(test_higher_levels_are_denser),
        cmocka_unit_test(test_the_chosen_level_is_taken),
        cmocka_unit_test(test_impossible_levels_are_refused),
        cmocka_unit_test(test_streams_of_every_form_are_joined),
        cmocka_unit_test(test_a_cut_stream_is_not_joined),
        cmocka_unit_test(test_bytes_after_the_end_are_not_joined),
        cmocka_unit_test(test_hostile_bytes_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
