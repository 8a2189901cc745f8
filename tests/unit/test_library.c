/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The public interface where it calls back: streams of the caller's own,
 * progress. */

#include "vhdstream.h"

#include "small_vhd.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 1 << 20, SECTOR = 512 };

/* A stream in memory, read in pieces of at most `step`. */
struct tape {
    uint8_t *data;
    size_t len, pos, step;
    int64_t lie;     /* what is said in place of a count, from `lie_at` on */
    size_t lie_at;   /* 0: nothing */
    atomic_int told; /* calls of tell */
};

static int64_t tape_read(void *ctx, void *buf, size_t room)
{
    struct tape *t = ctx;
    size_t n = t->len - t->pos;

    if (t->lie_at && t->pos >= t->lie_at)
        return t->lie == 1 ? (int64_t)room + 1 : t->lie;
    if (n > t->step)
        n = t->step;
    if (n > room)
        n = room;
    memcpy(buf, t->data + t->pos, n);
    t->pos += n;
    return (int64_t)n;
}

static int tape_write(void *ctx, const void *buf, size_t len)
{
    struct tape *t = ctx;

    if (t->lie_at && t->pos + len > t->lie_at)
        return (int)t->lie;
    t->data = realloc(t->data, t->pos + len);
    memcpy(t->data + t->pos, buf, len);
    t->pos += len;
    return 0;
}

static const struct small_run runs[] = {{1, 0, 8, 'a'}, {200, 3, 2, 'b'}};
static const struct small_vhd disk = {
    .size = SIZE, .uuid = 7, .runs = runs, .nruns = 2};

static struct vhdstream *open_new(struct tape *in, struct tape *out)
{
    struct vhdstream *v = NULL;

    assert_int_equal(vhdstream_new(&v), VHDSTREAM_OK);
    vhdstream_on_read(v, in ? tape_read : NULL, in);
    vhdstream_on_write(v, out ? tape_write : NULL, out);
    assert_int_equal(vhdstream_set(v, "to", "raw"), VHDSTREAM_OK);
    return v;
}

static struct tape given(size_t step)
{
    struct tape t = {.step = step};

    t.data = small_vhd_make(&disk, &t.len);
    return t;
}

static void test_a_disk_goes_from_function_to_function(void **state)
{
    static const size_t steps[] = {1, SECTOR + 1, SIZE};
    uint8_t *content = calloc(1, SIZE);

    (void)state;
    small_vhd_overlay(&disk, content);
    for (size_t i = 0; i < 3; i++) {
        struct tape in = given(steps[i]), out = {0};
        struct vhdstream *v = open_new(&in, &out);

        assert_int_equal(vhdstream_copy(v, "caller:", "caller:"), VHDSTREAM_OK);
        assert_int_equal(in.pos, in.len);
        assert_int_equal(out.pos, SIZE);
        assert_memory_equal(out.data, content, SIZE);
        vhdstream_free(v);
        free(in.data);
        free(out.data);
    }
    free(content);
}

static void assert_fails(struct tape *in, struct tape *out, int status,
                         const char *why)
{
    struct vhdstream *v = open_new(in, out);

    assert_int_equal(vhdstream_copy(v, "caller:", "caller:"), status);
    if (!strstr(vhdstream_error(v), why))
        fail_msg("\"%s\" says nothing of \"%s\"", vhdstream_error(v), why);
    vhdstream_free(v);
    free(in ? in->data : NULL);
    free(out ? out->data : NULL);
}

static void test_a_function_that_fails_or_lies(void **state)
{
    struct tape out = {0}, cut = given(SIZE), bad = given(SIZE),
                more = given(SIZE), ok = given(SIZE);
    struct tape full = {.lie = 1, .lie_at = 1};

    (void)state;
    bad.step = more.step = 100;
    bad.lie = -5;
    bad.lie_at = more.lie_at = 2000;
    more.lie = 1;
    cut.len /= 2;
    assert_fails(&bad, &out, VHDSTREAM_FAILED, "(result -5)");
    out = (struct tape){0};
    assert_fails(&more, &out, VHDSTREAM_USAGE, "bytes where there was room");
    out = (struct tape){0};
    assert_fails(&cut, &out, VHDSTREAM_CORRUPT, "the caller's stream");
    assert_fails(&ok, &full, VHDSTREAM_FAILED, "byte 0 (result 1)");
}

static void test_without_functions_there_is_no_such_place(void **state)
{
    struct tape in = given(SIZE), out = {0};

    (void)state;
    assert_fails(NULL, &out, VHDSTREAM_USAGE, "vhdstream_on_read");
    assert_fails(&in, NULL, VHDSTREAM_USAGE, "vhdstream_on_write");
}

static int tell(void *ctx, const struct vhdstream_progress *p)
{
    struct tape *t = ctx;

    assert_true(p->done <= p->total);
    return atomic_fetch_add(&t->told, 1) < 0;
}

static void test_the_end_is_told(void **state)
{
    struct tape in = given(SIZE), out = {0};
    struct vhdstream *v = open_new(&in, &out);

    (void)state;
    vhdstream_on_progress(v, tell, &in);
    assert_int_equal(vhdstream_copy(v, "caller:", "caller:"), VHDSTREAM_OK);
    assert_true(atomic_load(&in.told) >= 1);
    vhdstream_free(v);
    free(in.data);
    free(out.data);
}

static int take_size(void *ctx, int64_t size)
{
    int64_t *told = ctx;

    *told = size;
    return 0;
}

/* The size that was told for this format, and in *came the bytes that came. */
static int64_t told_before(const char *format, bool noted, int64_t *came)
{
    struct tape in = given(SIZE), out = {0};
    struct vhdstream *v = open_new(&in, &out);
    int64_t told = -2;

    assert_int_equal(vhdstream_set(v, "to", format), VHDSTREAM_OK);
    if (noted)
        assert_int_equal(vhdstream_set(v, "digest", NULL), VHDSTREAM_OK);
    vhdstream_on_size(v, take_size, &told);
    assert_int_equal(vhdstream_copy(v, "caller:", "caller:"), VHDSTREAM_OK);
    *came = (int64_t)out.pos;
    vhdstream_free(v);
    free(in.data);
    free(out.data);
    return told;
}

static void test_the_size_is_told_and_kept(void **state)
{
    static const char *const formats[] = {"raw", "vhd", "vhd-fixed", "tar"};
    int64_t told, came;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        told = told_before(formats[i], false, &came);
        assert_int_equal(told, came);
    }
    told = told_before("tar", true, &came);
    assert_int_equal(told, came);
    assert_int_equal(told_before("tgz", false, &came), -1);
}

/* The size has to be told before the first byte. */
static int refuse_size(void *ctx, int64_t size)
{
    const struct tape *t = ctx;

    (void)size;
    assert_int_equal(t->pos, 0);
    return 28;
}

static void test_who_is_told_the_size_can_refuse_it(void **state)
{
    struct tape in = given(SIZE), out = {0};
    struct vhdstream *v = open_new(&in, &out);

    (void)state;
    vhdstream_on_size(v, refuse_size, &out);
    assert_int_equal(vhdstream_copy(v, "caller:", "caller:"), VHDSTREAM_FAILED);
    assert_non_null(strstr(vhdstream_error(v), "the size (result 28)"));
    assert_int_equal(out.pos, 0);
    vhdstream_free(v);
    free(in.data);
}

static int stop(void *ctx, const struct vhdstream_progress *p)
{
    struct tape *t = ctx;

    (void)p;
    atomic_fetch_add(&t->told, 1);
    return 1;
}

/* Hands out nothing until it was told that somebody wants to stop. */
static int64_t read_when_told(void *ctx, void *buf, size_t room)
{
    struct tape *t = ctx;

    while (!atomic_load(&t->told))
        usleep(1000);
    return tape_read(ctx, buf, room);
}

static void test_who_is_told_can_stop_it(void **state)
{
    struct tape in = given(100), out = {0};
    struct vhdstream *v = open_new(&in, &out);

    (void)state;
    vhdstream_on_read(v, read_when_told, &in);
    vhdstream_on_progress(v, stop, &in);
    assert_int_equal(vhdstream_copy(v, "caller:", "caller:"),
                     VHDSTREAM_CANCELLED);
    vhdstream_free(v);
    free(in.data);
    free(out.data);
}

static int open_disk(char place[32])
{
    struct tape t = given(SIZE);
    int fd = memfd_create("disk", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, t.data, t.len), t.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    free(t.data);
    (void)snprintf(place, 32, "fd:%d", fd);
    return fd;
}

static void test_two_descriptors_can_be_compared_and_stay_open(void **state)
{
    char a[32], b[32];
    int fds[2] = {open_disk(a), open_disk(b)};
    struct vhdstream *v = open_new(NULL, NULL);

    (void)state;
    assert_int_equal(vhdstream_compare(v, a, b), VHDSTREAM_OK);
    assert_non_null(strstr(vhdstream_result(v), "\"identical\": true"));
    assert_int_equal(vhdstream_compare(v, a, a), VHDSTREAM_USAGE);
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
    vhdstream_free(v);
}

static void test_one_stream_is_not_two_disks(void **state)
{
    struct tape in = given(SIZE);
    struct vhdstream *v = open_new(&in, NULL);

    (void)state;
    assert_int_equal(vhdstream_compare(v, "caller:", "caller:"),
                     VHDSTREAM_USAGE);
    assert_int_equal(in.pos, 0);
    vhdstream_free(v);
    free(in.data);
}

static void test_each_status_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(vhdstream_status_text(VHDSTREAM_OK), "done");
    assert_string_equal(vhdstream_status_text(VHDSTREAM_NOT_FOUND),
                        "not found");
    assert_string_equal(vhdstream_status_text(12345), "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_goes_from_function_to_function),
        cmocka_unit_test(test_a_function_that_fails_or_lies),
        cmocka_unit_test(test_without_functions_there_is_no_such_place),
        cmocka_unit_test(test_the_end_is_told),
        cmocka_unit_test(test_who_is_told_can_stop_it),
        cmocka_unit_test(test_the_size_is_told_and_kept),
        cmocka_unit_test(test_who_is_told_the_size_can_refuse_it),
        cmocka_unit_test(test_two_descriptors_can_be_compared_and_stay_open),
        cmocka_unit_test(test_one_stream_is_not_two_disks),
        cmocka_unit_test(test_each_status_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
