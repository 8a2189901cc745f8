/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/inflate_ahead.h"
#include "unit.h"

#include "chunked.h"
#include "fake_io.h"
#include "samples.h"

enum { CHUNK = 70000, CHUNKS = 6, SIZE = CHUNKS * CHUNK };

static struct err e;
static uint8_t data[SIZE];
static uint8_t back[SIZE + 1];
static uint8_t raw[2 * SIZE];

/* What was read of raw, by chunks alone. */
struct run {
    struct fake_source source;
    struct packed_input in;
    struct pool *pool;
    struct inflate_ahead *ahead;
    struct inflate_ahead_end end;
    size_t got;
};

/* raw[0 .. len) begins with a marker. */
static void run_open(struct run *r, size_t len, unsigned threads, size_t step)
{
    struct source *s = fake_source_open(&r->source, raw, len);

    r->source.step = step;
    r->got = 0;
    r->ahead = NULL;
    assert_ok(pool_open(&r->pool, threads, &e), &e);
    assert_ok(packed_input_open(&r->in, s, &e), &e);
    assert_true(inflate_ahead_begins(&r->in));
    assert_ok(inflate_ahead_open(&r->ahead, &r->in, r->pool, &e), &e);
}

static void run_close(struct run *r)
{
    inflate_ahead_close(r->ahead);
    packed_input_close(&r->in);
    pool_close(r->pool);
}

/* Reads to the end of the chunks that count, which must be as expected. */
static void run_read(struct run *r, size_t content, bool as_announced)
{
    int64_t got;

    while ((got = inflate_ahead_read(r->ahead, back + r->got,
                                     sizeof(back) - r->got, &e)) > 0)
        r->got += (size_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(inflate_ahead_read(r->ahead, back, 1, &e), 0);
    inflate_ahead_end(r->ahead, &r->end);
    assert_int_equal(r->got, content);
    assert_memory_equal(back, data, content);
    assert_int_equal(r->end.len, content);
    assert_int_equal(r->end.crc, crc32_add(0, data, content));
    assert_int_equal(r->end.as_announced, as_announced);
}

/* What is next in the input is raw[from .. len). */
static void assert_rest(struct run *r, size_t from, size_t len)
{
    static uint8_t rest[sizeof(raw)];

    assert_int_equal(packed_input_place(&r->in), from);
    assert_int_equal(packed_input_take(&r->in, rest, sizeof(rest)), len - from);
    assert_memory_equal(rest, raw + from, len - from);
}

/* With and without threads, by large and small reads: `content` bytes come,
 * and then what is at raw[from] is next. */
static void assert_read(size_t len, size_t content, size_t from,
                        bool as_announced)
{
    const unsigned threads[] = {0, 1, 2, 5};

    for (int i = 0; i < 4; i++) {
        struct run r;

        run_open(&r, len, threads[i], i % 2 ? 1000 : 0);
        run_read(&r, content, as_announced);
        assert_rest(&r, from, len);
        run_close(&r);
    }
}

/* Chunks from data, the last one with `last` bytes; the fourth is stored. */
static void build(struct chunked *c, unsigned chunks, uint32_t last)
{
    *c = (struct chunked){.raw = raw};
    sample_fill(MIXED, data, SIZE);
    sample_random(data + 3 * CHUNK, CHUNK, 5);
    for (unsigned i = 0; i + 1 < chunks; i++)
        chunked_add(c, data + (size_t)i * CHUNK, CHUNK);
    chunked_add(c, data + (size_t)(chunks - 1) * CHUNK, last);
}

static void test_all_chunks_come(void **state)
{
    const uint32_t lasts[] = {1, 1000, CHUNK};
    struct chunked c;

    (void)state;
    for (int i = 0; i < 3; i++) {
        build(&c, CHUNKS, lasts[i]);
        chunked_append(&c, "\3", 2);
        assert_read(c.len, SIZE - CHUNK + lasts[i], c.len - 2, true);
    }
}

static void test_the_history_is_the_last_32_kib(void **state)
{
    const uint32_t lasts[] = {1000, 32768, CHUNK};
    struct chunked c;
    struct run r;

    (void)state;
    for (int i = 0; i < 3; i++) {
        size_t len = 2 * CHUNK + lasts[i];

        build(&c, 3, lasts[i]);
        run_open(&r, c.len, 2, 0);
        run_read(&r, len, true);
        assert_int_equal(r.end.history_len, 32768);
        assert_memory_equal(r.end.history, data + len - 32768, 32768);
        run_close(&r);
    }
    build(&c, 1, 1000);
    run_open(&r, c.len, 2, 0);
    run_read(&r, 1000, true);
    assert_int_equal(r.end.history_len, 1000);
    assert_memory_equal(r.end.history, data, 1000);
    run_close(&r);
}

static void test_what_has_no_marker_is_not_read_ahead(void **state)
{
    struct fake_source source;
    struct packed_input in;

    (void)state;
    sample_fill(TEXT, raw, SIZE);
    fake_source_open(&source, raw, SIZE);
    source.step = 1;
    assert_ok(packed_input_open(&in, &source.base, &e), &e);
    assert_false(inflate_ahead_begins(&in));
    assert_int_equal(source.base.pos, 1);
    packed_input_close(&in);
}

/* The fourth chunk is not what its marker says: three come, and it is left. */
static void assert_three(struct chunked *c, size_t marker)
{
    assert_read(c->len, 3 * (size_t)CHUNK, marker, false);
}

static void test_a_wrong_size_ends_it_at_its_marker(void **state)
{
    const int wrong[] = {-4, -1, 1, 2, 50};
    struct chunked c;
    size_t marker;

    (void)state;
    for (int i = 0; i < 5; i++) {
        build(&c, 4, CHUNK);
        marker = c.marker;
        chunked_announce(&c, (uint32_t)((int)(c.len - c.chunk) + wrong[i]));
        chunked_add(&c, data, CHUNK);
        assert_three(&c, marker);
    }
}

static void test_impossible_sizes_end_it_at_their_marker(void **state)
{
    const uint32_t sizes[] = {0, DEFLATE_CHUNK_ROOM + 1, 0xffffffff};
    struct chunked c;

    (void)state;
    for (int i = 0; i < 3; i++) {
        build(&c, 4, CHUNK);
        chunked_announce(&c, sizes[i]);
        assert_read(c.len, 3 * CHUNK, c.marker, true);
    }
}

static void test_a_chunk_that_is_cut_is_left(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, 4, CHUNK);
    assert_read(c.len - 1, 3 * CHUNK, c.marker, true);
    assert_read(c.chunk, 3 * CHUNK, c.marker, true);
    assert_read(c.chunk - 1, 3 * CHUNK, c.marker, true);
}

/* A match of 3 bytes, one back, by the fixed code: 0 01 0000001 00000 0000000,
 * then an empty stored block. */
static const uint8_t looks_back[] = {0x02, 0x02, 0, 0, 0, 0, 0xff, 0xff};

static void test_a_chunk_that_looks_back_is_left(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, 3, CHUNK);
    chunked_mark(&c, sizeof(looks_back));
    chunked_append(&c, looks_back, sizeof(looks_back));
    assert_three(&c, c.marker);
}

static void test_a_final_block_is_left(void **state)
{
    static const uint8_t final[] = {1, 1, 0, 0xfe, 0xff, 'x'};
    struct chunked c;

    (void)state;
    build(&c, 3, CHUNK);
    chunked_mark(&c, sizeof(final));
    chunked_append(&c, final, sizeof(final));
    assert_three(&c, c.marker);
}

static void test_more_content_than_a_chunk_has_is_left(void **state)
{
    static uint8_t zeros[DEFLATE_CHUNK_SIZE];
    struct chunked c;

    (void)state;
    build(&c, 3, CHUNK);
    chunked_add(&c, zeros, sizeof(zeros));
    /* A stored block of one byte more, inside of the same chunk. */
    chunked_append(&c, "\0\1\0\xfe\xffx", 6);
    chunked_announce(&c, (uint32_t)(c.len - c.chunk));
    assert_three(&c, c.marker);
}

static void test_behind_a_small_chunk_nothing_is_followed(void **state)
{
    const unsigned threads[] = {0, 2};
    struct chunked c;
    size_t marker;

    (void)state;
    build(&c, 3, 1000);
    marker = c.len;
    chunked_add(&c, data, CHUNK);
    for (int i = 0; i < 2; i++) {
        struct run r;
        int64_t got;

        run_open(&r, c.len, threads[i], 0);
        while ((got = inflate_ahead_read(r.ahead, back, SIZE, &e)) > 0)
            r.got += (size_t)got;
        assert_int_equal(r.got, 2 * CHUNK + 1000);
        assert_rest(&r, marker, c.len);
        run_close(&r);
    }
}

static void test_it_can_be_closed_at_any_time(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, CHUNKS, CHUNK);
    for (size_t want = 0; want < SIZE; want += 30000) {
        struct run r;

        run_open(&r, c.len, 2, 0);
        while (r.got < want) {
            int64_t got = inflate_ahead_read(r.ahead, back, 10000, &e);

            assert_true(got > 0);
            r.got += (size_t)got;
        }
        run_close(&r);
    }
}

static void test_a_failure_comes_after_what_was_read(void **state)
{
    struct chunked c;
    struct run r;

    (void)state;
    build(&c, 4, CHUNK);
    run_open(&r, c.len - 7, 2, 0);
    r.source.fail = ERR_TEMPORARY;
    run_read(&r, 3 * CHUNK, true);
    assert_int_equal(r.in.left, c.len - 7 - c.marker);
    r.in.left = 0;
    e = (struct err){0};
    assert_int_equal(packed_input_fill(&r.in, &e), ERR_TEMPORARY);
    assert_string_equal(e.text, "fake: failed");
    run_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_chunks_come),
        cmocka_unit_test(test_the_history_is_the_last_32_kib),
        cmocka_unit_test(test_what_has_no_marker_is_not_read_ahead),
        cmocka_unit_test(test_a_wrong_size_ends_it_at_its_marker),
        cmocka_unit_test(test_impossible_sizes_end_it_at_their_marker),
        cmocka_unit_test(test_a_chunk_that_is_cut_is_left),
        cmocka_unit_test(test_a_chunk_that_looks_back_is_left),
        cmocka_unit_test(test_a_final_block_is_left),
        cmocka_unit_test(test_more_content_than_a_chunk_has_is_left),
        cmocka_unit_test(test_behind_a_small_chunk_nothing_is_followed),
        cmocka_unit_test(test_it_can_be_closed_at_any_time),
        cmocka_unit_test(test_a_failure_comes_after_what_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
