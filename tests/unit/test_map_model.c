/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/map/map_colour.h"
#include "copy/map/map_model.h"
#include "copy/map/map_svg.h"
#include "fake_image.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"
#include "small_vhd.h"
#include "unit.h"

#include <stdlib.h>

enum { KIB = 1024, MIB = 1024 * KIB };

static struct err e;

/* A model is too large for a stack. */
static struct map_model *new_model(uint64_t size)
{
    const struct fake_image f = {.size = size, .block_size = 2 * MIB};
    struct image *img = fake_image(&f);
    struct map_model *m = malloc(sizeof(*m));

    assert_non_null(m);
    map_model_init(m, img);
    image_close(img);
    return m;
}

static void add(struct map_model *m, uint64_t start, uint64_t len,
                enum extent_kind kind)
{
    const struct extent x = {start, len, kind};

    map_model_add(m, &x);
}

static void assert_disk(const struct map_model *m, uint64_t cell,
                        const char *text)
{
    struct map_text t;

    map_text_disk(m, &t);
    assert_int_equal(t.cell, cell);
    assert_string_equal(t.text, text);
}

static void test_cells_of_any_size(void **state)
{
    const struct {
        uint64_t size, cell;
        uint32_t count;
    } cases[] = {{512, 512, 1},
                 {2 * MIB, 512, 4096},
                 {2 * MIB + 512, 1024, 2049},
                 {UINT64_C(2040) << 30, 512 * MIB, 4080}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct map_model *m = new_model(cases[i].size);

        assert_int_equal(m->disk.cell, cases[i].cell);
        assert_int_equal(m->disk.count, cases[i].count);
        free(m);
    }
}

static void test_each_kind_has_its_letter(void **state)
{
    struct map_model *m = new_model(8 * 512);

    (void)state;
    add(m, 0, 1024, EXTENT_DATA);
    add(m, 1024, 512, EXTENT_ZERO);
    add(m, 1536, 1024, EXTENT_HOLE);
    add(m, 2560, 1536, EXTENT_PARENT);
    assert_disk(m, 512, "99z..ppp");
    assert_int_equal(m->disk.totals[EXTENT_DATA], 1024);
    assert_int_equal(m->disk.totals[EXTENT_HOLE], 1024);
    free(m);
}

/* 4096 cells of the model are 512 of the text: eight of them are one. */
static void test_share_of_data_is_a_digit(void **state)
{
    struct map_model *m = new_model(2 * MIB);
    struct map_text t;

    (void)state;
    add(m, 0, 512, EXTENT_DATA);
    add(m, 512, 3584, EXTENT_HOLE);
    add(m, 4096, 2048, EXTENT_DATA);
    add(m, 6144, 2048, EXTENT_ZERO);
    add(m, 8192, 4096, EXTENT_DATA);
    add(m, 12288, 1024, EXTENT_PARENT);
    add(m, 13312, 2 * MIB - 13312, EXTENT_HOLE);
    map_text_disk(m, &t);
    assert_int_equal(t.cell, 4096);
    assert_int_equal(strlen(t.text), 512);
    assert_memory_equal(t.text, "149..", 5);
    free(m);
}

/* --- the file ------------------------------------------------------------- */

static struct map_model *model_of(const struct small_vhd *d)
{
    const struct vhd_origin origin = {0};
    struct map_model *m = malloc(sizeof(*m));
    struct image *img = NULL;
    struct source *src;
    size_t len;
    uint8_t *file = small_vhd_make(d, &len);

    assert_non_null(m);
    src = memory_source(file, len, len, true);
    assert_ok(vhd_decode(&src, &origin, &img, &e), &e);
    map_model_init(m, img);
    assert_ok(map_model_add_file(m, img, &e), &e);
    assert_true(m->has_file);
    assert_int_equal(m->file.size, len);
    image_close(img);
    free(file);
    return m;
}

static void assert_runs(const uint32_t *blocks, size_t n, uint32_t runs)
{
    struct small_run r[8] = {{0}};
    struct small_vhd d = {.size = 40 * KIB, .uuid = 1, .runs = r, .nruns = n};
    struct map_model *m;

    for (size_t i = 0; i < n; i++)
        r[i] = (struct small_run){blocks[i], 0, 1, 'x'};
    m = model_of(&d);
    assert_int_equal(m->runs, runs);
    free(m);
}

static void test_runs_are_counted(void **state)
{
    (void)state;
    assert_runs(NULL, 0, 0);
    assert_runs((const uint32_t[]){0, 1, 2}, 3, 1);
    assert_runs((const uint32_t[]){1, 5, 9}, 3, 1);
    assert_runs((const uint32_t[]){2, 1, 0}, 3, 3);
    assert_runs((const uint32_t[]){5, 6, 7, 0, 1}, 5, 2);
}

/* Ten blocks of 4 KiB, backwards from 9: tenths of the disk. A cell of the file
 * is 512 bytes, a block nine of them. */
static void test_file_tells_tenths_of_the_disk(void **state)
{
    static const struct small_run runs[] = {{9, 0, 1, 'x'}, {3, 0, 1, 'x'}};
    const struct small_vhd d = {
        .size = 40 * KIB, .uuid = 1, .runs = runs, .nruns = 2};
    struct map_model *m = model_of(&d);
    struct map_text t;

    (void)state;
    map_text_file(m, &t);
    assert_int_equal(t.cell, 512);
    assert_string_equal(t.text, "mmm-m999999999333333333m");
    free(m);
}

/* The bitmap before the data makes a block longer than its part of the disk. */
static void test_no_place_is_past_the_end(void **state)
{
    static const struct small_run runs[] = {{0, 0, 1, 'x'}};
    const struct small_vhd d = {
        .size = 4 * KIB, .uuid = 1, .runs = runs, .nruns = 1};
    struct map_model *m = model_of(&d);

    (void)state;
    for (uint32_t i = 0; i < m->file.count; i++)
        assert_true(m->file.cells[i].place <= 4 * KIB);
    free(m);
}

static void test_other_images_have_no_file(void **state)
{
    const struct fake_image f = {
        .size = MIB, .block_size = MIB, .seekable = true};
    struct image *img = fake_image(&f);
    struct map_model *m = new_model(MIB);

    (void)state;
    assert_ok(map_model_add_file(m, img, &e), &e);
    assert_false(m->has_file);
    image_close(img);
    free(m);
}

/* --- the drawing ---------------------------------------------------------- */

static void test_colours_tell_the_kinds_apart(void **state)
{
    struct map_model *m = new_model(4 * 512);
    struct colour c[4];

    (void)state;
    for (int kind = EXTENT_DATA; kind < EXTENT_KINDS; kind++)
        add(m, (uint64_t)kind * 512, 512, (enum extent_kind)kind);
    for (uint32_t i = 0; i < 4; i++) {
        c[i] = colour_of_disk(&m->disk, i);
        for (uint32_t k = 0; k < i; k++)
            assert_false(colour_equal(c[i], c[k]));
    }
    assert_true(colour_equal(c[EXTENT_HOLE], colour_empty));
    assert_true(colour_equal(c[EXTENT_DATA], colour_scale(0)));
    free(m);
}

static char *draw(const struct map_model *m, const char *name)
{
    uint8_t *data;
    size_t len;
    struct sink *s = memory_sink(&data, &len, false);
    char *text;

    assert_ok(map_svg_draw(m, name, "vhd", s, &e), &e);
    sink_close(s, NULL);
    text = malloc(len + 1);
    assert_non_null(text);
    memcpy(text, data, len);
    text[len] = '\0';
    free(data);
    return text;
}

static void test_names_are_no_markup(void **state)
{
    struct map_model *m = new_model(512);
    char *text = draw(m, "<a&b>\x01\xff");

    (void)state;
    assert_non_null(strstr(text, ">&lt;a&amp;b>?"
                                 "?</text>"));
    assert_memory_equal(text + strlen(text) - 7, "</svg>\n", 7);
    free(text);
    free(m);
}

static void test_file_is_drawn_where_there_is_one(void **state)
{
    static const struct small_run runs[] = {{1, 0, 1, 'x'}, {0, 0, 1, 'x'}};
    const struct small_vhd d = {
        .size = 40 * KIB, .uuid = 1, .runs = runs, .nruns = 2};
    struct map_model *plain = new_model(MIB), *vhd = model_of(&d);
    char *one = draw(plain, "x"), *other = draw(vhd, "x");

    (void)state;
    assert_null(strstr(one, "Order"));
    assert_non_null(strstr(other, "Order"));
    assert_non_null(strstr(other, "2 blocks in 2 runs"));
    free(one);
    free(other);
    free(plain);
    free(vhd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_of_any_size),
        cmocka_unit_test(test_each_kind_has_its_letter),
        cmocka_unit_test(test_share_of_data_is_a_digit),
        cmocka_unit_test(test_runs_are_counted),
        cmocka_unit_test(test_file_tells_tenths_of_the_disk),
        cmocka_unit_test(test_no_place_is_past_the_end),
        cmocka_unit_test(test_other_images_have_no_file),
        cmocka_unit_test(test_colours_tell_the_kinds_apart),
        cmocka_unit_test(test_names_are_no_markup),
        cmocka_unit_test(test_file_is_drawn_where_there_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
