/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/gzip_marker.h"
#include "io/sink.h"
#include "unit.h"

#include "fake_io.h"
#include "samples.h"

#include <libdeflate.h>
#include <unistd.h>

enum { CHUNK = 512 * 1024, SIZE = 3 * CHUNK + 12345 };

static struct err e;
static uint8_t data[SIZE];
static uint8_t back[SIZE + 1];

/* What goes through the sink, and what came of it. */
struct run {
    struct fake_sink out;
    struct pool *pool;
    struct sink *s;
};

static void run_open(struct run *r, int level, unsigned threads)
{
    r->s = fake_sink_open(&r->out);
    assert_ok(pool_open(&r->pool, threads, &e), &e);
    assert_ok(sink_gzip(&r->s, level, r->pool, &e), &e);
}

static void run_close(struct run *r)
{
    sink_close(r->s, NULL);
    pool_close(r->pool);
    assert_int_equal(r->out.closed, 1);
}

/* Compresses data[0 .. len), written `step` bytes at a time. */
static void run_all(struct run *r, int level, unsigned threads, size_t len,
                    size_t step)
{
    run_open(r, level, threads);
    for (size_t done = 0; done < len; done += step)
        assert_ok(sink_write(r->s, data + done,
                             step < len - done ? step : len - done, &e),
                  &e);
    assert_ok(sink_finish(r->s, &e), &e);
    assert_true(r->out.base.finished);
    run_close(r);
}

/* The content of the one member that the output is; its length. */
static size_t unpack(const struct run *r)
{
    struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
    size_t used = 0, made = 0;

    assert_int_equal(libdeflate_gzip_decompress_ex(z, r->out.data, r->out.len,
                                                   back, sizeof(back), &used,
                                                   &made),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(used, r->out.len);
    libdeflate_free_decompressor(z);
    return made;
}

static void test_every_level_and_kind_comes_back(void **state)
{
    (void)state;
    for (enum sample kind = ZEROS; kind < SAMPLES; kind++) {
        sample_fill(kind, data, SIZE);
        for (int level = 1; level <= 9; level++) {
            struct run r;

            run_all(&r, level, 2, SIZE, SIZE);
            assert_int_equal(unpack(&r), SIZE);
            assert_memory_equal(back, data, SIZE);
            fake_sink_free(&r.out);
        }
    }
}

static void test_lengths_around_a_chunk_come_back(void **state)
{
    const size_t lens[] = {0,         1,         CHUNK - 1, CHUNK,
                           CHUNK + 1, 2 * CHUNK, 3 * CHUNK};

    (void)state;
    sample_fill(MIXED, data, SIZE);
    for (int i = 0; i < 7; i++) {
        struct run r;

        run_all(&r, 1, 2, lens[i], SIZE);
        assert_int_equal(unpack(&r), lens[i]);
        assert_memory_equal(back, data, lens[i]);
        fake_sink_free(&r.out);
    }
}

static void assert_same(struct run *a, struct run *b)
{
    assert_int_equal(a->out.len, b->out.len);
    assert_memory_equal(a->out.data, b->out.data, a->out.len);
    fake_sink_free(&b->out);
}

/* Chunks of the output, by following the markers to the empty final block. */
static unsigned follow(const struct run *r)
{
    size_t at = 10;
    unsigned chunks = 0;
    uint32_t size;

    while (r->out.len - at >= GZIP_MARKER_SIZE &&
           gzip_marker_decode(r->out.data + at, &size)) {
        at += GZIP_MARKER_SIZE + size;
        assert_in_range(at, 0, r->out.len - 10);
        chunks++;
    }
    assert_int_equal(at, r->out.len - 10);
    assert_memory_equal(r->out.data + at, "\3", 2);
    return chunks;
}

static void test_each_chunk_is_announced(void **state)
{
    const int levels[] = {1, 2, 6};

    (void)state;
    sample_fill(MIXED, data, SIZE);
    memset(data, 0, CHUNK);
    for (int i = 0; i < 3; i++) {
        struct run r;

        run_all(&r, levels[i], 2, SIZE, SIZE);
        assert_int_equal(follow(&r), 4);
        fake_sink_free(&r.out);
    }
}

static void test_threads_and_write_sizes_do_not_show(void **state)
{
    const unsigned threads[] = {0, 1, 2, 5};
    const int levels[] = {1, 2, 6};

    (void)state;
    sample_fill(MIXED, data, SIZE);
    for (int k = 0; k < 3; k++) {
        struct run first, other;

        run_all(&first, levels[k], 0, SIZE, SIZE);
        for (int i = 0; i < 4; i++) {
            run_all(&other, levels[k], threads[i], SIZE, 100003);
            assert_same(&first, &other);
        }
        fake_sink_free(&first.out);
    }
}

/* Its bytes are whatever the threads had time for; without them, level 2. */
static void test_levels_by_themselves_give_the_content_back(void **state)
{
    struct run r, two;

    (void)state;
    sample_fill(MIXED, data, SIZE);
    for (unsigned threads = 0; threads < 4; threads++) {
        run_all(&r, GZIP_LEVEL_AUTO, threads, SIZE, 100003);
        assert_int_equal(unpack(&r), SIZE);
        assert_memory_equal(back, data, SIZE);
        fake_sink_free(&r.out);
    }
    run_all(&r, GZIP_LEVEL_AUTO, 0, SIZE, SIZE);
    run_all(&two, 2, 0, SIZE, SIZE);
    assert_same(&r, &two);
    fake_sink_free(&r.out);
}

/* Text, many zeros, text: given as such, or written as bytes. */
static void run_zeros(struct run *r, unsigned threads)
{
    run_open(r, 1, threads);
    assert_ok(sink_write(r->s, data, 6, &e), &e);
    assert_ok(sink_zeros(r->s, SIZE - 1006, &e), &e);
    assert_ok(sink_write(r->s, data + SIZE - 1000, 1000, &e), &e);
    assert_int_equal(r->s->pos, SIZE);
    assert_ok(sink_finish(r->s, &e), &e);
    run_close(r);
}

static void test_zeros_and_written_zeros_are_the_same(void **state)
{
    struct run written, given;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    memset(data + 6, 0, SIZE - 1006);
    run_all(&written, 1, 2, SIZE, 77777);
    for (unsigned threads = 0; threads < 3; threads++) {
        run_zeros(&given, threads);
        assert_same(&written, &given);
    }
    assert_int_equal(unpack(&written), SIZE);
    assert_memory_equal(back, data, SIZE);
    fake_sink_free(&written.out);
}

/* The last bytes of a valid member: an empty final block, sum and length. */
static bool has_an_end(const struct run *r)
{
    return r->out.len >= 20 && r->out.data[r->out.len - 10] == 3 &&
           r->out.data[r->out.len - 9] == 0;
}

static void test_an_abandoned_member_has_no_end(void **state)
{
    struct run r;

    (void)state;
    sample_fill(TEXT, data, SIZE);
    run_open(&r, 1, 2);
    assert_ok(sink_write(r.s, data, SIZE, &e), &e);
    run_close(&r);
    assert_false(has_an_end(&r));
    assert_false(r.out.base.finished);
    fake_sink_free(&r.out);
}

static void test_after_a_failed_write_no_end_can_be_had(void **state)
{
    struct run r;
    int code;

    (void)state;
    sample_fill(RANDOM, data, SIZE);
    run_open(&r, 1, 2);
    r.out.fail_at = 100;
    do
        code = sink_write(r.s, data, SIZE, &e);
    while (code == 0);
    assert_int_equal(code, ERR_NO_SPACE);
    assert_string_equal(e.text, "fake: full");
    r.out.fail_at = 0;
    assert_int_equal(sink_finish(r.s, &e), ERR_FAILED);
    assert_false(has_an_end(&r));
    run_close(&r);
    fake_sink_free(&r.out);
}

static void test_finish_passes_the_inner_verdict_on(void **state)
{
    struct run r;

    (void)state;
    run_open(&r, 1, 2);
    r.out.fail_finish = ERR_UNSETTLED;
    assert_int_equal(sink_finish(r.s, &e), ERR_UNSETTLED);
    assert_false(r.s->finished);
    run_close(&r);
    fake_sink_free(&r.out);
}

static unsigned writes;

static int slow_write(struct sink *s, const void *buf, size_t len,
                      struct err *err)
{
    usleep(5000);
    writes++;
    return fake_sink_write(s, buf, len, err);
}

/* A slow sink leaves the threads the time to have all chunks ready; written one
 * after the other, they would leave nobody anything to do meanwhile. */
static void test_no_more_is_written_than_comes(void **state)
{
    struct sink_ops slow;
    struct run r;

    (void)state;
    sample_fill(RANDOM, data, SIZE);
    run_open(&r, 1, 2);
    slow = *r.out.base.ops;
    slow.write = slow_write;
    r.out.base.ops = &slow;
    for (int i = 0; i < 20; i++) {
        writes = 0;
        assert_ok(sink_write(r.s, data, CHUNK, &e), &e);
        /* One for the place, one that was ready. */
        assert_in_range(writes, 0, 2);
    }
    assert_ok(sink_finish(r.s, &e), &e);
    run_close(&r);
    fake_sink_free(&r.out);
}

static void test_a_wrong_level_leaves_the_inner_sink(void **state)
{
    struct fake_sink out;
    struct sink *s = fake_sink_open(&out);
    struct pool *pool = NULL;

    (void)state;
    assert_ok(pool_open(&pool, 0, &e), &e);
    assert_int_equal(sink_gzip(&s, 10, pool, &e), ERR_USAGE);
    assert_ptr_equal(s, &out.base);
    assert_int_equal(out.closed, 0);
    pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_level_and_kind_comes_back),
        cmocka_unit_test(test_lengths_around_a_chunk_come_back),
        cmocka_unit_test(test_each_chunk_is_announced),
        cmocka_unit_test(test_threads_and_write_sizes_do_not_show),
        cmocka_unit_test(test_levels_by_themselves_give_the_content_back),
        cmocka_unit_test(test_zeros_and_written_zeros_are_the_same),
        cmocka_unit_test(test_an_abandoned_member_has_no_end),
        cmocka_unit_test(test_after_a_failed_write_no_end_can_be_had),
        cmocka_unit_test(test_finish_passes_the_inner_verdict_on),
        cmocka_unit_test(test_no_more_is_written_than_comes),
        cmocka_unit_test(test_a_wrong_level_leaves_the_inner_sink),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
