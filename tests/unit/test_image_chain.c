/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/zero.h"
#include "image/encoder.h"
#include "image/image.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"
#include "small_vhd.h"
#include "unit.h"

#include <stdlib.h>

enum { KIB = 1024, SECTOR = 512, DISKS_MAX = 5, DISK_MAX = 256 * KIB };

#define RUNS(array) .runs = (array), .nruns = sizeof(array) / sizeof((array)[0])

/* A chain in memory: [0] is the child. */
struct chain {
    const struct small_vhd *disks[DISKS_MAX];
    uint8_t *files[DISKS_MAX];
    size_t count;
    struct image *img;
};

static struct image *open_disk(struct chain *c, size_t i, bool seekable)
{
    static const struct vhd_origin origin;
    struct image *img = NULL;
    struct source *src;
    struct err e = {0};
    size_t len;

    c->files[i] = small_vhd_make(c->disks[i], &len);
    src = memory_source(c->files[i], len, 7777, seekable);
    assert_ok(vhd_decode(&src, &origin, &img, &e), &e);
    return img;
}

static void open_chain(struct chain *c, bool seekable)
{
    struct image *layers[DISKS_MAX];
    struct err e = {0};

    while (c->count < DISKS_MAX && c->disks[c->count])
        c->count++;
    c->img = open_disk(c, 0, seekable);
    for (size_t i = 1; i < c->count; i++)
        layers[i - 1] = open_disk(c, i, true);
    assert_ok(image_chain(&c->img, layers, (unsigned)c->count - 1, &e), &e);
}

static void close_chain(struct chain *c)
{
    image_close(c->img);
    for (size_t i = 0; i < c->count; i++)
        free(c->files[i]);
}

/* The content by plain arrays: each disk is laid over what is below it. */
static uint8_t *content_of_chain(const struct chain *c)
{
    uint8_t *content = calloc(1, DISK_MAX);

    assert_non_null(content);
    for (size_t i = c->count; i-- > 0;) {
        size_t size = c->disks[i]->size;

        memset(content + size, 0, DISK_MAX - size);
        small_vhd_overlay(c->disks[i], content);
    }
    return content;
}

static void check_blocks(struct chain *c, const uint8_t *content)
{
    struct encoder *enc = NULL;
    struct err e = {0};
    uint8_t *data;
    size_t len;
    struct sink *s = memory_sink(&data, &len, true);

    assert_ok(raw_encoder(&enc, c->img, c->img->size, &e), &e);
    assert_ok(image_copy(c->img, enc, s, NULL, NULL, &e), &e);
    assert_int_equal(len, c->disks[0]->size);
    assert_memory_equal(data, content, len);
    encoder_close(enc);
    sink_close(s, NULL);
    free(data);
}

static void check_reads(struct chain *c, const uint8_t *content)
{
    uint8_t buf[20000];
    struct err e = {0};

    for (size_t at = 0; at < c->img->size; at += 3333) {
        size_t len =
            c->img->size - at < sizeof(buf) ? c->img->size - at : sizeof(buf);

        assert_ok(image_read(c->img, buf, len, at, &e), &e);
        assert_memory_equal(buf, content + at, len);
    }
}

/* The whole content, block by block and by reads, from a file and a stream. */
static void check_chain(const struct chain *given)
{
    for (int seekable = 0; seekable < 2; seekable++) {
        struct chain c = *given;
        uint8_t *content;

        open_chain(&c, seekable);
        content = content_of_chain(&c);
        assert_false(c.img->has_parent);
        assert_int_equal(image_is_seekable(c.img), seekable);
        check_blocks(&c, content);
        if (seekable)
            check_reads(&c, content);
        free(content);
        close_chain(&c);
    }
}

static const struct small_run base_runs[] = {
    {0, 0, 8, 'a'}, {1, 2, 3, 'b'}, {5, 7, 1, 'c'}};
static const struct small_vhd base = {.size = 32 * KIB, RUNS(base_runs)};

static void test_sectors_are_taken_one_by_one(void **state)
{
    const struct small_run runs[] = {
        {0, 1, 1, 'x'}, {0, 3, 2, 'y'}, {5, 6, 1, 'z'}, {7, 0, 1, 'w'}};
    const struct small_vhd child = {.size = 32 * KIB, .differs = 1, RUNS(runs)};

    (void)state;
    check_chain(&(struct chain){.disks = {&child, &base}});
}

static void test_a_set_bit_over_zeros_hides_the_parent(void **state)
{
    const struct small_run runs[] = {{0, 2, 3, 0}, {5, 7, 1, 0}};
    const struct small_vhd child = {.size = 32 * KIB, .differs = 1, RUNS(runs)};

    (void)state;
    check_chain(&(struct chain){.disks = {&child, &base}});
}

static void test_an_empty_child_is_its_parent(void **state)
{
    const struct small_vhd child = {.size = 32 * KIB, .differs = 1};

    (void)state;
    check_chain(&(struct chain){.disks = {&child, &base}});
}

static void test_past_the_end_of_a_smaller_parent_are_zeros(void **state)
{
    const struct small_run runs[] = {{0, 7, 1, 'x'}, {12, 1, 1, 'y'}};
    const struct small_vhd child = {
        .size = 60 * KIB + SECTOR, .differs = 1, RUNS(runs)};

    (void)state;
    check_chain(&(struct chain){.disks = {&child, &base}});
}

/* The smaller one in the middle hides what the base has past its end. */
static void test_a_short_disk_cuts_all_below_it(void **state)
{
    const struct small_vhd top = {.size = 32 * KIB, .differs = 1};
    const struct small_vhd mid = {.size = 5 * KIB + SECTOR, .differs = 1};
    struct chain c = {.disks = {&top, &mid, &base}};

    (void)state;
    check_chain(&c);
    open_chain(&c, true);
    assert_int_equal(c.img->nmapped, 2);
    close_chain(&c);
}

static void test_a_larger_parent_is_cut(void **state)
{
    const struct small_run runs[] = {{1, 0, 1, 'x'}};
    const struct small_vhd child = {
        .size = 5 * KIB + SECTOR, .differs = 1, RUNS(runs)};

    (void)state;
    check_chain(&(struct chain){.disks = {&child, &base}});
}

static void test_block_sizes_may_differ(void **state)
{
    const struct small_run small[] = {{3, 1, 6, 's'}, {4, 0, 8, 't'}};
    const struct small_run large[] = {{0, 5, 20, 'l'}, {1, 31, 1, 'm'}};
    const struct small_vhd fine = {.size = 32 * KIB, .differs = 1, RUNS(small)};
    const struct small_vhd coarse = {
        .size = 32 * KIB, .block_size = 16 * KIB, .differs = 1, RUNS(large)};

    (void)state;
    check_chain(&(struct chain){.disks = {&fine, &coarse, &base}});
    check_chain(&(struct chain){.disks = {&coarse, &fine, &base}});
}

/* More runs than one gathering holds, near and far from each other. */
static void test_scattered_sectors_are_gathered(void **state)
{
    struct small_run runs[200];
    struct small_vhd child = {
        .size = 256 * KIB, .block_size = 256 * KIB, .differs = 1};
    struct small_vhd below = {.size = 256 * KIB, .block_size = 256 * KIB};

    (void)state;
    for (uint32_t i = 0; i < 200; i++)
        runs[i] = (struct small_run){0, 2 * i + (i > 100 ? 60 : 0), 1,
                                     (uint8_t)(i + 1)};
    below.runs = runs;
    below.nruns = 200;
    check_chain(&(struct chain){.disks = {&child, &below}});
}

static void test_blocks_come_the_childs_first(void **state)
{
    const struct small_run runs[] = {{5, 0, 1, 'x'}, {2, 0, 1, 'y'}};
    const struct small_vhd child = {.size = 32 * KIB, .differs = 1, RUNS(runs)};
    const uint32_t expected[] = {5, 2, 0, 1};
    struct chain c = {.disks = {&child, &base}};

    (void)state;
    open_chain(&c, true);
    assert_int_equal(c.img->nmapped, 4);
    assert_memory_equal(c.img->order, expected, sizeof(expected));
    close_chain(&c);
}

/* Where the base itself wants a parent the whole does, and its bits tell what
 * is still missing. */
static void test_a_chain_without_its_base_has_a_parent(void **state)
{
    const struct small_run top_runs[] = {{0, 1, 1, 'x'}};
    const struct small_run mid_runs[] = {{0, 4, 2, 0}};
    const struct small_vhd top = {
        .size = 4 * KIB, .differs = 1, RUNS(top_runs)};
    const struct small_vhd mid = {
        .size = 4 * KIB, .differs = 1, RUNS(mid_runs)};
    struct chain c = {.disks = {&top, &mid}};
    struct block b;
    struct err e = {0};

    (void)state;
    open_chain(&c, true);
    assert_true(c.img->has_parent);
    assert_ok(block_open(&b, &e), &e);
    assert_int_equal(image_next(c.img, &b, &e), 1);
    assert_int_equal(b.present[0], 0x4c);
    assert_false(b.whole);
    assert_true(zero_is(b.data, SECTOR));
    assert_int_equal(b.data[SECTOR], 'x');
    assert_int_equal(image_next(c.img, &b, &e), 0);
    block_close(&b);
    close_chain(&c);
}

static void test_a_raw_disk_can_be_the_base(void **state)
{
    const struct small_run runs[] = {{0, 1, 1, 'x'}};
    const struct small_vhd child = {.size = 8 * KIB, .differs = 1, RUNS(runs)};
    struct chain c = {.disks = {&child}, .count = 1};
    uint8_t raw[1000] = {0}, content[8 * KIB] = {0};
    struct source *src = memory_source(raw, sizeof(raw), 100, true);
    struct image *layer = NULL;
    struct err e = {0};

    (void)state;
    memset(raw, 'r', sizeof(raw));
    memset(content, 'r', sizeof(raw));
    memset(content + SECTOR, 'x', SECTOR);
    assert_ok(raw_decode(&src, -1, &layer, &e), &e);
    c.img = open_disk(&c, 0, true);
    assert_ok(image_chain(&c.img, &layer, 1, &e), &e);
    assert_null(layer);
    check_reads(&c, content);
    check_blocks(&c, content);
    close_chain(&c);
}

static void test_a_stream_can_be_no_parent(void **state)
{
    const struct small_vhd child = {.size = 32 * KIB, .differs = 1};
    struct chain c = {.disks = {&child, &base}, .count = 2};
    struct image *layer = open_disk(&c, 1, false);
    struct image *given = layer;
    struct err e = {0};

    (void)state;
    c.img = open_disk(&c, 0, true);
    assert_int_equal(image_chain(&c.img, &layer, 1, &e), ERR_UNSUPPORTED);
    assert_ptr_equal(layer, given);
    image_close(layer);
    close_chain(&c);
}

static void make_random(struct small_vhd *d, struct small_run *runs,
                        size_t room, bool differs)
{
    const uint32_t sizes[] = {4 * KIB, 8 * KIB, 32 * KIB};
    uint32_t per, blocks, seen = 0;

    *d = (struct small_vhd){.runs = runs, .differs = differs};
    d->block_size = sizes[random() % 3];
    d->size = (uint64_t)(1 + random() % 500) * SECTOR;
    per = d->block_size / SECTOR;
    blocks = (uint32_t)((d->size + d->block_size - 1) / d->block_size);
    while (d->nruns < room) {
        uint32_t index = (uint32_t)random() % blocks;
        uint32_t first = (uint32_t)random() % per;
        uint32_t most = per - first;

        if (seen & 1u << index % 32)
            break;
        seen |= 1u << index % 32;
        runs[d->nruns++] =
            (struct small_run){index, first, 1 + (uint32_t)random() % most,
                               (uint8_t)(random() % 4 ? random() : 0)};
    }
}

static void test_random_chains_read_as_the_model_does(void **state)
{
    (void)state;
    srandom(20240229);
    for (int round = 0; round < 150; round++) {
        struct small_vhd disks[DISKS_MAX];
        struct small_run runs[DISKS_MAX][12];
        struct chain c = {0};
        size_t count = 2 + (size_t)random() % (DISKS_MAX - 1);

        for (size_t i = 0; i < count; i++) {
            make_random(&disks[i], runs[i], 12, i + 1 < count);
            c.disks[i] = &disks[i];
        }
        check_chain(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sectors_are_taken_one_by_one),
        cmocka_unit_test(test_a_set_bit_over_zeros_hides_the_parent),
        cmocka_unit_test(test_an_empty_child_is_its_parent),
        cmocka_unit_test(test_past_the_end_of_a_smaller_parent_are_zeros),
        cmocka_unit_test(test_a_short_disk_cuts_all_below_it),
        cmocka_unit_test(test_a_larger_parent_is_cut),
        cmocka_unit_test(test_block_sizes_may_differ),
        cmocka_unit_test(test_scattered_sectors_are_gathered),
        cmocka_unit_test(test_blocks_come_the_childs_first),
        cmocka_unit_test(test_a_chain_without_its_base_has_a_parent),
        cmocka_unit_test(test_a_raw_disk_can_be_the_base),
        cmocka_unit_test(test_a_stream_can_be_no_parent),
        cmocka_unit_test(test_random_chains_read_as_the_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
