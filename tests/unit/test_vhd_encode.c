/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "base/zero.h"
#include "image/encoder.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"
#include "small_vhd.h"
#include "unit.h"

#include <stdlib.h>

enum { MIB = 1024 * 1024, SECTOR = 512, HEADER = 512, LOCATOR = HEADER + 576 };

struct bytes {
    uint8_t *data;
    size_t len;
};

/* Writes all of img through enc, which ends here; the size is as promised. */
static struct bytes encode(struct image *img, struct encoder *enc,
                           bool seekable)
{
    struct bytes out;
    struct sink *s = memory_sink(&out.data, &out.len, seekable);
    struct err e = {0};

    assert_ok(image_copy(img, enc, s, NULL, NULL, &e), &e);
    assert_int_equal(out.len, enc->size);
    sink_close(s, NULL);
    encoder_close(enc);
    return out;
}

/* Disks of 2 MiB blocks, so that no reblocking comes between. */
static struct image *open_child(const struct small_run *runs, size_t nruns,
                                struct bytes *file)
{
    static const struct vhd_origin origin;
    const struct small_vhd d = {.size = 5 * MIB,
                                .block_size = 2 * MIB,
                                .uuid = 2,
                                .parent = 1,
                                .differs = 1,
                                .runs = runs,
                                .nruns = nruns};
    struct image *img = NULL;
    struct source *src;
    struct err e = {0};

    file->data = small_vhd_make(&d, &file->len);
    src = memory_source(file->data, file->len, MIB, true);
    assert_ok(vhd_decode(&src, &origin, &img, &e), &e);
    return img;
}

/* A child written anew, naming its parent by `parent`. */
static struct bytes write_child(const char *parent)
{
    const struct small_run runs[] = {{1, 9, 3, 0}, {0, 1, 2, 'x'}};
    struct bytes file, out;
    struct image *img = open_child(runs, 2, &file);
    const struct vhd_options opt = {.clear_zeros = true, .parent = parent};
    struct encoder *enc = NULL;
    struct err e = {0};

    assert_ok(vhd_encoder(&enc, img, &opt, &e), &e);
    out = encode(img, enc, false);
    image_close(img);
    free(file.data);
    return out;
}

static uint32_t sum_without(const uint8_t *raw, size_t len, size_t at)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        if (i < at || i >= at + 4)
            sum += raw[i];
    return ~sum;
}

static void test_a_child_keeps_what_it_was(void **state)
{
    struct bytes out = write_child("base.vhd");

    (void)state;
    assert_memory_equal(out.data, "conectix", 8);
    assert_memory_equal(out.data, out.data + out.len - 512, 512);
    assert_int_equal(get_be32(out.data + 60), 4);
    assert_int_equal(get_be64(out.data + 48), 5 * MIB);
    assert_int_equal(out.data[68], 2);
    assert_int_equal(out.data[HEADER + 40], 1);
    assert_int_equal(out.data[HEADER + 55], 1);
    assert_int_equal(get_be32(out.data + 64), sum_without(out.data, 512, 64));
    assert_int_equal(get_be32(out.data + HEADER + 36),
                     sum_without(out.data + HEADER, 1024, 36));
    free(out.data);
}

/* Also where the caller asks for zeros to be left out. */
static void test_bits_over_zeros_stay_set_in_a_child(void **state)
{
    struct bytes out = write_child(NULL);
    uint64_t table = get_be64(out.data + HEADER + 16);
    const uint8_t *first = out.data + get_be32(out.data + table) * SECTOR;
    const uint8_t *second = out.data + get_be32(out.data + table + 4) * SECTOR;

    (void)state;
    assert_int_equal(get_be32(out.data + table + 8), UINT32_MAX);
    assert_true(second < first); /* as they were stored */
    assert_int_equal(first[0], 0x60);
    assert_true(zero_is(first + 1, 511));
    assert_int_equal(first[512 + SECTOR], 'x');
    assert_int_equal(second[1], 0x70);
    free(out.data);
}

static void check_locator(const struct bytes *out, int i, const char *code,
                          const void *text, size_t len)
{
    const uint8_t *raw = out->data + LOCATOR + 24 * i;
    uint32_t space = get_be32(raw + 4);
    uint64_t at = get_be64(raw + 16);

    assert_memory_equal(raw, code, 4);
    assert_int_equal(space % 512, 0); /* bytes */
    assert_true(space >= 512 && space >= len);
    assert_int_equal(get_be32(raw + 8), len);
    assert_true(at >= 1536 && at % 512 == 0);
    assert_true(at + space <= get_be64(out->data + HEADER + 16));
    assert_memory_equal(out->data + at, text, len);
    assert_true(zero_is(out->data + at + len, space - len));
}

static void test_a_child_names_its_parent_three_times(void **state)
{
    struct bytes out = write_child("sub/b \xc3\xa9%.vhd");
    static const uint8_t wide[] = {'.',  0, '\\', 0, 's', 0, 'u',  0, 'b', 0,
                                   '\\', 0, 'b',  0, ' ', 0, 0xe9, 0, '%', 0,
                                   '.',  0, 'v',  0, 'h', 0, 'd',  0};
    static const uint8_t name[] = {0,   'b', 0,   ' ', 0,   0xe9, 0,   '%', 0,
                                   '.', 0,   'v', 0,   'h', 0,    'd', 0,   0};
    const char *url = "file://./sub/b %C3%A9%25.vhd";

    (void)state;
    check_locator(&out, 0, "MacX", url, strlen(url));
    check_locator(&out, 1, "W2ku", wide, sizeof(wide));
    check_locator(&out, 2, "W2ru", wide, sizeof(wide));
    assert_true(zero_is(out.data + LOCATOR + 3 * 24, 5 * 24));
    assert_memory_equal(out.data + HEADER + 64, name, sizeof(name));
    free(out.data);
}

static void test_a_name_too_long_for_the_header_is_cut(void **state)
{
    char name[601];
    struct bytes out;
    const uint8_t *field;

    (void)state;
    memset(name, 'n', 600);
    name[600] = '\0';
    out = write_child(name);
    field = out.data + HEADER + 64;
    for (int i = 0; i < 255; i++)
        assert_int_equal(get_be16(field + 2 * (size_t)i), 'n');
    assert_int_equal(get_be16(field + 510), 0);
    assert_int_equal(get_be32(out.data + LOCATOR + 4), 1024);
    assert_int_equal(get_be32(out.data + LOCATOR + 8), 9 + 600);
    free(out.data);
}

static void test_a_name_that_is_no_utf8_is_left_out(void **state)
{
    struct bytes out = write_child("\xff.vhd");

    (void)state;
    assert_true(zero_is(out.data + LOCATOR, (size_t)8 * 24));
    assert_true(zero_is(out.data + HEADER + 64, 512));
    assert_int_equal(get_be64(out.data + HEADER + 16), 1536);
    free(out.data);
}

static struct bytes write_fixed(size_t len, uint64_t size, bool seekable)
{
    uint8_t *disk = calloc(1, len);
    struct source *src = memory_source(disk, len, MIB, true);
    const struct uuid uuid = {{5, 5}};
    struct image *img = NULL;
    struct encoder *enc = NULL;
    struct bytes out;
    struct err e = {0};

    assert_non_null(disk);
    memset(disk, 'a', 10);
    disk[len - 1] = 'z';
    assert_ok(raw_decode(&src, -1, &img, &e), &e);
    assert_ok(vhd_fixed_encoder(&enc, img, size, &uuid, &e), &e);
    out = encode(img, enc, seekable);
    image_close(img);
    free(disk);
    return out;
}

static void test_a_fixed_disk_is_data_and_a_footer(void **state)
{
    struct bytes out = write_fixed(5 * MIB, 5 * MIB, false);
    const uint8_t *footer = out.data + 5 * MIB;

    (void)state;
    assert_int_equal(out.len, 5 * MIB + 512);
    assert_memory_equal(out.data, "aaaaaaaaaa\0", 11);
    assert_int_equal(out.data[5 * MIB - 1], 'z');
    assert_memory_equal(footer, "conectix", 8);
    assert_int_equal(get_be64(footer + 16), UINT64_MAX);
    assert_int_equal(get_be64(footer + 40), 5 * MIB);
    assert_int_equal(get_be64(footer + 48), 5 * MIB);
    assert_int_equal(get_be32(footer + 60), 2);
    assert_int_equal(get_be32(footer + 64), sum_without(footer, 512, 64));
    assert_int_equal(footer[69], 5);
    free(out.data);
}

static void test_a_fixed_disk_is_the_same_by_places(void **state)
{
    struct bytes stream =
        write_fixed(3 * MIB + SECTOR, 3 * MIB + SECTOR, false);
    struct bytes file = write_fixed(3 * MIB + SECTOR, 3 * MIB + SECTOR, true);

    (void)state;
    /* Time apart, which may have gone on. */
    memset(stream.data + 3 * MIB + SECTOR + 24, 0, 4);
    memset(file.data + 3 * MIB + SECTOR + 24, 0, 4);
    memset(stream.data + 3 * MIB + SECTOR + 64, 0, 4);
    memset(file.data + 3 * MIB + SECTOR + 64, 0, 4);
    assert_int_equal(stream.len, file.len);
    assert_memory_equal(stream.data, file.data, file.len);
    free(stream.data);
    free(file.data);
}

static void test_a_fixed_disk_can_be_padded(void **state)
{
    for (int seekable = 0; seekable < 2; seekable++) {
        struct bytes out = write_fixed(2 * MIB + 100, 4 * MIB, seekable);

        assert_int_equal(out.len, 4 * MIB + 512);
        assert_int_equal(out.data[2 * MIB + 99], 'z');
        assert_true(zero_is(out.data + 2 * MIB + 100, 2 * MIB - 100));
        assert_int_equal(get_be64(out.data + 4 * MIB + 48), 4 * MIB);
        free(out.data);
    }
    (void)state;
}

static void test_a_child_cannot_be_a_fixed_disk(void **state)
{
    struct bytes file;
    struct image *img = open_child(NULL, 0, &file);
    struct encoder *enc = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(vhd_fixed_encoder(&enc, img, img->size, NULL, &e),
                     ERR_UNSUPPORTED);
    image_close(img);
    free(file.data);
}

static void test_more_than_a_vhd_holds_is_refused(void **state)
{
    struct bytes file;
    struct image *img = open_child(NULL, 0, &file);
    struct encoder *enc = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(
        vhd_fixed_encoder(&enc, img, UINT64_C(0x1FE00000200), NULL, &e),
        ERR_NO_SPACE);
    image_close(img);
    free(file.data);
}

/* The buffer of a piece is used again, so its last byte of bits may hold more
 * than the last, shorter piece has sectors. */
static void test_no_bit_is_set_past_the_end(void **state)
{
    const size_t len = 2 * MIB + 3 * SECTOR;
    uint8_t *disk = calloc(1, len);
    struct source *src = memory_source(disk, len, MIB, true);
    const struct vhd_options opt = {0};
    struct image *img = NULL;
    struct encoder *enc = NULL;
    struct bytes out;
    struct err e = {0};

    (void)state;
    assert_non_null(disk);
    memset(disk, 'x', len);
    assert_ok(raw_decode(&src, -1, &img, &e), &e);
    assert_ok(vhd_encoder(&enc, img, &opt, &e), &e);
    out = encode(img, enc, false);
    assert_int_equal(out.data[2048 + 512 + 2 * MIB], 0xe0);
    assert_true(zero_is(out.data + 2048 + 512 + 2 * MIB + 1, 511));
    image_close(img);
    free(disk);
    free(out.data);
}

/* 64 KiB blocks far apart: by address, with their bits. */
static void test_a_child_of_small_blocks_is_reblocked_with_its_bits(
    void **state)
{
    static const struct vhd_origin origin;
    const struct small_run runs[] = {
        {33, 7, 1, 'c'}, {0, 1, 2, 0}, {40, 0, 1, 'd'}, {31, 127, 1, 'b'}};
    const struct small_vhd d = {.size = 5 * MIB,
                                .block_size = 64 * 1024,
                                .uuid = 2,
                                .parent = 1,
                                .differs = 1,
                                .runs = runs,
                                .nruns = 4};
    struct image *img = NULL;
    struct block b;
    struct bytes file;
    struct source *src;
    struct err e = {0};

    (void)state;
    file.data = small_vhd_make(&d, &file.len);
    src = memory_source(file.data, file.len, MIB, true);
    assert_ok(vhd_decode(&src, &origin, &img, &e), &e);
    assert_ok(image_reblock(&img, &e), &e);
    assert_true(img->has_parent);
    assert_ok(block_open(&b, &e), &e);
    assert_int_equal(image_next(img, &b, &e), 1);
    assert_int_equal(b.index, 0);
    assert_int_equal(b.present[0], 0x60);
    assert_int_equal(b.present[511], 0x01);
    assert_int_equal(b.data[2 * MIB - 1], 'b');
    assert_true(zero_is(b.data, 2 * MIB - SECTOR));
    assert_int_equal(image_next(img, &b, &e), 1);
    assert_int_equal(b.index, 1);
    assert_int_equal(b.present[16], 0x01);
    assert_int_equal(b.present[128], 0x80);
    assert_int_equal(image_next(img, &b, &e), 0);
    block_close(&b);
    image_close(img);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_keeps_what_it_was),
        cmocka_unit_test(test_bits_over_zeros_stay_set_in_a_child),
        cmocka_unit_test(test_a_child_names_its_parent_three_times),
        cmocka_unit_test(test_a_name_too_long_for_the_header_is_cut),
        cmocka_unit_test(test_a_name_that_is_no_utf8_is_left_out),
        cmocka_unit_test(test_a_fixed_disk_is_data_and_a_footer),
        cmocka_unit_test(test_a_fixed_disk_is_the_same_by_places),
        cmocka_unit_test(test_a_fixed_disk_can_be_padded),
        cmocka_unit_test(test_a_child_cannot_be_a_fixed_disk),
        cmocka_unit_test(test_more_than_a_vhd_holds_is_refused),
        cmocka_unit_test(test_no_bit_is_set_past_the_end),
        cmocka_unit_test(
            test_a_child_of_small_blocks_is_reblocked_with_its_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
