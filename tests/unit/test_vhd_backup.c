/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_backup.h"
#include "memory_io.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* Two ranges: one that replaces 512 bytes, one that appends 100 behind 3 that
 * were there. */
static void make_patches(struct vhd_patches *p)
{
    uint8_t old[1024], bytes[512];
    struct source *src;
    struct err e = {0};

    for (size_t i = 0; i < sizeof(old); i++)
        old[i] = (uint8_t)(i * 7);
    src = memory_source(old, sizeof(old), 99, true);
    memset(bytes, 0xa5, sizeof(bytes));
    *p = (struct vhd_patches){.size = sizeof(old)};
    assert_ok(vhd_patches_put(p, 1021, bytes, 103, &e), &e);
    assert_ok(vhd_patches_put(p, 0, bytes, 512, &e), &e);
    assert_ok(vhd_patches_settle(p, src, &e), &e);
    source_close(src);
}

static void write_backup(const struct vhd_patches *p, uint8_t **text,
                         size_t *len)
{
    struct sink *s = memory_sink(text, len, false);
    struct err e = {0};

    assert_ok(vhd_backup_write(s, p, &e), &e);
    sink_close(s, NULL);
}

static int read_backup(const uint8_t *text, size_t len, struct vhd_patches *p,
                       uint64_t *size_after)
{
    struct source *src = memory_source(text, len, 33, true);
    struct err e = {0};
    int result = vhd_backup_read(src, p, size_after, &e);

    source_close(src);
    return result;
}

static void test_a_backup_holds_all(void **state)
{
    struct vhd_patches p, q = {0};
    uint64_t size_after = 0;
    uint8_t *text;
    size_t len;

    (void)state;
    make_patches(&p);
    write_backup(&p, &text, &len);
    assert_int_equal(read_backup(text, len, &q, &size_after), 0);
    assert_int_equal(q.size, 1024);
    assert_int_equal(size_after, 1124);
    assert_int_equal(q.count, p.count);
    for (int i = 0; i < p.count; i++) {
        const struct vhd_patch *a = &p.list[i], *b = &q.list[i];

        assert_int_equal(a->offset, b->offset);
        assert_int_equal(a->len, b->len);
        assert_int_equal(a->old_len, b->old_len);
        assert_memory_equal(a->old, b->old, a->old_len);
        assert_memory_equal(a->fresh, b->fresh, a->len);
    }
    vhd_patches_free(&p);
    vhd_patches_free(&q);
    free(text);
}

static void test_a_cut_backup_is_refused_wherever_it_ends(void **state)
{
    struct vhd_patches p, q = {0};
    uint64_t size_after;
    uint8_t *text;
    size_t len;

    (void)state;
    make_patches(&p);
    write_backup(&p, &text, &len);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(read_backup(text, cut, &q, &size_after), ERR_CORRUPT);
    vhd_patches_free(&p);
    free(text);
}

static void test_a_changed_backup_is_refused_wherever_it_is(void **state)
{
    struct vhd_patches p, q = {0};
    uint64_t size_after;
    uint8_t *text;
    size_t len;

    (void)state;
    make_patches(&p);
    write_backup(&p, &text, &len);
    for (size_t at = 0; at < len; at++) {
        text[at] ^= 1;
        assert_int_equal(read_backup(text, len, &q, &size_after), ERR_CORRUPT);
        text[at] ^= 1;
    }
    vhd_patches_free(&p);
    free(text);
}

/* Numbers that nobody's repair writes, with a sum that fits. */
static void test_wild_numbers_are_refused(void **state)
{
    static const char *const bodies[] = {
        "size 1 1\nrange 0 4000000000 0\nold\nnew\n",
        "size 1 1\nrange 0 1 2\nold\n0000\nnew\n00\n",
        "size 1 1\nrange 99999999999999999999 1 0\nold\nnew\n00\n",
        "size -1 1\n",
        "size 1\n",
        "size 1 1\nrange 0 2 0\nold\nnew\n0\n",
        "size 1 1\nrange 0 1 0\nold\nnew\nzz\n",
        "size 1 1\nunknown\n",
    };
    struct vhd_patches q = {0};
    uint64_t size_after;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        uint64_t sum = UINT64_C(0xcbf29ce484222325);
        char text[256];
        int len =
            snprintf(text, sizeof(text), "vhdstream backup 1\n%s", bodies[i]);

        for (int c = 0; c < len; c++)
            sum = (sum ^ (uint8_t)text[c]) * UINT64_C(0x100000001b3);
        len += snprintf(text + len, sizeof(text) - (size_t)len, "sum %016llx\n",
                        (unsigned long long)sum);
        assert_int_equal(
            read_backup((uint8_t *)text, (size_t)len, &q, &size_after),
            ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_backup_holds_all),
        cmocka_unit_test(test_a_cut_backup_is_refused_wherever_it_ends),
        cmocka_unit_test(test_a_changed_backup_is_refused_wherever_it_is),
        cmocka_unit_test(test_wild_numbers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
