/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The sectors of a delta in XAPI's chunked framing, broken off anywhere, and
 * the rest of them. The receiver follows the framing's definition. */

#include "base/bytes.h"
#include "base/mem.h"
#include "fake_image.h"
#include "image/encoder.h"
#include "memory_io.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 12,
    KIB = 1024,
    MIB = 1024 * KIB,
    BLOCK = 64 * KIB,
    BLOCKS = 24,
    SIZE = BLOCKS * BLOCK,   /* of the delta's disk */
    ZEROS_AT = SIZE - BLOCK, /* where its base ends */
    FULL = SIZE + 3 * MIB,   /* of the disk that is filled */
    ZEROS = FULL - ZEROS_AT + 2 * HEAD,
    OLD = 0xee,
};

static struct err e;
static uint8_t *data; /* SIZE */

struct body {
    struct image *img;
    struct encoder *enc;
    uint8_t *bytes;
    size_t len;
};

static struct image *open_delta(uint32_t block_size)
{
    const struct fake_image f = {.data = data,
                                 .size = SIZE,
                                 .block_size = block_size,
                                 .order = shuffled(SIZE / block_size, 5),
                                 .nmapped = SIZE / block_size,
                                 .has_parent = true};

    return fake_image(&f);
}

static struct body encode(uint32_t block_size, const struct encoder_rest *rest)
{
    struct body b = {.img = open_delta(block_size)};
    struct sink *s = memory_sink(&b.bytes, &b.len, false);

    assert_ok(chunked_runs_rest(&b.enc, b.img, ZEROS_AT, FULL, rest, &e), &e);
    assert_ok(image_copy(b.img, b.enc, s, NULL, NULL, &e), &e);
    sink_close(s, NULL);
    return b;
}

static void close_body(struct body *b)
{
    encoder_close(b->enc);
    image_close(b->img);
    free(b->bytes);
}

/* Writes what can be of the first `len` bytes. */
static void receive(const struct body *b, size_t len, uint8_t *disk)
{
    for (size_t at = 0; at + HEAD <= len;) {
        uint64_t offset = get_le32(b->bytes + at); /* its low half */
        size_t size = get_le32(b->bytes + at + 8);

        at += HEAD;
        assert_true(offset + size <= FULL);
        memcpy(disk + offset, b->bytes + at, size < len - at ? size : len - at);
        at += size;
    }
}

/* What the first bytes and the rest after a break make. */
static void check_cut(const struct body *b, uint32_t block_size, size_t len,
                      const struct encoder_rest *rest)
{
    struct body more = encode(block_size, rest);
    uint8_t *disk = malloc(FULL);

    assert_non_null(disk);
    memset(disk, OLD, FULL);
    receive(b, len, disk);
    receive(&more, more.len, disk);
    assert_memory_equal(disk, data, SIZE);
    for (size_t i = SIZE; i < FULL; i++)
        assert_int_equal(disk[i], 0);
    free(disk);
    close_body(&more);
}

static void check_all_cuts(uint32_t block_size)
{
    const struct encoder_rest all = {0};
    struct body b = encode(block_size, &all);
    struct encoder_rest rest;

    for (size_t len = 0; len <= b.len; len += len < b.len ? 170001 : 1) {
        len = len < b.len ? len : b.len;
        assert_int_equal(encoder_reached(b.enc, len, &rest), 1);
        check_cut(&b, block_size, len, &rest);
    }
    close_body(&b);
}

static void test_any_cut_and_the_rest_are_the_whole(void **state)
{
    (void)state;
    check_all_cuts(BLOCK);
    check_all_cuts(4 * KIB);
}

static void expect(const struct body *b, uint64_t len, uint64_t holes,
                   uint32_t blocks)
{
    struct encoder_rest rest = {0};

    assert_int_equal(encoder_reached(b->enc, len, &rest), 1);
    assert_int_equal(rest.holes, holes);
    assert_int_equal(rest.blocks, blocks);
}

static void test_zeros_and_then_block_by_block(void **state)
{
    const struct encoder_rest all = {0};
    struct body b = encode(BLOCK, &all);

    (void)state;
    expect(&b, HEAD + 2 * MIB - 1, 0, 0);
    expect(&b, HEAD + 2 * MIB, ZEROS_AT + 2 * MIB, 0);
    expect(&b, ZEROS, FULL, 0);
    expect(&b, ZEROS + 3 * (HEAD + BLOCK) - 1, FULL, 2);
    expect(&b, ZEROS + 3 * (HEAD + BLOCK), FULL, 3);
    expect(&b, b.len, FULL, BLOCKS);
    close_body(&b);
}

static void test_the_rest_of_a_rest(void **state)
{
    const struct encoder_rest five = {.blocks = 5, .holes = FULL};
    const struct encoder_rest part = {.holes = ZEROS_AT + 2 * MIB};
    struct body b = encode(BLOCK, &five);

    (void)state;
    assert_int_equal(b.len, (BLOCKS - 5) * (HEAD + BLOCK) + HEAD);
    expect(&b, 0, FULL, 5);
    expect(&b, 2 * (HEAD + BLOCK), FULL, 7);
    close_body(&b);
    b = encode(BLOCK, &part);
    assert_int_equal(get_le32(b.bytes), ZEROS_AT + 2 * MIB);
    close_body(&b);
}

/* --- further than is kept --------------------------------------------------*/

static int forget(struct sink *s, const void *buf, size_t len, struct err *err)
{
    (void)s, (void)buf, (void)len, (void)err;
    return 0;
}

static void test_what_was_long_ago_is_told_as_less(void **state)
{
    enum { MANY = 1100 };
    static const struct sink_ops ops = {.write = forget};
    uint8_t *zeros = calloc(MANY, BLOCK);
    const struct fake_image f = {.data = zeros,
                                 .size = (uint64_t)MANY * BLOCK,
                                 .block_size = BLOCK,
                                 .has_parent = true};
    struct body b = {.img = fake_image(&f)};
    struct sink s = {.ops = &ops};

    (void)state;
    assert_ok(chunked_runs_encoder(&b.enc, b.img, 0, 0, &e), &e);
    assert_ok(image_copy(b.img, b.enc, &s, NULL, NULL, &e), &e);
    expect(&b, (uint64_t)MANY * (HEAD + BLOCK), 0, MANY);
    expect(&b, (uint64_t)600 * (HEAD + BLOCK), 0, 600);
    expect(&b, (uint64_t)50 * (HEAD + BLOCK), 0, 0);
    close_body(&b);
    free(zeros);
}

static int set_up(void **state)
{
    (void)state;
    data = malloc(SIZE);
    for (size_t i = 0; data && i < SIZE; i++)
        data[i] = (uint8_t)(1 + (i + i / 512) % 200);
    return data ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_and_the_rest_are_the_whole),
        cmocka_unit_test(test_zeros_and_then_block_by_block),
        cmocka_unit_test(test_the_rest_of_a_rest),
        cmocka_unit_test(test_what_was_long_ago_is_told_as_less),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
