/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "io/source.h"
#include "unit.h"

#include "fake_io.h"
#include "samples.h"

#include <stdio.h>
#include <zstd.h>

enum { SIZE = 3 * 1024 * 1024, READERS = 4 };

static struct err e;
static uint8_t data[SIZE];
static uint8_t back[SIZE + 1];
static uint8_t zst[2 * SIZE];
static struct pool *pools[READERS]; /* the first reader has none */

/* Appends a frame with the content data[from .. to) at zst[at]; the new end. */
static size_t add_frame(size_t at, size_t from, size_t to, bool sized)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    ZSTD_inBuffer in = {data + from, to - from, 0};
    ZSTD_outBuffer out = {zst, sizeof(zst), at};

    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    if (sized)
        ZSTD_CCtx_setPledgedSrcSize(z, to - from);
    else
        ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0);
    assert_int_equal(ZSTD_compressStream2(z, &out, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(z);
    return out.pos;
}

static size_t add_skippable(size_t at, uint32_t magic, size_t len)
{
    put_le32(zst + at, magic);
    put_le32(zst + at + 4, (uint32_t)len);
    memset(zst + at + 8, 'x', len);
    return at + 8 + len;
}

static size_t add_marker(size_t at, uint32_t size)
{
    (void)add_skippable(at, 0x184D2A50, 4);
    put_le32(zst + at + 8, size);
    return at + 12;
}

/* A frame behind its marker, which announces `wrong` bytes too many. */
static size_t add_marked(size_t at, size_t from, size_t to, int wrong)
{
    size_t end = add_frame(at + 12, from, to, true);

    (void)add_marker(at, (uint32_t)(end - at - 12) + (uint32_t)wrong);
    return end;
}

/* Reads zst[0 .. len) to its end by a pool, the compressed bytes in steps of
 * `step`, the content in steps of `want`; what was read, or the error. */
static int64_t unzstd(struct pool *pool, size_t len, size_t step, size_t want)
{
    struct fake_source in;
    struct source *s = fake_source_open(&in, zst, len);
    int64_t got;
    size_t total = 0;

    in.step = step;
    assert_ok(source_unzstd(&s, pool, &e), &e);
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

static void assert_content(size_t len, size_t content)
{
    const size_t steps[] = {0, 5000, 7};
    int count = len > 10000 ? 2 : 3;

    for (int i = 0; i < count; i++) {
        for (int k = 0; k < READERS; k++) {
            memset(back, 0xee, sizeof(back));
            assert_int_equal(unzstd(pools[k], len, steps[i], sizeof(back)),
                             content);
            assert_memory_equal(back, data, content);
        }
    }
}

/* Every reader, with and without threads, finds this. */
static void assert_failure(size_t len, int code, const char *text)
{
    for (int k = 0; k < READERS; k++) {
        assert_int_equal(unzstd(pools[k], len, 0, sizeof(back)), code);
        if (!strstr(e.text, text))
            fail_msg("\"%s\" has no \"%s\"", e.text, text);
    }
}

static void test_all_kinds_are_decompressed(void **state)
{
    (void)state;
    for (enum sample kind = ZEROS; kind < SAMPLES; kind++) {
        sample_fill(kind, data, SIZE);
        assert_content(add_frame(0, 0, SIZE, true), SIZE);
        assert_content(add_frame(0, 0, SIZE, false), SIZE);
        assert_content(add_frame(0, 0, 40000, true), 40000);
    }
}

static void test_small_reads_get_the_same(void **state)
{
    const size_t wants[] = {7, 512, 131073};
    size_t len;

    (void)state;
    sample_fill(MIXED, data, SIZE);
    len = add_marked(0, 0, 500000, 0);
    len = add_frame(len, 500000, 900000, false);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < READERS; k++) {
            assert_int_equal(unzstd(pools[k], len, 0, wants[i]), 900000);
            assert_memory_equal(back, data, 900000);
        }
    }
}

static void test_frames_of_all_sorts_follow_one_another(void **state)
{
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_skippable(0, 0x184D2A5F, 0);
    len = add_frame(len, 0, 1000, true);
    len = add_frame(len, 1000, 1000, true);
    len = add_skippable(len, 0x184D2A51, 5000);
    len = add_frame(len, 1000, 3000, false);
    len = add_marked(len, 3000, 9000, 0);
    len = add_marked(len, 9000, 9001, 0);
    len = add_frame(len, 9001, 9100, false);
    len = add_marked(len, 9100, 20000, 0);
    len = add_marker(len, 0);
    len = add_frame(len, 20000, 20100, true);
    len = add_skippable(len, 0x184D2A50, 3);
    assert_content(len, 20100);
    for (size_t cut = 1; cut < len; cut += 307)
        assert_true(unzstd(pools[1], cut, 0, sizeof(back)) < 20100);
}

static void test_many_marked_frames_come_in_order(void **state)
{
    size_t len = 0;

    (void)state;
    sample_fill(MIXED, data, SIZE);
    for (size_t from = 0; from < SIZE; from += SIZE / 64)
        len = add_marked(len, from, from + SIZE / 64, 0);
    assert_content(add_marker(len, 0), SIZE);
}

static void test_a_marker_is_only_a_hint(void **state)
{
    const int wrong[] = {-1, 1, 40, -9000, 1 << 20, 1 << 30};

    (void)state;
    sample_fill(TEXT, data, SIZE);
    for (int i = 0; i < 6; i++) {
        size_t len = add_marked(0, 0, 1000, 0);

        len = add_marked(len, 1000, 40000, wrong[i]);
        len = add_marked(len, 40000, 80000, 0);
        assert_content(len, 80000);
    }
}

/* More content than a chunk of ours has, announced; and none. */
static void test_frames_that_are_not_ours_may_be_announced(void **state)
{
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_marked(0, 0, SIZE - 10, 0);
    len = add_marked(len, 0, 0, 0);
    len = add_marked(len, SIZE - 10, SIZE, 0);
    assert_content(len, SIZE);
}

static void test_a_cut_anywhere_is_found_at_its_byte(void **state)
{
    char text[128];
    size_t len, first;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    first = add_marked(0, 0, 3000, 0);
    len = add_skippable(first, 0x184D2A57, 20);
    len = add_frame(len, 3000, 4000, true);
    for (size_t cut = 1; cut < len; cut += cut < 30 || cut > first ? 1 : 17) {
        /* Frames may end anywhere: whoever cuts at one is not found out. */
        if (cut == 12 || cut == first || cut == first + 28)
            continue;
        snprintf(text, sizeof(text), "it ends at byte %zu", cut);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(unzstd(pools[k], cut, 0, sizeof(back)),
                             ERR_CORRUPT);
            assert_non_null(strstr(e.text, text));
        }
    }
}

static void test_every_flipped_byte_is_found(void **state)
{
    size_t len, marked;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    marked = add_marked(0, 0, 3000, 0);
    len = add_frame(marked, 3000, 5000, true);
    for (size_t at = 12; at < len; at += 3) {
        zst[at] ^= 0x41;
        for (int k = 0; k < 2; k++)
            assert_true(unzstd(pools[k], len, 0, sizeof(back)) < 0);
        zst[at] ^= 0x41;
    }
    zst[marked - 1] ^= 1;
    assert_failure(len, ERR_CORRUPT,
                   "fake: the content's sum is wrong in the zstd frame at byte "
                   "12");
}

static void test_what_follows_zstd_is_named_by_its_byte(void **state)
{
    char text[200];
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_marked(0, 0, 1000, 0);
    memset(zst + len, 'x', 20);
    snprintf(text, sizeof(text),
             "fake: something that is not zstd follows the zstd data, from "
             "byte %zu",
             len);
    assert_failure(len + 20, ERR_CORRUPT, text);
    /* Less of it than a magic has is no cut. */
    assert_failure(len + 1, ERR_CORRUPT, text);
    memset(zst + len, 0, 10);
    assert_content(len + 10, 1000);
    snprintf(text, sizeof(text),
             "fake: something follows the padding of the zstd data, from byte "
             "%zu",
             len + 10);
    assert_failure(len + 20, ERR_CORRUPT, text);
}

static void test_what_is_not_zstd_is_refused(void **state)
{
    (void)state;
    assert_failure(0, ERR_CORRUPT, "fake: empty, where zstd is expected");
    memcpy(zst, "conectix--------", 16);
    assert_failure(16, ERR_CORRUPT, "fake: not zstd, from byte 0");
}

/* RFC 8878, 3.1.1.1: no content size, a window of 2^28; a dictionary 1. */
static void test_what_a_frame_may_not_need(void **state)
{
    (void)state;
    memcpy(zst, "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00", 9);
    assert_failure(9, ERR_UNSUPPORTED,
                   "fake: the zstd frame at byte 0 needs a window of more than "
                   "128 MiB");
    memcpy(zst, "\x28\xb5\x2f\xfd\x01\x58\x01\x01\x00\x00", 10);
    assert_failure(10, ERR_UNSUPPORTED, "needs a dictionary");
}

static void test_silence_has_an_end(void **state)
{
    static uint8_t silent[20 << 20];
    struct fake_source in;
    struct source *s;

    (void)state;
    for (int k = 0; k < READERS; k++) {
        for (size_t at = 0; at + 12 <= sizeof(silent); at += 12) {
            put_le32(silent + at, 0x184D2A50);
            put_le32(silent + at + 4, 4);
            put_le32(silent + at + 8, k ? 4 : 0);
        }
        s = fake_source_open(&in, silent, sizeof(silent));
        assert_ok(source_unzstd(&s, pools[k], &e), &e);
        assert_int_equal(source_read(s, back, 1, &e), ERR_CORRUPT);
        assert_non_null(strstr(e.text, "of zstd data without content"));
        source_close(s);
    }
}

static void test_a_failure_of_the_inner_source_is_no_end(void **state)
{
    struct fake_source in;
    struct source *s;
    size_t len;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    len = add_marked(0, 0, 1000, 0);
    for (int k = 0; k < READERS; k++) {
        s = fake_source_open(&in, zst, len);
        in.fail = ERR_TEMPORARY;
        assert_ok(source_unzstd(&s, pools[k], &e), &e);
        assert_int_equal(source_read_most(s, back, 1000, &e), 1000);
        assert_int_equal(source_read(s, back, 1, &e), ERR_TEMPORARY);
        assert_string_equal(e.text, "fake: failed");
        source_close(s);
    }
}

static int open_pools(void **state)
{
    (void)state;
    for (unsigned k = 1; k < READERS; k++)
        assert_ok(pool_open(&pools[k], k - 1, &e), &e);
    return 0;
}

static int close_pools(void **state)
{
    (void)state;
    for (int k = 1; k < READERS; k++)
        pool_close(pools[k]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_are_decompressed),
        cmocka_unit_test(test_small_reads_get_the_same),
        cmocka_unit_test(test_frames_of_all_sorts_follow_one_another),
        cmocka_unit_test(test_many_marked_frames_come_in_order),
        cmocka_unit_test(test_a_marker_is_only_a_hint),
        cmocka_unit_test(test_frames_that_are_not_ours_may_be_announced),
        cmocka_unit_test(test_a_cut_anywhere_is_found_at_its_byte),
        cmocka_unit_test(test_every_flipped_byte_is_found),
        cmocka_unit_test(test_what_follows_zstd_is_named_by_its_byte),
        cmocka_unit_test(test_what_is_not_zstd_is_refused),
        cmocka_unit_test(test_what_a_frame_may_not_need),
        cmocka_unit_test(test_silence_has_an_end),
        cmocka_unit_test(test_a_failure_of_the_inner_source_is_no_end),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
