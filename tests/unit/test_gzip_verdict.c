/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Whatever the markers of a gzip stream say, with threads and without it is
 * read as by the plain reader, which knows nothing of them. */

#include "io/source.h"
#include "unit.h"

#include "chunked.h"
#include "fake_io.h"
#include "samples.h"

#include <ctype.h>
#include <libdeflate.h>

enum { CHUNK = 70000, SIZE = 5 * CHUNK };

static uint8_t data[SIZE];
static uint8_t raw[3 * SIZE];

/* What came of reading raw. */
struct verdict {
    int64_t code; /* 0: a good end */
    struct err e;
    size_t len;
    uint8_t content[3 * SIZE];
};

static struct verdict plain, other;

static void read_raw(struct verdict *v, size_t len, struct pool *pool,
                     size_t step, size_t want)
{
    struct fake_source in;
    struct source *s = fake_source_open(&in, raw, len);

    in.step = step;
    v->len = 0;
    v->e = (struct err){0};
    assert_ok(source_gunzip(&s, pool, &v->e), &v->e);
    while ((v->code = source_read(s, v->content + v->len, want, &v->e)) > 0)
        v->len += (size_t)v->code;
    source_close(s);
    assert_int_equal(in.closed, 1);
}

/* Texts that differ in numbers alone: where inflating stopped depends on how
 * the input came. */
static void assert_same_text(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        while (isdigit(*a))
            a++;
        while (isdigit(*b))
            b++;
        assert_int_equal(*a, *b);
    }
    assert_int_equal(*a, *b);
}

/* Where it fails, how much came before depends on the sizes of the reads. */
static void assert_same(void)
{
    size_t common = plain.len < other.len ? plain.len : other.len;

    assert_int_equal(other.code, plain.code);
    assert_same_text(other.e.text, plain.e.text);
    assert_memory_equal(other.content, plain.content, common);
    if (!plain.code)
        assert_int_equal(other.len, plain.len);
}

/* The code with which raw[0 .. len) is read by everybody. */
static int verdict(size_t len)
{
    const unsigned threads[] = {0, 2};

    read_raw(&plain, len, NULL, 0, 4096);
    for (int i = 0; i < 2; i++) {
        struct pool *pool = NULL;

        assert_ok(pool_open(&pool, threads[i], NULL), &other.e);
        read_raw(&other, len, pool, i ? 1000 : 0, i ? 100000 : 4096);
        assert_same();
        pool_close(pool);
    }
    return (int)plain.code;
}

static void build(struct chunked *c, unsigned chunks)
{
    *c = (struct chunked){.raw = raw};
    sample_fill(MIXED, data, (size_t)chunks * CHUNK);
    chunked_begin(c);
    for (unsigned i = 0; i < chunks; i++)
        chunked_add(c, data + (size_t)i * CHUNK, CHUNK);
}

static void test_a_sound_member(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, 5);
    chunked_end(&c);
    assert_int_equal(verdict(c.len), 0);
    assert_int_equal(plain.len, SIZE);
    assert_memory_equal(plain.content, data, SIZE);
}

static void test_every_wrong_size(void **state)
{
    const int wrong[] = {-100, -5, -4, -1, 1, 2, 10, 44, 45, 46, 100000};
    struct chunked c;

    (void)state;
    for (int i = 0; i < 11; i++) {
        build(&c, 2);
        chunked_announce(&c, (uint32_t)((int)(c.len - c.chunk) + wrong[i]));
        chunked_add(&c, data, CHUNK);
        chunked_end(&c);
        assert_int_equal(verdict(c.len), 0);
        assert_int_equal(plain.len, 3 * CHUNK);
    }
}

/* A chunk that takes in the next marker and chunk is one of two blocks. */
static void test_two_chunks_announced_as_one(void **state)
{
    struct chunked c;
    size_t marker, chunk;

    (void)state;
    build(&c, 2);
    marker = c.marker;
    chunk = c.chunk;
    chunked_add(&c, data, CHUNK);
    gzip_marker_encode(raw + marker, (uint32_t)(c.len - chunk));
    chunked_end(&c);
    assert_int_equal(verdict(c.len), 0);
    assert_int_equal(plain.len, 3 * CHUNK);
}

/* Content can look like a marker, too, and a lie lead right to it: what was
 * read ahead there was none. */
static void test_a_marker_that_is_content(void **state)
{
    const uint32_t sizes[] = {1, 1000, 30000};
    struct chunked c;

    (void)state;
    for (int i = 0; i < 3; i++) {
        c = (struct chunked){.raw = raw};
        sample_fill(RANDOM, data, SIZE);
        gzip_marker_encode(data + CHUNK + 30000, sizes[i]);
        chunked_begin(&c);
        chunked_add(&c, data, CHUNK);
        chunked_add(&c, data + CHUNK, CHUNK);
        /* Stored, behind a block's head of five bytes. */
        chunked_announce(&c, 5 + 30000);
        chunked_end(&c);
        assert_int_equal(verdict(c.len), 0);
        assert_memory_equal(plain.content, data, 2 * CHUNK);
    }
}

static void test_cuts(void **state)
{
    struct chunked c;
    size_t step;

    (void)state;
    build(&c, 3);
    chunked_end(&c);
    for (size_t cut = c.len - 1; cut > 0; cut -= step) {
        assert_int_equal(verdict(cut), ERR_CORRUPT);
        step = cut > c.marker - 3 && cut < c.chunk + 3 ? 1 : cut / 4 + 1;
        step = cut + 30 > c.len ? 1 : step;
    }
}

static void test_wrong_content_is_a_wrong_sum(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, 2);
    sample_fill(RANDOM, data, CHUNK);
    chunked_add(&c, data, CHUNK);
    raw[c.chunk + 1000] ^= 1; /* it is stored */
    chunked_add(&c, data, CHUNK);
    chunked_end(&c);
    assert_int_equal(verdict(c.len), ERR_CORRUPT);
    assert_non_null(strstr(plain.e.text, "the content's sum is wrong"));
    raw[c.len - 1] ^= 1;
    raw[c.len - 8] ^= 1;
    assert_int_equal(verdict(c.len), ERR_CORRUPT);
}

/* See test_inflate_ahead.c. Its history is more than one chunk long. */
static void test_a_chunk_that_looks_back(void **state)
{
    static const uint8_t one_back[] = {0x02, 0x02, 0, 0, 0, 0, 0xff, 0xff};
    struct chunked c;
    uint8_t *last = data + 2 * CHUNK;

    (void)state;
    build(&c, 2);
    chunked_add(&c, data, 1000);
    chunked_mark(&c, sizeof(one_back));
    chunked_append(&c, one_back, sizeof(one_back));
    memset(last, data[999], 3);
    chunked_count(&c, last, 3);
    chunked_add(&c, data, CHUNK);
    chunked_end(&c);
    assert_int_equal(verdict(c.len), 0);
    assert_int_equal(plain.len, 3 * CHUNK + 1003);
}

/* A foreign body right behind a chunk may refer to it. */
static void test_what_follows_may_refer_to_chunks(void **state)
{
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(9);
    struct chunked c;
    size_t size;

    (void)state;
    build(&c, 2);
    size = libdeflate_deflate_compress(z, data, CHUNK, raw + c.len,
                                       sizeof(raw) - c.len);
    libdeflate_free_compressor(z);
    assert_true(size > 0);
    c.len += size;
    chunked_count(&c, data, CHUNK);
    put_le32(raw + c.len, c.crc);
    put_le32(raw + c.len + 4, c.content);
    assert_int_equal(verdict(c.len + 8), 0);
}

static void test_a_final_block_inside_of_a_chunk(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, 2);
    chunked_mark(&c, 100);
    chunked_end(&c);
    assert_int_equal(verdict(c.len), 0);
    chunked_append(&c, data, 100);
    assert_int_equal(verdict(c.len), ERR_CORRUPT);
    assert_non_null(strstr(plain.e.text, "something that is not gzip"));
}

static void test_members_follow_one_another(void **state)
{
    struct chunked c;

    (void)state;
    build(&c, 2);
    chunked_end(&c);
    chunked_begin(&c);
    chunked_end(&c);
    for (int i = 0; i < 3; i++) {
        chunked_begin(&c);
        chunked_add(&c, data, CHUNK);
        if (i == 1)
            chunked_announce(&c, 99);
        chunked_add(&c, data, 10);
        chunked_add(&c, data, 20);
        chunked_end(&c);
    }
    assert_int_equal(verdict(c.len), 0);
    assert_int_equal(plain.len, 5 * CHUNK + 90);
    memset(raw + c.len, 0, 1000);
    assert_int_equal(verdict(c.len + 1000), 0);
    raw[c.len + 500] = 1;
    assert_int_equal(verdict(c.len + 1000), ERR_CORRUPT);
}

/* How far the input was read when byte `want` of the content had come. */
static uint64_t read_until(size_t len, size_t want)
{
    struct fake_source in;
    struct source *s = fake_source_open(&in, raw, len);
    struct pool *pool = NULL;
    uint64_t pos;

    in.step = 1000;
    assert_ok(pool_open(&pool, 0, NULL), &other.e);
    assert_ok(source_gunzip(&s, pool, &other.e), &other.e);
    for (size_t got = 0; got < want;) {
        int64_t now = source_read(s, other.content, want - got, &other.e);

        assert_true(now > 0);
        got += (size_t)now;
    }
    pos = in.base.pos;
    source_close(s);
    pool_close(pool);
    return pos;
}

/* Else each of many small members could have a large chunk tried. */
static void test_who_was_misled_follows_no_more_markers(void **state)
{
    (void)state;
    for (int lie = 0; lie < 2; lie++) {
        struct chunked c = {.raw = raw};
        size_t second;

        sample_fill(RANDOM, data, SIZE);
        chunked_begin(&c);
        chunked_add(&c, data, 10);
        if (lie)
            chunked_announce(&c, 99);
        chunked_end(&c);
        second = c.len;
        chunked_begin(&c);
        chunked_add(&c, data, CHUNK);
        chunked_end(&c);
        assert_int_equal(verdict(c.len), 0);
        if (lie)
            assert_in_range(read_until(c.len, 11), second, second + 2000);
        else
            assert_in_range(read_until(c.len, 11), second + CHUNK, c.len);
    }
}

/* Flips, and pieces that are moved: most of it is broken, some is not. */
static void test_chance(void **state)
{
    static uint8_t sound[sizeof(raw)];
    struct chunked c;
    uint64_t seed = 11;

    (void)state;
    build(&c, 4);
    chunked_end(&c);
    memcpy(sound, raw, c.len);
    for (int i = 0; i < 60; i++) {
        size_t at = sample_next(&seed) % c.len;
        size_t from = sample_next(&seed) % c.len;
        size_t len = sample_next(&seed) % 60;

        memcpy(raw, sound, c.len);
        if (i % 2)
            at = i % 4 == 1 ? c.marker + at % GZIP_MARKER_SIZE : at;
        if (i % 3)
            raw[at] ^= (uint8_t)(1 << i % 8);
        else
            memmove(raw + at, raw + from, len);
        (void)verdict(c.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_member),
        cmocka_unit_test(test_every_wrong_size),
        cmocka_unit_test(test_two_chunks_announced_as_one),
        cmocka_unit_test(test_a_marker_that_is_content),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_wrong_content_is_a_wrong_sum),
        cmocka_unit_test(test_a_chunk_that_looks_back),
        cmocka_unit_test(test_what_follows_may_refer_to_chunks),
        cmocka_unit_test(test_a_final_block_inside_of_a_chunk),
        cmocka_unit_test(test_members_follow_one_another),
        cmocka_unit_test(test_who_was_misled_follows_no_more_markers),
        cmocka_unit_test(test_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
