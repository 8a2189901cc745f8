/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "image/vhd/vhd_check.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"
#include "small_vhd.h"
#include "unit.h"

#include <stdlib.h>

enum { HEADER = 512, TABLE = 2048, BLOCKS = 2560, SPAN = 512 + 4096 };

/* Blocks 1 and 3 of four, in this order. */
static const struct small_run runs[] = {{1, 0, 2, 'a'}, {3, 7, 1, 'b'}};
static const struct small_vhd plain = {
    .size = 16384, .uuid = 5, .runs = runs, .nruns = 2};

struct file {
    uint8_t *data;
    size_t len;
};

static int setup(void **state)
{
    struct file *f = calloc(1, sizeof(*f));

    f->data = small_vhd_make(&plain, &f->len);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct file *f = *state;

    free(f->data);
    free(f);
    return 0;
}

static void mend_sum(uint8_t *raw, size_t len, size_t at)
{
    put_be32(raw + at, vhd_checksum(raw, len, at));
}

static void check(const struct file *f, bool seekable, struct vhd_report *r)
{
    struct source *src = memory_source(f->data, f->len, 100, seekable);
    struct err e = {0};

    assert_ok(vhd_check(&src, 0, r, &e), &e);
    source_close(src);
}

static const struct vhd_finding *find(const struct vhd_report *r,
                                      enum vhd_finding_id id)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->findings[i].id == id)
            return &r->findings[i];
    return NULL;
}

/* Opens and reads all: 0, or the error. */
static int open_and_read(const struct file *f, bool seekable, struct err *e)
{
    static const struct vhd_origin origin;
    struct source *src = memory_source(f->data, f->len, 100, seekable);
    struct image *img = NULL;
    struct block b = {0};
    int result = vhd_decode(&src, &origin, &img, e);

    assert_ok(block_open(&b, e), e);
    while (!result && (result = image_next(img, &b, e)) > 0)
        result = 0;
    block_close(&b);
    image_close(img);
    source_close(src);
    return result;
}

static void test_a_sound_disk_has_no_errors(void **state)
{
    for (int seekable = 0; seekable < 2; seekable++) {
        struct vhd_report r;

        check(*state, seekable, &r);
        assert_int_equal(r.severities[VHD_ERROR], 0);
        assert_int_equal(r.stream, !seekable);
        assert_true(r.is_vhd);
        assert_int_equal(r.footer.current_size, plain.size);
        vhd_report_free(&r);
    }
}

static void test_all_errors_are_found_and_opening_names_the_first(void **state)
{
    struct file *f = *state;
    struct vhd_report r;
    struct err e = {0};

    put_be32(f->data + TABLE, 3);         /* entry 0 over the header's end */
    put_be32(f->data + TABLE + 8, 99999); /* entry 2 past the end */
    check(f, true, &r);
    assert_non_null(find(&r, FOUND_BLOCK_OVER_BAT));
    assert_int_equal(find(&r, FOUND_BAT_ENTRY_PAST_END)->offset, TABLE + 8);
    assert_int_equal(open_and_read(f, true, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "(byte 2048, block-over-"));
    vhd_report_free(&r);
}

static void test_equal_entries_are_found_in_any_order(void **state)
{
    struct file *f = *state;
    struct vhd_report r;

    put_be32(f->data + TABLE, (BLOCKS + SPAN) / 512);
    check(f, true, &r);
    assert_int_equal(r.severities[VHD_ERROR], 1);
    assert_int_equal(find(&r, FOUND_BAT_ENTRIES_EQUAL)->offset, TABLE + 12);
    vhd_report_free(&r);
}

static void test_overlap_is_told_of_the_later_block(void **state)
{
    struct file *f = *state;
    struct vhd_report r;

    put_be32(f->data + TABLE, BLOCKS / 512 + 1);
    check(f, true, &r);
    assert_int_equal(find(&r, FOUND_BLOCKS_OVERLAP)->offset, TABLE);
    vhd_report_free(&r);
}

/* Many blocks in a scrambled order: only sorted do they not overlap. */
static void test_blocks_in_any_order_do_not_overlap(void **state)
{
    enum { N = 997 };
    struct small_run many[N];
    struct small_vhd d = {
        .size = N * 4096, .uuid = 1, .runs = many, .nruns = N};
    struct file f;
    struct vhd_report r;
    struct err e = {0};

    (void)state;
    for (uint32_t i = 0; i < N; i++)
        many[i] = (struct small_run){i * 101 % N, 0, 1, 'x'};
    f.data = small_vhd_make(&d, &f.len);
    check(&f, true, &r);
    assert_int_equal(r.severities[VHD_ERROR], 0);
    assert_int_equal(open_and_read(&f, false, &e), 0);
    vhd_report_free(&r);
    free(f.data);
}

static void test_data_under_a_clear_bit_is_found(void **state)
{
    struct file *f = *state;
    struct vhd_report r;

    f->data[BLOCKS + 512 + 5 * 512 + 17] = 1;
    for (int seekable = 0; seekable < 2; seekable++) {
        check(f, seekable, &r);
        assert_int_equal(find(&r, FOUND_DATA_UNDER_CLEAR_BITS)->offset,
                         BLOCKS + 512 + 5 * 512);
        vhd_report_free(&r);
    }
}

static void test_blocks_are_not_judged_beside_errors(void **state)
{
    struct file *f = *state;
    struct vhd_report r;

    f->data[BLOCKS + 512 + 5 * 512 + 17] = 1;
    put_be32(f->data + TABLE + 8, 99999);
    check(f, true, &r);
    assert_null(find(&r, FOUND_DATA_UNDER_CLEAR_BITS));
    vhd_report_free(&r);
}

static void test_a_lost_footer_matters_on_a_stream_only(void **state)
{
    struct file *f = *state;
    struct vhd_report r;
    struct err e = {0};

    f->len -= 512;
    check(f, true, &r);
    assert_int_equal(find(&r, FOUND_TRAILING_FOOTER_MISSING)->severity,
                     VHD_WARNING);
    assert_int_equal(open_and_read(f, true, &e), 0);
    vhd_report_free(&r);
    check(f, false, &r);
    assert_int_equal(find(&r, FOUND_TRAILING_FOOTER_MISSING)->severity,
                     VHD_ERROR);
    assert_int_equal(open_and_read(f, false, &e), ERR_CORRUPT);
    vhd_report_free(&r);
}

static void test_a_stream_that_ends_in_its_head_says_where(void **state)
{
    struct file *f = *state;
    const struct {
        size_t len;
        enum vhd_finding_id id;
    } cuts[] = {
        {100, FOUND_NOT_A_VHD},          {512, FOUND_DATA_OFFSET},
        {1000, FOUND_HEADER_PAST_END},   {1600, FOUND_TABLE_OFFSET},
        {TABLE + 8, FOUND_BAT_PAST_END}, {BLOCKS + 100, FOUND_BLOCK_CUT}};

    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        struct file cut = {f->data, cuts[i].len};
        struct vhd_report r;
        struct err e = {0};

        check(&cut, false, &r);
        assert_non_null(find(&r, cuts[i].id));
        assert_int_equal(find(&r, cuts[i].id)->severity, VHD_ERROR);
        assert_int_equal(open_and_read(&cut, false, &e), ERR_CORRUPT);
        vhd_report_free(&r);
    }
}

/* The table stands last, and its padding to a sector is the footer's: found by
 * fuzzing, where a stream was refused and the file taken. */
static void test_a_table_that_fills_no_sector_may_end_at_the_footer(
    void **state)
{
    struct file *f = *state;
    size_t len = BLOCKS + 2 * SPAN + 16 + 512;
    uint8_t *moved = calloc(1, len);
    struct file late = {moved, len};
    struct vhd_report r;
    struct err e = {0};

    memcpy(moved, f->data, BLOCKS + 2 * SPAN);
    memcpy(moved + BLOCKS + 2 * SPAN, f->data + TABLE, 16);
    memcpy(moved + len - 512, f->data, 512);
    put_be64(moved + HEADER + 16, BLOCKS + 2 * SPAN);
    mend_sum(moved + HEADER, 1024, 36);
    check(&late, true, &r);
    assert_int_equal(r.severities[VHD_ERROR], 0);
    assert_int_equal(open_and_read(&late, true, &e), 0);
    vhd_report_free(&r);
    /* On a stream the blocks were passed. */
    check(&late, false, &r);
    assert_non_null(find(&r, FOUND_PIPE_ORDER));
    vhd_report_free(&r);
    free(moved);
}

/* The same with no block at all, which a stream can follow. */
static void test_an_empty_table_may_end_at_the_footer_of_a_stream(void **state)
{
    struct small_vhd d = {.size = 16384, .uuid = 1};
    struct file f;
    struct vhd_report r;
    struct err e = {0};

    (void)state;
    f.data = small_vhd_make(&d, &f.len);
    memmove(f.data + TABLE + 16, f.data + f.len - 512, 512);
    f.len = TABLE + 16 + 512;
    check(&f, false, &r);
    assert_int_equal(r.severities[VHD_ERROR], 0);
    assert_int_equal(open_and_read(&f, false, &e), 0);
    vhd_report_free(&r);
    free(f.data);
}

static void test_a_guests_footer_at_the_end_is_no_trailing_one(void **state)
{
    struct file *f = *state;
    uint8_t *last = f->data + f->len - 1024;
    struct vhd_report r;

    /* In the last sector of the last block, and nothing behind it. */
    memcpy(last, f->data, 512);
    memset(last + 68, 9, 16);
    put_be64(last + 48, 999 * 512);
    mend_sum(last, 512, 64);
    f->len -= 512;
    check(f, true, &r);
    assert_int_equal(r.footer.current_size, plain.size);
    assert_int_equal(find(&r, FOUND_TRAILING_FOOTER_MISSING)->offset, f->len);
    vhd_report_free(&r);
}

static void test_findings_are_sorted_by_offset(void **state)
{
    struct file *f = *state;
    struct vhd_report r;

    put_be32(f->data + TABLE + 8, 99999);
    f->data[85] = 1; /* the copy's sum is wrong now */
    check(f, true, &r);
    assert_true(r.count > 2);
    for (uint32_t i = 1; i < r.count; i++)
        assert_true(r.findings[i - 1].offset <= r.findings[i].offset);
    vhd_report_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sound_disk_has_no_errors, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_all_errors_are_found_and_opening_names_the_first, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_equal_entries_are_found_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overlap_is_told_of_the_later_block,
                                        setup, teardown),
        cmocka_unit_test(test_blocks_in_any_order_do_not_overlap),
        cmocka_unit_test_setup_teardown(test_data_under_a_clear_bit_is_found,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_blocks_are_not_judged_beside_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_lost_footer_matters_on_a_stream_only, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_stream_that_ends_in_its_head_says_where, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_table_that_fills_no_sector_may_end_at_the_footer, setup,
            teardown),
        cmocka_unit_test(test_an_empty_table_may_end_at_the_footer_of_a_stream),
        cmocka_unit_test_setup_teardown(
            test_a_guests_footer_at_the_end_is_no_trailing_one, setup,
            teardown),
        cmocka_unit_test_setup_teardown(test_findings_are_sorted_by_offset,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
