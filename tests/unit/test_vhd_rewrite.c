/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "image/vhd/vhd_backup.h"
#include "image/vhd/vhd_rewrite.h"
#include "unit.h"

#include "scratch.h"

enum { LEN = 4096 };

static uint8_t before[LEN];

static int setup(void **state)
{
    int result = scratch_setup(state);

    for (int i = 0; i < LEN; i++)
        before[i] = (uint8_t)(i / 16);
    scratch_write("disk", before, LEN);
    return result;
}

static void open_for(struct vhd_file *f, enum vhd_file_use use)
{
    struct err e = {0};

    assert_ok(vhd_file_open(f, "disk", use, NULL, &e), &e);
}

/* The first sector, and one behind the end. */
static void make_patches(const struct vhd_file *f, struct vhd_patches *p)
{
    uint8_t fresh[512];
    struct err e = {0};

    memset(fresh, 0xee, sizeof(fresh));
    *p = (struct vhd_patches){.size = LEN};
    assert_ok(vhd_patches_put(p, 0, fresh, 512, &e), &e);
    assert_ok(vhd_patches_put(p, LEN, fresh, 512, &e), &e);
    assert_ok(vhd_patches_settle(p, f->src, &e), &e);
}

static void assert_file(const uint8_t *wanted, size_t len)
{
    uint8_t now[2 * LEN];

    assert_int_equal(scratch_read("disk", now, sizeof(now)), len);
    assert_memory_equal(now, wanted, len);
}

/* Backs up and patches; the name of the backup. */
static char *repair_it(struct vhd_patches *p)
{
    CLEANUP(vhd_file) struct vhd_file f;
    char *backup = NULL;
    struct err e = {0};

    open_for(&f, VHD_FILE_CHANGE);
    make_patches(&f, p);
    assert_ok(vhd_file_back_up(&f, p, &backup, &e), &e);
    assert_file(before, LEN);
    assert_ok(vhd_file_patch(&f, p, &e), &e);
    return backup;
}

static int undo_it(const char *backup, struct err *e)
{
    CLEANUP(vhd_file) struct vhd_file f;
    CLEANUP(source) struct source *src = NULL;
    CLEANUP(vhd_patches) struct vhd_patches p = {0};
    uint64_t size_after;

    TRY(source_open_file(&src, backup, NULL, e));
    TRY(vhd_backup_read(src, &p, &size_after, e));
    open_for(&f, VHD_FILE_CHANGE);
    TRY(vhd_file_check_undo(&f, &p, size_after, e));
    return vhd_file_undo(&f, &p, e);
}

static void test_patches_are_written_and_taken_back(void **state)
{
    CLEANUP(vhd_patches) struct vhd_patches p;
    FREE char *backup = repair_it(&p);
    uint8_t after[LEN + 512];
    struct err e = {0};

    (void)state;
    memcpy(after, before, LEN);
    memset(after, 0xee, 512);
    memset(after + LEN, 0xee, 512);
    assert_file(after, sizeof(after));
    assert_ok(undo_it(backup, &e), &e);
    assert_file(before, LEN);
}

static void test_taking_back_twice_is_harmless(void **state)
{
    CLEANUP(vhd_patches) struct vhd_patches p;
    FREE char *backup = repair_it(&p);
    struct err e = {0};

    (void)state;
    assert_ok(undo_it(backup, &e), &e);
    assert_ok(undo_it(backup, &e), &e);
    assert_file(before, LEN);
}

static void test_half_a_repair_is_taken_back(void **state)
{
    CLEANUP(vhd_patches) struct vhd_patches p;
    FREE char *backup = repair_it(&p);
    uint8_t half[LEN + 100];
    struct err e = {0};

    (void)state;
    /* The appended sector had come as far as this, the first not at all. */
    memcpy(half, before, LEN);
    memset(half + LEN, 0xee, 100);
    scratch_write("disk", half, sizeof(half));
    assert_ok(undo_it(backup, &e), &e);
    assert_file(before, LEN);
    memset(half + LEN, 0, 100);
    scratch_write("disk", half, sizeof(half));
    assert_ok(undo_it(backup, &e), &e);
    assert_file(before, LEN);
}

static void test_a_change_since_the_repair_is_kept(void **state)
{
    CLEANUP(vhd_patches) struct vhd_patches p;
    FREE char *backup = repair_it(&p);
    const size_t places[] = {0, 511, LEN, LEN + 511};
    uint8_t now[LEN + 512];
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        assert_int_equal(scratch_read("disk", now, sizeof(now)), sizeof(now));
        now[places[i]] ^= 1;
        scratch_write("disk", now, sizeof(now));
        assert_int_equal(undo_it(backup, &e), ERR_CORRUPT);
        assert_file(now, sizeof(now));
        now[places[i]] ^= 1;
        scratch_write("disk", now, sizeof(now));
    }
    assert_ok(undo_it(backup, &e), &e);
}

static void test_a_change_elsewhere_stays(void **state)
{
    CLEANUP(vhd_patches) struct vhd_patches p;
    FREE char *backup = repair_it(&p);
    uint8_t now[LEN + 512];
    struct err e = {0};

    (void)state;
    assert_int_equal(scratch_read("disk", now, sizeof(now)), sizeof(now));
    now[2000] = before[2000] = 0x77;
    scratch_write("disk", now, sizeof(now));
    assert_ok(undo_it(backup, &e), &e);
    assert_file(before, LEN);
}

static void test_another_length_is_refused(void **state)
{
    CLEANUP(vhd_patches) struct vhd_patches p;
    FREE char *backup = repair_it(&p);
    struct err e = {0};

    (void)state;
    assert_int_equal(truncate("disk", LEN + 513), 0);
    assert_int_equal(undo_it(backup, &e), ERR_CORRUPT);
    assert_int_equal(truncate("disk", LEN - 1), 0);
    assert_int_equal(undo_it(backup, &e), ERR_CORRUPT);
}

static void test_backups_get_names_of_their_own(void **state)
{
    CLEANUP(vhd_file) struct vhd_file f;
    CLEANUP(vhd_patches) struct vhd_patches p;
    struct err e = {0};

    (void)state;
    open_for(&f, VHD_FILE_READ);
    make_patches(&f, &p);
    for (int i = 1; i <= 3; i++) {
        FREE char *backup = NULL;

        assert_ok(vhd_file_back_up(&f, &p, &backup, &e), &e);
        assert_int_equal(strncmp(backup, "disk.backup-", 12), 0);
        assert_int_equal(scratch_count(), 1 + i);
    }
}

static void test_what_is_no_file_is_refused(void **state)
{
    struct vhd_file f;
    struct err e = {0};

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(vhd_file_open(&f, "fifo", VHD_FILE_CHANGE, NULL, &e),
                     ERR_UNSUPPORTED);
    assert_int_equal(vhd_file_open(&f, "/dev/null", VHD_FILE_READ, NULL, &e),
                     ERR_UNSUPPORTED);
    assert_int_equal(vhd_file_open(&f, "none", VHD_FILE_READ, NULL, &e),
                     ERR_NOT_FOUND);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_patches_are_written_and_taken_back),
        TEST(test_taking_back_twice_is_harmless),
        TEST(test_half_a_repair_is_taken_back),
        TEST(test_a_change_since_the_repair_is_kept),
        TEST(test_a_change_elsewhere_stays),
        TEST(test_another_length_is_refused),
        TEST(test_backups_get_names_of_their_own),
        TEST(test_what_is_no_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
