/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fake_image.h"
#include "image/image_extents.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_regions.h"
#include "memory_io.h"
#include "small_vhd.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB, SECTOR = 512 };

static struct err e;

/* Everything that was handed out, as a line: "0+4096 data, 4096+512 hole". */
struct story {
    char text[4096];
    size_t used;
};

static void tell(struct story *s, uint64_t start, uint64_t len,
                 const char *kind)
{
    s->used += (size_t)snprintf(s->text + s->used, sizeof(s->text) - s->used,
                                "%s%llu+%llu %s", s->used ? ", " : "",
                                (unsigned long long)start,
                                (unsigned long long)len, kind);
    assert_true(s->used < sizeof(s->text));
}

static int take_extent(void *ctx, const struct extent *x, struct err *err)
{
    static const char *const kinds[] = {"data", "zero", "hole", "parent"};

    (void)err;
    tell(ctx, x->start, x->len, kinds[x->kind]);
    return 0;
}

static void assert_extents(struct image *img, bool look, const char *expected)
{
    struct story s = {0};

    assert_ok(image_extents(img, look, take_extent, &s, NULL, NULL, &e), &e);
    assert_string_equal(s.text, expected);
}

static struct image *open_small(const struct small_vhd *d, uint8_t **file,
                                bool seekable)
{
    const struct vhd_origin origin = {0};
    struct image *img = NULL;
    struct source *src;
    size_t len;

    *file = small_vhd_make(d, &len);
    src = memory_source(*file, len, 700, seekable);
    assert_ok(vhd_decode(&src, &origin, &img, &e), &e);
    return img;
}

/* Blocks of 4 KiB: block 2 stands before block 0, 1 and 3 are not there. The
 * last three sectors of block 2 are set and zero. */
static const struct small_run some_runs[] = {
    {2, 0, 2, 'a'}, {2, 5, 3, 0}, {0, 1, 7, 'b'}};
static const struct small_vhd some = {
    .size = 16 * KIB - SECTOR, .uuid = 1, .runs = some_runs, .nruns = 3};

static void test_vhd_tells_by_its_sector_bits(void **state)
{
    uint8_t *file;
    struct image *img = open_small(&some, &file, true);

    (void)state;
    assert_extents(img, false,
                   "0+512 hole, 512+3584 data, 4096+4096 hole, "
                   "8192+1024 data, 9216+1536 hole, 10752+1536 data, "
                   "12288+3584 hole");
    image_close(img);
    free(file);
}

static void test_stored_zeros_are_told_by_looking(void **state)
{
    uint8_t *file;
    struct image *img = open_small(&some, &file, true);

    (void)state;
    assert_extents(img, true,
                   "0+512 hole, 512+3584 data, 4096+4096 hole, "
                   "8192+1024 data, 9216+1536 hole, 10752+1536 zero, "
                   "12288+3584 hole");
    image_close(img);
    free(file);
}

static void test_stream_tells_by_its_map(void **state)
{
    uint8_t *file;
    struct image *img = open_small(&some, &file, false);

    (void)state;
    assert_extents(img, false,
                   "0+4096 data, 4096+4096 hole, 8192+4096 data, "
                   "12288+3584 hole");
    image_close(img);
    free(file);
}

static void test_child_leaves_its_rest_to_the_parent(void **state)
{
    struct small_vhd child = some;
    uint8_t *file;
    struct image *img;

    (void)state;
    child.differs = 1;
    child.parent = 7;
    img = open_small(&child, &file, true);
    assert_extents(img, true,
                   "0+512 parent, 512+3584 data, 4096+4096 parent, "
                   "8192+1024 data, 9216+1536 parent, 10752+1536 zero, "
                   "12288+3584 parent");
    image_close(img);
    free(file);
}

/* The parent has blocks 1 and 2, and is smaller than the child. */
static void test_chain_tells_who_has_it(void **state)
{
    static const struct small_run runs[] = {{1, 0, 8, 'p'}, {2, 0, 8, 'p'}};
    const struct small_vhd base = {
        .size = 11 * KIB, .uuid = 7, .runs = runs, .nruns = 2};
    struct small_vhd child = some;
    uint8_t *files[2];
    struct image *img, *layers[1];

    (void)state;
    child.differs = 1;
    child.parent = 7;
    img = open_small(&child, &files[0], true);
    layers[0] = open_small(&base, &files[1], true);
    assert_ok(image_chain(&img, layers, 1, &e), &e);
    assert_extents(img, true,
                   "0+512 hole, 512+10240 data, 10752+1536 zero, "
                   "12288+3584 hole");
    image_close(img);
    free(files[0]);
    free(files[1]);
}

/* --- raw ------------------------------------------------------------------ */

/* A sparse file: data, a hole, zeros that are stored, a last sector cut short.
 */
static struct image *open_sparse(FILE *file, size_t size)
{
    uint8_t page[4096] = {0};
    struct source *src = NULL;
    struct image *img = NULL;

    assert_int_equal(ftruncate(fileno(file), (off_t)size), 0);
    assert_int_equal(pwrite(fileno(file), page, 4096, 16 * KIB), 4096);
    page[4095] = 1;
    assert_int_equal(pwrite(fileno(file), page, 4096, 0), 4096);
    assert_int_equal(pwrite(fileno(file), "x", 1, (off_t)size - 1), 1);
    assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
    assert_ok(source_open_fd(&src, fileno(file), "sparse", NULL, &e), &e);
    assert_ok(raw_decode(&src, -1, &img, &e), &e);
    return img;
}

static void test_raw_file_tells_what_it_stores(void **state)
{
    FILE *file = tmpfile();
    struct image *img;

    (void)state;
    assert_non_null(file);
    img = open_sparse(file, 40 * KIB - 100);
    assert_extents(img, true,
                   "0+4096 data, 4096+12288 hole, 16384+4096 zero, "
                   "20480+16384 hole, 36864+4096 data");
    image_close(img);
    (void)fclose(file);
}

/* --- the walk ------------------------------------------------------------- */

static void test_unit_grows_with_the_disk(void **state)
{
    const struct {
        uint64_t size;
        uint32_t unit;
    } cases[] = {{512, 4096},
                 {256 * MIB, 4096},
                 {UINT64_C(256) * MIB + 512, 8192},
                 {UINT64_C(2040) << 30, 2 * MIB}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct fake_image f = {.size = cases[i].size,
                                     .block_size = 2 * MIB};
        struct image *img = fake_image(&f);

        assert_int_equal(image_extents_unit(img), cases[i].unit);
        image_close(img);
    }
}

static int refuse(void *ctx, const struct extent *x, struct err *err)
{
    (void)ctx, (void)x;
    return err_set(err, ERR_FAILED, "no more");
}

static void test_taker_that_fails_ends_it(void **state)
{
    const struct fake_image f = {.size = MIB, .block_size = MIB};
    struct image *img = fake_image(&f);

    (void)state;
    assert_int_equal(image_extents(img, false, refuse, NULL, NULL, NULL, &e),
                     ERR_FAILED);
    assert_string_equal(e.text, "no more");
    image_close(img);
}

/* --- regions of the file -------------------------------------------------- */

static int take_region(void *ctx, const struct vhd_region *r, struct err *err)
{
    char kind[32];

    (void)err;
    (void)snprintf(kind, sizeof(kind), "block %u", r->index);
    tell(ctx, r->start, r->end - r->start,
         r->kind == REGION_META  ? "meta"
         : r->kind == REGION_GAP ? "gap"
                                 : kind);
    return 0;
}

static void assert_regions(const struct small_vhd *d, const char *expected)
{
    uint8_t *file;
    struct image *img = open_small(d, &file, true);
    struct story s = {0};
    uint64_t size = 0;

    assert_true(vhd_decode_has_places(img));
    assert_ok(vhd_regions(img, take_region, &s, &size, &e), &e);
    assert_string_equal(s.text, expected);
    image_close(img);
    free(file);
}

/* Copy, header, nothing where a locator would be, table, blocks, footer. */
static void test_all_of_the_file_is_told(void **state)
{
    (void)state;
    assert_regions(&some, "0+512 meta, 512+1024 meta, 1536+512 gap, "
                          "2048+512 meta, 2560+4608 block 2, "
                          "7168+4608 block 0, 11776+512 meta");
}

/* The last block goes on past the disk's end. */
static void test_rest_of_the_last_block_is_a_gap(void **state)
{
    static const struct small_run runs[] = {{3, 0, 1, 'a'}};
    const struct small_vhd d = {
        .size = 16 * KIB - SECTOR, .uuid = 1, .runs = runs, .nruns = 1};

    (void)state;
    assert_regions(&d, "0+512 meta, 512+1024 meta, 1536+512 gap, "
                       "2048+512 meta, 2560+4096 block 3, 6656+512 gap, "
                       "7168+512 meta");
}

static void test_locators_text_is_metadata(void **state)
{
    const struct small_vhd d = {
        .size = 16 * KIB, .uuid = 1, .differs = 1, .w2ru = "base.vhd"};

    (void)state;
    assert_regions(&d, "0+512 meta, 512+1024 meta, 1536+512 meta, "
                       "2048+512 meta, 2560+512 meta");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vhd_tells_by_its_sector_bits),
        cmocka_unit_test(test_stored_zeros_are_told_by_looking),
        cmocka_unit_test(test_stream_tells_by_its_map),
        cmocka_unit_test(test_child_leaves_its_rest_to_the_parent),
        cmocka_unit_test(test_chain_tells_who_has_it),
        cmocka_unit_test(test_raw_file_tells_what_it_stores),
        cmocka_unit_test(test_unit_grows_with_the_disk),
        cmocka_unit_test(test_taker_that_fails_ends_it),
        cmocka_unit_test(test_all_of_the_file_is_told),
        cmocka_unit_test(test_rest_of_the_last_block_is_a_gap),
        cmocka_unit_test(test_locators_text_is_metadata),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
