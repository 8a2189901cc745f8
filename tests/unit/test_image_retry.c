/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fake_image.h"
#include "image/image_retry.h"
#include "unit.h"

#include <stdlib.h>

enum { BLOCK = 4096, BLOCKS = 6, SIZE = BLOCK * BLOCKS };

static struct err e;

/* What the image is when it is opened anew: openings[0] first, and so on. */
struct plan {
    const struct fake_image *openings;
    int refusals; /* times that opening itself fails first */
    int opened;
};

static int reopen(void *ctx, struct image **out, struct err *err)
{
    struct plan *p = ctx;
    struct fake_image how;

    if (p->refusals > 0) {
        p->refusals--;
        return err_set(err, ERR_TEMPORARY, "nobody answers");
    }
    how = p->openings[p->opened++];
    how.order = shuffled(BLOCKS, 7);
    how.nmapped = BLOCKS;
    *out = fake_image(&how);
    return 0;
}

static uint8_t *content(void)
{
    uint8_t *data = malloc(SIZE);

    assert_non_null(data);
    for (int i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i / BLOCK * 31 + i % 251);
    return data;
}

static struct image *wrapped(struct plan *p, struct retry *r)
{
    struct image *img = NULL;

    assert_ok(reopen(p, &img, &e), &e);
    assert_ok(image_retry(&img, reopen, p, r, &e), &e);
    return img;
}

/* Reads all of it into `out`, each block once; the result of the last read. */
static int drain(struct image *img, uint8_t *out)
{
    struct block b;
    int more;

    e = (struct err){0};
    assert_ok(block_open(&b, &e), &e);
    memset(out, 0, SIZE);
    while ((more = image_next(img, &b, &e)) > 0) {
        assert_int_equal(out[b.index * BLOCK + 1], 0);
        memcpy(out + (size_t)b.index * BLOCK + b.offset, b.data, b.len);
    }
    block_close(&b);
    return more;
}

/* Whole, or with a break at a step. */
static struct fake_image opening(uint8_t *data, uint32_t fail_at)
{
    return (struct fake_image){.data = data,
                               .size = SIZE,
                               .block_size = BLOCK,
                               .fail_at = fail_at,
                               .fail_code = ERR_TEMPORARY};
}

static void test_a_break_at_each_piece_is_never_seen(void **state)
{
    uint8_t *data = content(), out[SIZE];

    (void)state;
    for (uint32_t at = 1; at <= BLOCKS; at++) {
        const struct fake_image openings[] = {opening(data, at),
                                              opening(data, 0)};
        struct plan p = {.openings = openings};
        struct retry r = {.max = 1};
        struct image *img = wrapped(&p, &r);

        assert_int_equal(drain(img, out), 0);
        assert_memory_equal(out, data, SIZE);
        assert_int_equal(p.opened, 2);
        image_close(img);
    }
    free(data);
}

/* Each further one begins the count anew, so one retry outlives six breaks. */
static void test_breaks_that_come_later_and_later(void **state)
{
    uint8_t *data = content(), out[SIZE];
    struct fake_image openings[BLOCKS + 1];
    struct plan p = {.openings = openings};
    struct retry r = {.max = 1};
    struct image *img;

    (void)state;
    for (uint32_t i = 0; i <= BLOCKS; i++)
        openings[i] = opening(data, i == BLOCKS ? 0 : i + 1);
    img = wrapped(&p, &r);
    assert_int_equal(drain(img, out), 0);
    assert_memory_equal(out, data, SIZE);
    image_close(img);
    free(data);
}

static void test_a_break_that_stays_uses_up_the_tries(void **state)
{
    uint8_t *data = content(), out[SIZE];
    const struct fake_image openings[] = {opening(data, 3), opening(data, 3),
                                          opening(data, 3)};
    struct plan p = {.openings = openings};
    struct retry r = {.max = 2};
    struct image *img = wrapped(&p, &r);

    (void)state;
    assert_int_equal(drain(img, out), ERR_TEMPORARY);
    assert_non_null(strstr(e.text, "tried 3 times"));
    assert_int_equal(p.opened, 3);
    image_close(img);
    free(data);
}

/* While it reads again what it has already, it breaks earlier than before. */
static void test_a_break_in_what_is_skipped(void **state)
{
    uint8_t *data = content(), out[SIZE];
    const struct fake_image openings[] = {opening(data, 5), opening(data, 2),
                                          opening(data, 4), opening(data, 0)};
    struct plan p = {.openings = openings};
    struct retry r = {.max = 3};
    struct image *img = wrapped(&p, &r);

    (void)state;
    assert_int_equal(drain(img, out), 0);
    assert_memory_equal(out, data, SIZE);
    image_close(img);
    free(data);
}

static void test_an_opening_that_fails_is_a_try(void **state)
{
    uint8_t *data = content(), out[SIZE];
    const struct fake_image openings[] = {opening(data, 3), opening(data, 0)};
    struct plan p = {.openings = openings};
    struct retry r = {.max = 3};
    struct image *img = wrapped(&p, &r);

    (void)state;
    p.refusals = 2;
    assert_int_equal(drain(img, out), 0);
    assert_memory_equal(out, data, SIZE);
    image_close(img);

    p.opened = 0;
    img = wrapped(&p, &r);
    r.used = 0;
    p.refusals = 3;
    assert_int_equal(drain(img, out), ERR_TEMPORARY);
    assert_non_null(strstr(e.text, "nobody answers"));
    image_close(img);
    free(data);
}

static void test_other_failures_are_passed_on(void **state)
{
    uint8_t *data = content(), out[SIZE];
    struct fake_image openings[] = {opening(data, 3), opening(data, 0)};
    struct plan p = {.openings = openings};
    struct retry r = {.max = 3};
    struct image *img;

    (void)state;
    openings[0].fail_code = ERR_CORRUPT;
    img = wrapped(&p, &r);
    assert_int_equal(drain(img, out), ERR_CORRUPT);
    assert_int_equal(p.opened, 1);
    image_close(img);
    free(data);
}

/* Whichever byte of what was handed out is another one. */
static void test_changed_content_is_not_mixed(void **state)
{
    uint8_t *data = content(), *other = content(), out[SIZE];

    uint32_t *order = shuffled(BLOCKS, 7);

    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct fake_image openings[] = {opening(data, 5),
                                              opening(other, 0)};
        struct plan p = {.openings = openings};
        struct retry r = {.max = 3};
        struct image *img = wrapped(&p, &r);
        size_t at = (size_t)order[i] * BLOCK + 4095;

        other[at] ^= 1;
        assert_int_equal(drain(img, out), ERR_FAILED);
        assert_non_null(strstr(e.text, "has changed while it was read"));
        other[at] ^= 1;
        image_close(img);
    }
    free(order);
    free(data);
    free(other);
}

static void test_another_map_is_not_mixed(void **state)
{
    uint8_t *data = content(), out[SIZE];
    struct fake_image openings[] = {opening(data, 2), opening(data, 0)};
    struct plan p = {.openings = openings};
    struct retry r = {.max = 3};
    struct image *img;

    (void)state;
    openings[1].size = SIZE - 512;
    img = wrapped(&p, &r);
    assert_int_equal(drain(img, out), ERR_FAILED);
    assert_non_null(strstr(e.text, "has changed while it was read"));
    image_close(img);
    free(data);
}

/* The wrapper tells the same map and order as what it wraps. */
static void test_map_and_order_outlive_the_break(void **state)
{
    uint8_t *data = content(), out[SIZE];
    const struct fake_image openings[] = {opening(data, 1), opening(data, 0)};
    struct plan p = {.openings = openings};
    struct retry r = {.max = 1};
    struct image *img = wrapped(&p, &r);
    uint32_t *order = shuffled(BLOCKS, 7);

    (void)state;
    assert_int_equal(drain(img, out), 0);
    assert_int_equal(img->nmapped, BLOCKS);
    assert_memory_equal(img->order, order, BLOCKS * sizeof(*order));
    assert_int_equal(img->map[0], 0xfc);
    free(order);
    image_close(img);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_break_at_each_piece_is_never_seen),
        cmocka_unit_test(test_breaks_that_come_later_and_later),
        cmocka_unit_test(test_a_break_that_stays_uses_up_the_tries),
        cmocka_unit_test(test_a_break_in_what_is_skipped),
        cmocka_unit_test(test_an_opening_that_fails_is_a_try),
        cmocka_unit_test(test_other_failures_are_passed_on),
        cmocka_unit_test(test_changed_content_is_not_mixed),
        cmocka_unit_test(test_another_map_is_not_mixed),
        cmocka_unit_test(test_map_and_order_outlive_the_break),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
