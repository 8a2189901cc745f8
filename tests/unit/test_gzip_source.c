/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "io/source.h"
#include "unit.h"

#include "fake_io.h"
#include "samples.h"

#include <libdeflate.h>
#include <stdio.h>

enum { SIZE = 700 * 1024 };

static struct err e;
static uint8_t data[SIZE];
static uint8_t back[SIZE + 1];
static uint8_t gz[2 * SIZE];

/* Appends a member with the content data[0 .. len) at gz[at]; the new end. */
static size_t add_member(size_t at, size_t len, int level)
{
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(level);
    size_t size =
        libdeflate_gzip_compress(z, data, len, gz + at, sizeof(gz) - at);

    assert_true(size > 0);
    libdeflate_free_compressor(z);
    return at + size;
}

/* Reads gz[0 .. len) to its end, the compressed bytes in steps of `step`, the
 * content in steps of `want`; what was read, or the error. */
static int64_t gunzip(size_t len, size_t step, size_t want)
{
    struct fake_source in;
    struct source *s = fake_source_open(&in, gz, len);
    int64_t got;
    size_t total = 0;

    in.step = step;
    assert_ok(source_gunzip(&s, NULL, &e), &e);
    for (;;) {
        size_t now = want < sizeof(back) - total ? want : sizeof(back) - total;

        got = source_read(s, back + total, now, &e);
        if (got <= 0)
            break;
        total += (size_t)got;
    }
    if (got == 0)
        assert_true(in.base.ended);
    source_close(s);
    assert_int_equal(in.closed, 1);
    return got < 0 ? got : (int64_t)total;
}

static void assert_gunzip(size_t len, size_t content)
{
    const size_t steps[] = {0, 1000, 3, 1};
    int count = content > 40000 ? 2 : 4;

    for (int i = 0; i < count; i++) {
        memset(back, 0xee, sizeof(back));
        assert_int_equal(gunzip(len, steps[i], sizeof(back)), content);
        assert_memory_equal(back, data, content);
    }
}

static void test_all_kinds_are_inflated(void **state)
{
    (void)state;
    for (enum sample kind = ZEROS; kind < SAMPLES; kind++) {
        sample_fill(kind, data, SIZE);
        assert_gunzip(add_member(0, SIZE, 6), SIZE);
        assert_gunzip(add_member(0, SIZE, 0), SIZE);
        assert_gunzip(add_member(0, 40000, 6), 40000);
        assert_gunzip(add_member(0, 40000, 0), 40000);
    }
}

static void test_small_reads_get_the_same(void **state)
{
    const size_t wants[] = {1, 7, 512, 32768, 32769};

    (void)state;
    sample_fill(MIXED, data, SIZE);
    for (int i = 0; i < 5; i++) {
        size_t content = wants[i] < 10 ? 50000 : SIZE;

        assert_int_equal(gunzip(add_member(0, content, 1), 0, wants[i]),
                         content);
        assert_memory_equal(back, data, content);
    }
}

/* Zeros come in stretches of 258, so the 300th byte is inside of one. */
static void test_output_does_not_wait_for_more_input(void **state)
{
    struct fake_source in;
    struct source *s;
    uint64_t before;
    size_t len;

    (void)state;
    sample_fill(ZEROS, data, SIZE);
    len = add_member(0, SIZE, 6);
    s = fake_source_open(&in, gz, len);
    in.step = 1;
    assert_ok(source_gunzip(&s, NULL, &e), &e);
    for (int i = 0; i < 300; i++)
        assert_int_equal(source_read(s, back, 1, &e), 1);
    before = in.base.pos;
    for (int i = 0; i < 50; i++)
        assert_int_equal(source_read(s, back, 1, &e), 1);
    assert_int_equal(in.base.pos, before);
    source_close(s);
}

static void test_members_follow_one_another(void **state)
{
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_member(0, 1000, 6);
    len = add_member(len, 0, 6);
    len = add_member(len, 1000, 9);
    memcpy(data + 1000, data, 1000);
    assert_gunzip(len, 2000);
}

/* A header with every field there is, and a right sum of it. */
static size_t rich_header(uint8_t *out)
{
    static const uint8_t head[] = {0x1f, 0x8b, 8,   2 | 4 | 8 | 16,
                                   1,    2,    3,   4,
                                   0,    3,    3,   0,
                                   'x',  'y',  'z', 'n',
                                   'a',  'm',  'e', 0,
                                   's',  'a',  'y', 0};
    uint32_t crc = libdeflate_crc32(0, head, sizeof(head));

    memcpy(out, head, sizeof(head));
    put_le16(out + sizeof(head), (uint16_t)crc);
    return sizeof(head) + 2;
}

/* gz with its plain header replaced by a rich one; the length. */
static size_t enrich(size_t len)
{
    uint8_t head[64];
    size_t size = rich_header(head);

    memmove(gz + size, gz + 10, len - 10);
    memcpy(gz, head, size);
    return len - 10 + size;
}

static void test_every_header_field_is_understood(void **state)
{
    (void)state;
    sample_fill(TEXT, data, SIZE);
    assert_gunzip(enrich(add_member(0, 1000, 6)), 1000);
}

static void test_every_flipped_bit_of_a_summed_header_is_found(void **state)
{
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = enrich(add_member(0, 1000, 6));
    for (unsigned bit = 0; bit < 26 * 8; bit++) {
        /* The flag of the sum itself: the sum is then taken for data. */
        gz[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        assert_true(gunzip(len, 0, sizeof(back)) < 0);
        gz[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
}

static void test_a_cut_anywhere_is_found_at_its_byte(void **state)
{
    char text[128];
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = enrich(add_member(0, 3000, 6));
    for (size_t cut = 1; cut < len; cut++) {
        const size_t steps[] = {0, 5};

        for (int i = 0; i < 2; i++) {
            assert_int_equal(gunzip(cut, steps[i], sizeof(back)), ERR_CORRUPT);
            snprintf(text, sizeof(text), "it ends at byte %zu", cut);
            assert_non_null(strstr(e.text, text));
        }
    }
}

static void test_a_cut_second_member_is_found(void **state)
{
    size_t first, len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    first = add_member(0, 500, 6);
    len = add_member(first, 500, 6);
    for (size_t cut = first + 1; cut < len; cut++)
        assert_int_equal(gunzip(cut, 0, sizeof(back)), ERR_CORRUPT);
    assert_int_equal(gunzip(first, 0, sizeof(back)), 500);
}

static void test_every_flipped_bit_of_the_trailer_is_found(void **state)
{
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_member(0, 3000, 6);
    for (size_t at = len - 8; at < len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            gz[at] ^= (uint8_t)(1 << bit);
            assert_int_equal(gunzip(len, 0, sizeof(back)), ERR_CORRUPT);
            assert_non_null(strstr(e.text, "wrong"));
            gz[at] ^= (uint8_t)(1 << bit);
        }
    }
}

/* The bits that fill up the last byte mean nothing, to any reader. */
static void test_every_flipped_bit_of_the_data_is_found(void **state)
{
    unsigned taken = 0;
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_member(0, 300, 6);
    for (size_t at = 10; at < len - 8; at++) {
        for (int bit = 0; bit < 8; bit++) {
            gz[at] ^= (uint8_t)(1 << bit);
            if (gunzip(len, 0, sizeof(back)) >= 0) {
                assert_int_equal(at, len - 9);
                assert_memory_equal(back, data, 300);
                taken++;
            }
            gz[at] ^= (uint8_t)(1 << bit);
        }
    }
    assert_in_range(taken, 0, 7);
}

static void test_padding_of_zeros_is_taken(void **state)
{
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_member(0, 1000, 6);
    memset(gz + len, 0, 5000);
    assert_gunzip(len + 1, 1000);
    assert_gunzip(len + 5000, 1000);
}

static void test_what_follows_is_named_by_its_byte(void **state)
{
    char text[200];
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_member(0, 1000, 6);
    memset(gz + len, 'x', 20);
    assert_int_equal(gunzip(len + 20, 0, sizeof(back)), ERR_CORRUPT);
    snprintf(text, sizeof(text),
             "fake: something that is not gzip follows the gzip data, from "
             "byte %zu",
             len);
    assert_string_equal(e.text, text);
    /* Less of it than a header has is no cut. */
    assert_int_equal(gunzip(len + 1, 0, sizeof(back)), ERR_CORRUPT);
    assert_string_equal(e.text, text);
    memset(gz + len, 0, 10);
    assert_int_equal(gunzip(len + 20, 3, sizeof(back)), ERR_CORRUPT);
    snprintf(text, sizeof(text),
             "fake: something follows the padding of the gzip data, from byte "
             "%zu",
             len + 10);
    assert_string_equal(e.text, text);
}

static void test_what_is_not_gzip_is_refused(void **state)
{
    (void)state;
    assert_int_equal(gunzip(0, 0, sizeof(back)), ERR_CORRUPT);
    assert_string_equal(e.text, "fake: empty, where gzip is expected");
    memcpy(gz, "conectix--------", 16);
    assert_int_equal(gunzip(16, 0, sizeof(back)), ERR_CORRUPT);
    assert_string_equal(e.text, "fake: not gzip, from byte 0");
    memcpy(gz, "\x1f\x8b\x07\0\0\0\0\0\0\0", 10);
    assert_int_equal(gunzip(10, 0, sizeof(back)), ERR_UNSUPPORTED);
}

static void test_an_endless_name_is_refused(void **state)
{
    (void)state;
    memset(gz, 'n', sizeof(gz));
    memcpy(gz, "\x1f\x8b\x08\x08\0\0\0\0\0\0", 10);
    assert_int_equal(gunzip(sizeof(gz), 0, sizeof(back)), ERR_UNSUPPORTED);
}

static void test_a_failure_of_the_inner_source_is_no_end(void **state)
{
    struct fake_source in;
    struct source *s;
    int64_t got;
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_member(0, 1000, 6);
    s = fake_source_open(&in, gz, len);
    in.fail = ERR_TEMPORARY;
    assert_ok(source_gunzip(&s, NULL, &e), &e);
    assert_int_equal(source_read_most(s, back, 1000, &e), 1000);
    got = source_read(s, back, 1, &e);
    assert_int_equal(got, ERR_TEMPORARY);
    assert_string_equal(e.text, "fake: failed");
    source_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_are_inflated),
        cmocka_unit_test(test_small_reads_get_the_same),
        cmocka_unit_test(test_output_does_not_wait_for_more_input),
        cmocka_unit_test(test_members_follow_one_another),
        cmocka_unit_test(test_every_header_field_is_understood),
        cmocka_unit_test(test_every_flipped_bit_of_a_summed_header_is_found),
        cmocka_unit_test(test_a_cut_anywhere_is_found_at_its_byte),
        cmocka_unit_test(test_a_cut_second_member_is_found),
        cmocka_unit_test(test_every_flipped_bit_of_the_trailer_is_found),
        cmocka_unit_test(test_every_flipped_bit_of_the_data_is_found),
        cmocka_unit_test(test_padding_of_zeros_is_taken),
        cmocka_unit_test(test_what_follows_is_named_by_its_byte),
        cmocka_unit_test(test_what_is_not_gzip_is_refused),
        cmocka_unit_test(test_an_endless_name_is_refused),
        cmocka_unit_test(test_a_failure_of_the_inner_source_is_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
