/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A transfer that breaks after any number of bytes, and the rest of it: what
 * arrived and what the next encoder writes make the whole disk, and what lay
 * wholly in the first bytes is not written again. The receivers here follow the
 * formats' definitions. */

#include "base/bits.h"
#include "base/bytes.h"
#include "fake_image.h"
#include "image/encoder.h"
#include "memory_io.h"
#include "unit.h"

#include <stdlib.h>

enum {
    SECTOR = 512,
    SMALL = 4096, /* block */
    MIB = 1024 * 1024,
    OLD = 0xee, /* what an SR's disk holds before */
};

static struct err e;

struct bytes {
    uint8_t *data;
    size_t len;
};

/* A disk to send, how it comes, and what has to be there in the end. */
struct disk {
    uint8_t *data;       /* zeros where there are holes */
    uint64_t size, full; /* of the disk, and of the one that is filled */
    uint32_t block_size;
    const uint32_t *order;
    uint32_t nmapped;
};

static struct disk make_disk(uint64_t size, uint64_t full, uint32_t block_size,
                             const uint32_t *order, uint32_t nmapped)
{
    struct disk d = {calloc(1, full), size, full, block_size, order, nmapped};

    assert_non_null(d.data);
    for (uint32_t i = 0; i < nmapped; i++) {
        uint64_t at = (uint64_t)order[i] * block_size;

        for (uint64_t j = at; j < at + block_size && j < size; j++)
            d.data[j] = (uint8_t)(1 + (j + j / SECTOR) % 255);
    }
    return d;
}

static struct image *open_disk(const struct disk *d)
{
    struct fake_image how = {.data = d->data,
                             .size = d->size,
                             .block_size = d->block_size,
                             .nmapped = d->nmapped};

    how.order = malloc((d->nmapped + 1) * sizeof(*how.order));
    assert_non_null(how.order);
    memcpy(how.order, d->order, d->nmapped * sizeof(*how.order));
    return fake_image(&how);
}

typedef int make_fn(struct encoder **out, const struct disk *d,
                    const struct image *img, const struct encoder_rest *rest);

static int make_vhd(struct encoder **out, const struct disk *d,
                    const struct image *img, const struct encoder_rest *rest)
{
    const struct vhd_options opt = {
        .clear_zeros = true, .overlay = rest->blocks > 0, .rest = *rest};

    (void)d;
    return vhd_encoder(out, img, &opt, &e);
}

static int make_chunked(struct encoder **out, const struct disk *d,
                        const struct image *img,
                        const struct encoder_rest *rest)
{
    return chunked_encoder(out, img, d->full, rest, &e);
}

static int make_raw(struct encoder **out, const struct disk *d,
                    const struct image *img, const struct encoder_rest *rest)
{
    (void)rest;
    return raw_encoder(out, img, d->full, &e);
}

static struct bytes encode(const struct disk *d, make_fn *make,
                           const struct encoder_rest *rest)
{
    struct image *img = open_disk(d);
    struct encoder *enc = NULL;
    struct bytes out;
    struct sink *s = memory_sink(&out.data, &out.len, false);

    assert_ok(make(&enc, d, img, rest), &e);
    assert_ok(image_copy(img, enc, s, NULL, NULL, &e), &e);
    assert_int_equal(out.len, enc->size);
    sink_close(s, NULL);
    encoder_close(enc);
    image_close(img);
    return out;
}

/* --- receivers: they write what of the first `len` bytes they can ----------*/

typedef void take_fn(const uint8_t *body, size_t len, uint8_t *disk);

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void take_raw(const uint8_t *body, size_t len, uint8_t *disk)
{
    memcpy(disk, body, len);
}

static uint64_t get_le(const uint8_t *raw, unsigned len)
{
    uint64_t value = 0;

    while (len--)
        value = value << 8 | raw[len];
    return value;
}

static void take_chunked(const uint8_t *body, size_t len, uint8_t *disk)
{
    for (size_t at = 0; at + 12 <= len;) {
        uint64_t offset = get_le(body + at, 8);
        size_t size = get_le(body + at + 8, 4);

        at += 12;
        memcpy(disk + offset, body + at, least(size, len - at));
        at += size;
    }
}

/* Sectors whose bit is set, block by block as they come. */
static void take_vhd(const uint8_t *body, size_t len, uint8_t *disk)
{
    uint32_t entries;

    if (len < 2048)
        return;
    entries = get_be32(body + SECTOR + 28);
    assert_true(entries <= 128);
    for (size_t at = 2048; at < len; at += SECTOR + 2 * MIB)
        for (uint32_t i = 0; i < entries; i++) {
            if (get_be32(body + 1536 + 4 * (size_t)i) * (size_t)SECTOR != at)
                continue;
            for (uint32_t s = 0; s < 4096; s++) {
                size_t from = at + SECTOR + (size_t)s * SECTOR;

                if (from + SECTOR <= len && bit_get(body + at, s))
                    memcpy(disk + (size_t)i * 2 * MIB + (size_t)s * SECTOR,
                           body + from, SECTOR);
            }
        }
}

/* --- judging ---------------------------------------------------------------*/

struct form {
    make_fn *first, *next;
    take_fn *take_first, *take_next;
    int background;
};

static const struct form vhd_form = {make_vhd, make_vhd, take_vhd, take_vhd, 0};
static const struct form raw_form = {make_raw, make_chunked, take_raw,
                                     take_chunked, OLD};
static const struct form chunked_form = {make_chunked, make_chunked,
                                         take_chunked, take_chunked, OLD};

static struct encoder_rest reached(const struct disk *d, make_fn *make,
                                   const struct encoder_rest *from, size_t len)
{
    struct image *img = open_disk(d);
    struct encoder *enc = NULL;
    struct encoder_rest rest = {0};

    assert_ok(make(&enc, d, img, from), &e);
    assert_int_equal(encoder_reached(enc, len, &rest), 1);
    encoder_close(enc);
    image_close(img);
    return rest;
}

/* After the first `len` bytes of `body`: the next encoder's output makes the
 * disk whole. What came before `body` is on `disk` already. */
static void check_cut(const struct disk *d, const struct form *f,
                      const struct bytes *body, take_fn *take, size_t len,
                      const struct encoder_rest *rest, const uint8_t *before)
{
    struct bytes more = encode(d, f->next, rest);
    uint8_t *disk = malloc(d->full);

    assert_non_null(disk);
    memcpy(disk, before, d->full);
    take(body->data, len, disk);
    f->take_next(more.data, more.len, disk);
    if (memcmp(disk, d->data, d->full) != 0)
        fail_msg("cut at %zu of %zu, %u blocks done, holes to %llu", len,
                 body->len, rest->blocks, (unsigned long long)rest->holes);
    free(disk);
    free(more.data);
}

static bool is_same(const struct encoder_rest *a, const struct encoder_rest *b)
{
    return a->blocks == b->blocks && a->holes == b->holes;
}

/* Every length of a body; where `reached` says something new, it is checked
 * there and at the last byte before the next change. The cuts. */
static unsigned check_all(const struct disk *d, const struct form *f,
                          const struct encoder_rest *from, make_fn *make,
                          take_fn *take, const uint8_t *before)
{
    struct bytes body = encode(d, make, from);
    struct image *img = open_disk(d);
    struct encoder *enc = NULL;
    struct encoder_rest last = *from;
    unsigned cuts = 0;

    assert_ok(make(&enc, d, img, from), &e);
    for (size_t len = 0; len <= body.len; len++) {
        struct encoder_rest rest = {0};

        assert_int_equal(encoder_reached(enc, len, &rest), 1);
        assert_true(rest.blocks >= last.blocks && rest.holes >= last.holes);
        if (len && len < body.len && is_same(&rest, &last))
            continue;
        if (len)
            check_cut(d, f, &body, take, len - 1, &last, before);
        check_cut(d, f, &body, take, len, &rest, before);
        last = rest;
        cuts++;
    }
    encoder_close(enc);
    image_close(img);
    free(body.data);
    return cuts;
}

static unsigned check_form(const struct disk *d, const struct form *f)
{
    const struct encoder_rest none = {0};
    uint8_t *before = malloc(d->full);
    unsigned cuts;

    assert_non_null(before);
    memset(before, f->background, d->full);
    cuts = check_all(d, f, &none, f->first, f->take_first, before);
    free(before);
    return cuts;
}

/* Then the rest breaks as well, at each of its lengths. */
static void check_second_breaks(const struct disk *d, const struct form *f)
{
    const struct encoder_rest none = {0};
    struct bytes body = encode(d, f->first, &none);
    uint8_t *before = malloc(d->full);
    struct encoder_rest last = {0};

    assert_non_null(before);
    for (size_t len = 0; len <= body.len; len += SECTOR) {
        struct encoder_rest rest = reached(d, f->first, &none, len);

        if (is_same(&rest, &last))
            continue;
        last = rest;
        memset(before, f->background, d->full);
        f->take_first(body.data, len, before);
        (void)check_all(d, f, &rest, f->next, f->take_next, before);
    }
    free(before);
    free(body.data);
}

/* --- tests -----------------------------------------------------------------*/

static const uint32_t ascending[] = {0, 1, 3, 4, 6};
static const uint32_t any[] = {4, 0, 6, 1, 3};

/* Seven blocks and the beginning of an eighth, in a disk that is larger. */
static struct disk small_disk(const uint32_t *order, uint32_t nmapped)
{
    return make_disk(7 * SMALL + SECTOR, 9 * SMALL, SMALL, order, nmapped);
}

static void test_chunked_of_any_order(void **state)
{
    struct disk d = small_disk(any, 5);

    (void)state;
    assert_true(check_form(&d, &chunked_form) >= 5 + 3);
    check_second_breaks(&d, &chunked_form);
    free(d.data);
}

static void test_chunked_of_a_last_block_that_is_short(void **state)
{
    static const uint32_t order[] = {7, 2};
    struct disk d = small_disk(order, 2);

    (void)state;
    check_form(&d, &chunked_form);
    check_second_breaks(&d, &chunked_form);
    free(d.data);
}

static void test_chunked_of_an_empty_disk_and_a_full_one(void **state)
{
    static const uint32_t all[] = {7, 6, 5, 4, 3, 2, 1, 0};
    struct disk empty = small_disk(any, 0), full = small_disk(all, 8);

    (void)state;
    check_form(&empty, &chunked_form);
    check_form(&full, &chunked_form);
    free(empty.data);
    free(full.data);
}

/* What was begun raw goes on in chunks. */
static void test_raw_and_then_chunks(void **state)
{
    struct disk d = small_disk(ascending, 5);

    (void)state;
    assert_true(check_form(&d, &raw_form) >= 9 * SMALL / SECTOR);
    check_second_breaks(&d, &raw_form);
    free(d.data);
}

/* Blocks of 2 MiB, which a VHD has; the lengths themselves are all tried. */
static void test_vhd_of_any_order(void **state)
{
    static const uint32_t order[] = {3, 0, 2};
    struct disk d = make_disk(6 * MIB + 3 * SECTOR, 8 * MIB, 2 * MIB, order, 3);

    (void)state;
    assert_int_equal(check_form(&d, &vhd_form), 1 + 3 + 1);
    free(d.data);
}

/* Not one block more than lies wholly in the first bytes, and not one less. */
static void test_vhd_counts_blocks_that_are_whole(void **state)
{
    static const uint32_t order[] = {3, 0, 2};
    const struct encoder_rest none = {0};
    struct disk d = make_disk(6 * MIB + 3 * SECTOR, 8 * MIB, 2 * MIB, order, 3);
    const size_t span = SECTOR + 2 * MIB;

    (void)state;
    for (uint32_t i = 1; i <= 3; i++) {
        size_t end = 2048 + i * span;

        assert_int_equal(reached(&d, make_vhd, &none, end - 1).blocks, i - 1);
        assert_int_equal(reached(&d, make_vhd, &none, end).blocks, i);
    }
    assert_int_equal(reached(&d, make_vhd, &none, SIZE_MAX).blocks, 3);
    free(d.data);
}

static void test_raw_counts_blocks_and_bytes_that_are_whole(void **state)
{
    const struct encoder_rest none = {0};
    struct disk d = small_disk(ascending, 5);
    struct encoder_rest rest = reached(&d, make_raw, &none, 4 * SMALL - 1);

    (void)state;
    assert_int_equal(rest.blocks, 2);
    assert_int_equal(rest.holes, 4 * SMALL - SECTOR);
    rest = reached(&d, make_raw, &none, 4 * SMALL);
    assert_int_equal(rest.blocks, 3);
    assert_int_equal(rest.holes, 4 * SMALL);
    free(d.data);
}

/* A record counts with its last byte; holes come after all blocks. */
static void test_chunked_counts_records_that_are_whole(void **state)
{
    const struct encoder_rest none = {0};
    struct disk d = small_disk(any, 5);
    const size_t record = 12 + SMALL;

    (void)state;
    for (uint32_t i = 1; i <= 5; i++) {
        struct encoder_rest rest =
            reached(&d, make_chunked, &none, i * record - 1);

        assert_int_equal(rest.blocks, i - 1);
        assert_int_equal(rest.holes, 0);
        rest = reached(&d, make_chunked, &none, i * record);
        assert_int_equal(rest.blocks, i);
    }
    /* The first hole is block 2. */
    assert_int_equal(reached(&d, make_chunked, &none, 6 * record - 1).holes, 0);
    assert_int_equal(reached(&d, make_chunked, &none, 6 * record).holes,
                     3 * SMALL);
    free(d.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunked_of_any_order),
        cmocka_unit_test(test_chunked_of_a_last_block_that_is_short),
        cmocka_unit_test(test_chunked_of_an_empty_disk_and_a_full_one),
        cmocka_unit_test(test_raw_and_then_chunks),
        cmocka_unit_test(test_vhd_of_any_order),
        cmocka_unit_test(test_vhd_counts_blocks_that_are_whole),
        cmocka_unit_test(test_raw_counts_blocks_and_bytes_that_are_whole),
        cmocka_unit_test(test_chunked_counts_records_that_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
