/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "fake_image.h"
#include "image/chain/chunked_gaps.h"
#include "image/encoder.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, BLOCK = 2 * MIB, HEAD = 12 };

static struct err e;
static uint8_t out[2 * BLOCK];
static size_t out_len;
static unsigned writes;

static int take(struct sink *s, const void *buf, size_t len, struct err *err)
{
    (void)s, (void)err;
    assert_true(len <= sizeof(out) - out_len);
    memcpy(out + out_len, buf, len);
    out_len += len;
    writes++;
    return 0;
}

static const struct sink_ops counting_ops = {.write = take};

/* The chunked form of one block, of which these sectors are there. */
static void encode(const uint8_t *present, uint8_t *data)
{
    const struct fake_image f = {.size = BLOCK, .block_size = BLOCK};
    CLEANUP(image) struct image *img = fake_image(&f);
    CLEANUP(encoder) struct encoder *enc = NULL;
    struct sink s = {.ops = &counting_ops};
    CLEANUP(block) struct block b = {0};

    out_len = writes = 0;
    assert_ok(chunked_runs_encoder(&enc, img, 0, 0, &e), &e);
    assert_ok(block_open(&b, &e), &e);
    b.len = BLOCK;
    memcpy(b.data, data, BLOCK);
    memcpy(b.present, present, BLOCK / SECTOR_SIZE / 8);
    assert_ok(enc->ops->begin(enc, &s, &e), &e);
    assert_ok(enc->ops->block(enc, &s, &b, &e), &e);
    assert_ok(enc->ops->end(enc, &s, &e), &e);
}

/* Reads the records as XAPI does; marks in `got` the sectors that came. */
static void check_records(const uint8_t *data, uint8_t *got)
{
    size_t at = 0;

    for (;;) {
        uint32_t offset = get_le32(out + at); /* its low half */
        uint32_t len = get_le32(out + at + 8);

        at += HEAD;
        if (!len)
            break;
        assert_memory_equal(out + at, data + offset, len);
        bits_set_run(got, offset / SECTOR_SIZE, len / SECTOR_SIZE);
        at += len;
    }
    assert_int_equal(at, out_len);
}

static void check(const uint8_t *present)
{
    uint8_t got[BLOCK / SECTOR_SIZE / 8] = {0};
    uint8_t *data = malloc(BLOCK);

    assert_non_null(data);
    for (size_t i = 0; i < BLOCK; i++)
        data[i] = (uint8_t)(i * 7 / 512 + i);
    encode(present, data);
    check_records(data, got);
    assert_memory_equal(got, present, sizeof(got));
    free(data);
}

static void test_many_small_runs_are_few_writes(void **state)
{
    uint8_t present[BLOCK / SECTOR_SIZE / 8];

    (void)state;
    memset(present, 0x55, sizeof(present)); /* 2048 runs of a sector, 1 MiB */
    check(present);
    assert_true(writes <= 3);
}

static void test_large_and_small_runs_keep_their_order(void **state)
{
    uint8_t present[BLOCK / SECTOR_SIZE / 8] = {0};

    (void)state;
    bits_set_run(present, 0, 3);
    bits_set_run(present, 8, 1000);
    bits_set_run(present, 1010, 1);
    bits_set_run(present, 1024, 128);  /* 64 KiB */
    bits_set_run(present, 1200, 129);  /* and more */
    bits_set_run(present, 1400, 2696); /* to the end */
    check(present);
    assert_true(writes <= 7);
}

static void test_nothing_is_the_end_alone(void **state)
{
    uint8_t present[BLOCK / SECTOR_SIZE / 8] = {0};

    (void)state;
    check(present);
    assert_int_equal(out_len, HEAD);
}

static void test_gaps_of_a_piece_are_one_write_each(void **state)
{
    const struct coverage_options opt = {
        .name = "x", .budget = MIB, .keep = true};
    CLEANUP(coverage) struct coverage *c = NULL;
    struct sink s = {.ops = &counting_ops};
    uint8_t *zeros = calloc(1, BLOCK), got[BLOCK / SECTOR_SIZE / 8] = {0};
    uint8_t sector = 0x80; /* bit 0 */

    (void)state;
    assert_non_null(zeros);
    out_len = writes = 0;
    assert_ok(coverage_open(&c, &opt, &e), &e);
    assert_ok(coverage_grow(c, BLOCK, &e), &e);
    coverage_begin(c, 0, true);
    assert_ok(coverage_add(c, 100, 1, &sector, &e), &e);
    coverage_end(c);
    assert_ok(chunked_gaps_write(&s, c, BLOCK, NULL, &e), &e);
    assert_int_equal(out_len, chunked_gaps_size(c, BLOCK));
    check_records(zeros, got);
    assert_int_equal(bits_count(got, BLOCK / SECTOR_SIZE),
                     BLOCK / SECTOR_SIZE - 1);
    assert_false(bit_get(got, 100));
    assert_int_equal(writes, 3); /* before it, behind it, the end */
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_small_runs_are_few_writes),
        cmocka_unit_test(test_large_and_small_runs_keep_their_order),
        cmocka_unit_test(test_nothing_is_the_end_alone),
        cmocka_unit_test(test_gaps_of_a_piece_are_one_write_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
