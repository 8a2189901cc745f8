/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_chain.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_search.h"
#include "small_vhd.h"
#include "unit.h"

#include "scratch.h"

#include <sys/socket.h>
#include <sys/un.h>

enum { SECTOR = 512, SIZE = 8192 };

/* Sector 0 of each disk holds nothing, sector 1 + its uuid that uuid. */
static void put_disk(const char *name, uint8_t uuid, uint8_t parent,
                     const char *w2ru)
{
    const struct small_run run = {0, 1u + uuid, 1, uuid};
    const struct small_vhd d = {.size = SIZE,
                                .uuid = uuid,
                                .parent = parent,
                                .differs = w2ru != NULL,
                                .w2ru = w2ru,
                                .runs = &run,
                                .nruns = 1};
    size_t len;
    uint8_t *file = small_vhd_make(&d, &len);

    scratch_write(name, file, len);
    free(file);
}

static struct image *open_child(const char *name)
{
    static const struct vhd_origin origin;
    struct source *src = NULL;
    struct image *img = NULL;
    struct err e = {0};

    assert_ok(source_open_file(&src, name, NULL, &e), &e);
    assert_ok(vhd_decode(&src, &origin, &img, &e), &e);
    return img;
}

static int chain_with(struct image **img, const char *name,
                      const char *const *parents, unsigned nparents,
                      struct err *e)
{
    const struct vhd_chain_options opt = {
        .path = name, .parents = parents, .nparents = nparents};

    *img = open_child(name);
    return vhd_chain_open(img, &opt, e);
}

/* Sectors 1 + i hold i + 0 for each i of the list (0 ends it), others zeros. */
static void check_content(struct image *img, const char *uuids)
{
    uint8_t data[SIZE], expected[SIZE] = {0};
    struct err e = {0};

    for (; *uuids; uuids++)
        memset(expected + (size_t)(1 + *uuids) * SECTOR, *uuids, SECTOR);
    assert_false(img->has_parent);
    assert_ok(image_read(img, data, SIZE, 0, &e), &e);
    assert_memory_equal(data, expected, SIZE);
}

static void check_found(const char *child, const char *uuids)
{
    struct image *img = NULL;
    struct err e = {0};

    assert_ok(chain_with(&img, child, NULL, 0, &e), &e);
    check_content(img, uuids);
    image_close(img);
}

/* The chain is refused with this code, and the message has all these words. */
static void check_refused(const char *child, int code, const char *const *words)
{
    struct image *img = NULL;
    struct err e = {0};

    assert_int_equal(chain_with(&img, child, NULL, 0, &e), code);
    for (; *words; words++)
        if (!strstr(e.text, *words))
            fail_msg("\"%s\" is not in: %s", *words, e.text);
    assert_true(img->has_parent);
    image_close(img);
}

#define CHECK_REFUSED(child, code, ...)                                        \
    check_refused(child, code, (const char *const[]){child, __VA_ARGS__, NULL})

static void test_parents_are_found_down_to_the_base(void **state)
{
    (void)state;
    put_disk("base.vhd", 1, 0, NULL);
    put_disk("mid.vhd", 2, 1, ".\\base.vhd");
    put_disk("leaf.vhd", 3, 2, ".\\mid.vhd");
    check_found("leaf.vhd", "\1\2\3");
    check_found("mid.vhd", "\1\2");
}

static void test_a_whole_disk_is_left_alone(void **state)
{
    struct image *img = NULL, *before;
    struct err e = {0};
    const struct vhd_chain_options opt = {.path = "base.vhd"};

    (void)state;
    put_disk("base.vhd", 1, 0, NULL);
    img = before = open_child("base.vhd");
    assert_ok(vhd_chain_open(&img, &opt, &e), &e);
    assert_ptr_equal(img, before);
    image_close(img);
}

static void test_the_folder_is_that_of_each_child(void **state)
{
    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    put_disk("sub/base.vhd", 1, 0, NULL);
    put_disk("sub/mid.vhd", 2, 1, "base.vhd");
    put_disk("leaf.vhd", 3, 2, "sub\\mid.vhd");
    check_found("leaf.vhd", "\1\2\3");
    assert_int_equal(unlink("sub/base.vhd") | unlink("sub/mid.vhd"), 0);
}

static void test_a_missing_parent_is_told_with_the_way_out(void **state)
{
    (void)state;
    put_disk("leaf.vhd", 3, 2, ".\\gone.vhd");
    CHECK_REFUSED("leaf.vhd", ERR_NOT_FOUND, "gone.vhd", "--parent",
                  "--keep-parent", "02020202-0202-");
}

static void test_what_leads_out_is_not_opened_unasked(void **state)
{
    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    put_disk("base.vhd", 1, 0, NULL);
    put_disk("sub/leaf.vhd", 2, 1, "..\\base.vhd");
    CHECK_REFUSED("sub/leaf.vhd", ERR_NOT_FOUND, "../base.vhd",
                  "not opened unasked", "--parent");
    assert_int_equal(unlink("sub/leaf.vhd"), 0);
}

static void test_another_disk_of_that_name_is_foreign(void **state)
{
    (void)state;
    put_disk("base.vhd", 6, 0, NULL);
    put_disk("leaf.vhd", 2, 1, "base.vhd");
    CHECK_REFUSED("leaf.vhd", ERR_CORRUPT, "base.vhd", "06060606-0606-",
                  "expected 01010101-0101-");
}

static void test_a_loop_ends(void **state)
{
    (void)state;
    put_disk("self.vhd", 1, 1, "self.vhd");
    CHECK_REFUSED("self.vhd", ERR_CORRUPT, "loop");
    put_disk("a.vhd", 1, 2, "b.vhd");
    put_disk("b.vhd", 2, 3, "c.vhd");
    put_disk("c.vhd", 3, 2, "b.vhd");
    CHECK_REFUSED("a.vhd", ERR_CORRUPT, "loop");
}

static void test_a_loop_by_another_name_ends(void **state)
{
    (void)state;
    put_disk("self.vhd", 1, 1, "link.vhd");
    assert_int_equal(symlink("self.vhd", "link.vhd"), 0);
    CHECK_REFUSED("self.vhd", ERR_CORRUPT, "loop");
}

/* Opening the FIFO would wait for a writer for ever. */
static void test_what_is_no_file_is_not_opened(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(symlink("/dev/zero", "device"), 0);
    assert_int_equal(symlink("itself", "itself"), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    put_disk("1.vhd", 2, 1, "fifo");
    put_disk("2.vhd", 2, 1, "folder");
    put_disk("3.vhd", 2, 1, "device");
    put_disk("4.vhd", 2, 1, "itself");
    put_disk("5.vhd", 2, 1, "socket");
    CHECK_REFUSED("1.vhd", ERR_CORRUPT, "fifo", "is a FIFO");
    CHECK_REFUSED("2.vhd", ERR_CORRUPT, "folder", "is a folder");
    CHECK_REFUSED("3.vhd", ERR_CORRUPT, "device", "--parent");
    CHECK_REFUSED("4.vhd", ERR_CORRUPT, "itself", "symbolic link");
    CHECK_REFUSED("5.vhd", ERR_CORRUPT, "socket", "is a socket");
    close(fd);
}

static void test_a_broken_parent_is_named(void **state)
{
    (void)state;
    scratch_write("text.vhd", "no disk at all", 14);
    put_disk("leaf.vhd", 2, 1, "text.vhd");
    CHECK_REFUSED("leaf.vhd", ERR_CORRUPT, "text.vhd");
}

static void test_the_user_may_name_each_parent(void **state)
{
    const char *parents[2];
    char paths[2][128];
    struct image *img = NULL;
    struct err e = {0};

    (void)state;
    put_disk("one", 1, 0, NULL);
    put_disk("two", 2, 1, "gone.vhd");
    put_disk("leaf.vhd", 3, 2, "gone.vhd");
    (void)snprintf(paths[0], sizeof(paths[0]), "%s/two", scratch_dir);
    (void)snprintf(paths[1], sizeof(paths[1]), "%s/one", scratch_dir);
    parents[0] = paths[0];
    parents[1] = paths[1];
    assert_ok(chain_with(&img, "leaf.vhd", parents, 2, &e), &e);
    check_content(img, "\1\2\3");
    image_close(img);
}

static void check_named(const char *child, const char *name, int code,
                        const char *word)
{
    struct image *img = NULL;
    struct err e = {0};

    assert_int_equal(chain_with(&img, child, &name, 1, &e), code);
    assert_non_null(strstr(e.text, word));
    image_close(img);
}

static void test_the_users_word_is_checked(void **state)
{
    (void)state;
    put_disk("base.vhd", 1, 0, NULL);
    put_disk("other.vhd", 6, 0, NULL);
    put_disk("leaf.vhd", 2, 1, "base.vhd");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    check_named("leaf.vhd", "other.vhd", ERR_CORRUPT, "uuid");
    check_named("leaf.vhd", "gone.vhd", ERR_NOT_FOUND, "gone.vhd");
    check_named("leaf.vhd", "fifo", ERR_CORRUPT, "is a FIFO");
    check_named("base.vhd", "leaf.vhd", ERR_USAGE, "--parent leaf.vhd");
}

static void test_a_null_uuid_means_a_raw_parent(void **state)
{
    uint8_t raw[700], data[SIZE];
    struct image *img = NULL;
    struct err e = {0};

    (void)state;
    memset(raw, 'r', sizeof(raw));
    scratch_write("base.raw", raw, sizeof(raw));
    put_disk("leaf.vhd", 3, 0, "base.raw");
    assert_ok(chain_with(&img, "leaf.vhd", NULL, 0, &e), &e);
    assert_ok(image_read(img, data, SIZE, 0, &e), &e);
    assert_memory_equal(data, raw, sizeof(raw));
    assert_int_equal(data[sizeof(raw)], 0);
    assert_int_equal(data[4 * SECTOR], 3);
    image_close(img);
}

static void test_a_raw_parent_that_begins_as_a_vhd_is_ambiguous(void **state)
{
    struct image *img = NULL;
    struct err e = {0};

    (void)state;
    put_disk("base.vhd", 1, 0, NULL);
    put_disk("leaf.vhd", 3, 0, "base.vhd");
    CHECK_REFUSED("leaf.vhd", ERR_CORRUPT, "base.vhd", "raw");
    /* Its suffix settles it. */
    assert_int_equal(rename("base.vhd", "base.img"), 0);
    put_disk("leaf.vhd", 3, 0, "base.img");
    assert_ok(chain_with(&img, "leaf.vhd", NULL, 0, &e), &e);
    image_close(img);
}

static void test_without_a_file_only_the_users_word_counts(void **state)
{
    const struct vhd_chain_options opt = {.path = NULL};
    const char *parent = "base.vhd";
    const struct vhd_chain_options named = {.parents = &parent, .nparents = 1};
    struct image *img;
    struct err e = {0};

    (void)state;
    put_disk("base.vhd", 1, 0, NULL);
    put_disk("leaf.vhd", 2, 1, "base.vhd");
    img = open_child("leaf.vhd");
    assert_int_equal(vhd_chain_open(&img, &opt, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.text, "--parent"));
    assert_ok(vhd_chain_open(&img, &named, &e), &e);
    check_content(img, "\1\2");
    image_close(img);
}

static void test_a_search_tells_what_it_came_to(void **state)
{
    struct vhd_search s = {.path = "leaf.vhd"};
    struct err e = {0};

    (void)state;
    put_disk("leaf.vhd", 2, 1, "base.vhd");
    s.child = open_child("leaf.vhd");
    assert_int_equal(vhd_search_run(&s, &e), ERR_NOT_FOUND);
    assert_int_equal(s.end, SEARCH_NOTHING);
    put_disk("base.vhd", 6, 0, NULL);
    assert_int_equal(vhd_search_run(&s, &e), ERR_CORRUPT);
    assert_int_equal(s.end, SEARCH_FOREIGN);
    scratch_write("base.vhd", "conectix", 8);
    assert_int_equal(vhd_search_run(&s, &e), ERR_CORRUPT);
    assert_int_equal(s.end, SEARCH_BROKEN);
    scratch_write("base.vhd", "no", 2);
    assert_int_equal(vhd_search_run(&s, &e), ERR_CORRUPT);
    assert_int_equal(s.end, SEARCH_NO_DISK);
    put_disk("base.vhd", 1, 0, NULL);
    assert_ok(vhd_search_run(&s, &e), &e);
    assert_int_equal(s.end, SEARCH_FOUND);
    assert_string_equal(s.found, "base.vhd");
    vhd_search_free(&s);
    image_close(s.child);
}

#define SCRATCH_TEST(f)                                                        \
    cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_parents_are_found_down_to_the_base),
        SCRATCH_TEST(test_a_whole_disk_is_left_alone),
        SCRATCH_TEST(test_the_folder_is_that_of_each_child),
        SCRATCH_TEST(test_a_missing_parent_is_told_with_the_way_out),
        SCRATCH_TEST(test_what_leads_out_is_not_opened_unasked),
        SCRATCH_TEST(test_another_disk_of_that_name_is_foreign),
        SCRATCH_TEST(test_a_loop_ends),
        SCRATCH_TEST(test_a_loop_by_another_name_ends),
        SCRATCH_TEST(test_what_is_no_file_is_not_opened),
        SCRATCH_TEST(test_a_broken_parent_is_named),
        SCRATCH_TEST(test_the_user_may_name_each_parent),
        SCRATCH_TEST(test_the_users_word_is_checked),
        SCRATCH_TEST(test_a_null_uuid_means_a_raw_parent),
        SCRATCH_TEST(test_a_raw_parent_that_begins_as_a_vhd_is_ambiguous),
        SCRATCH_TEST(test_without_a_file_only_the_users_word_counts),
        SCRATCH_TEST(test_a_search_tells_what_it_came_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
