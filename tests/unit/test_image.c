/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/zero.h"
#include "image/encoder.h"
#include "image/image.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"
#include "unit.h"

#include <stdlib.h>

enum { MIB = 1024 * 1024 };

struct bytes {
    uint8_t *data;
    size_t len;
};

static const struct vhd_origin plain_origin;

/* A disk of 2 MiB blocks: data, a hole, zeros, data in single sectors ... */
static struct bytes make_disk(size_t len, unsigned seed)
{
    struct bytes d = {calloc(1, len), len};

    assert_non_null(d.data);
    srandom(seed);
    for (size_t at = 0; at < len; at += 64 * 1024) {
        size_t part = len - at < 64 * 1024 ? len - at : 64 * 1024;

        switch (random() % 4) {
        case 0:
            for (size_t i = 0; i < part; i++)
                d.data[at + i] = (uint8_t)random();
            break;
        case 1:
            d.data[at + (size_t)random() % part] = 1;
            break;
        default:
            break;
        }
    }
    return d;
}

static struct bytes encode(struct image *img, struct encoder *enc,
                           bool seekable)
{
    struct bytes out;
    struct sink *s = memory_sink(&out.data, &out.len, seekable);
    struct err e = {0};

    assert_ok(image_copy(img, enc, s, NULL, NULL, &e), &e);
    assert_ok(sink_finish(s, &e), &e);
    sink_close(s, NULL);
    return out;
}

static struct image *open_raw(const struct bytes *disk)
{
    struct source *src = memory_source(disk->data, disk->len, 77777, true);
    struct image *img = NULL;
    struct err e = {0};

    assert_ok(raw_decode(&src, -1, &img, &e), &e);
    assert_ok(image_trim(img, NULL, &e), &e);
    return img;
}

static struct bytes raw_to_vhd(const struct bytes *disk)
{
    struct image *img = open_raw(disk);
    struct vhd_options opt = {.clear_zeros = true};
    struct encoder *enc = NULL;
    struct bytes out;
    struct err e = {0};

    assert_ok(vhd_encoder(&enc, img, &opt, &e), &e);
    out = encode(img, enc, false);
    assert_int_equal(out.len, enc->size);
    encoder_close(enc);
    image_close(img);
    return out;
}

static struct image *open_vhd(const struct bytes *vhd, bool seekable)
{
    struct source *src = memory_source(vhd->data, vhd->len, 100001, seekable);
    struct image *img = NULL;
    struct err e = {0};

    assert_ok(vhd_decode(&src, &plain_origin, &img, &e), &e);
    return img;
}

static struct bytes to_raw(struct image *img, bool seekable)
{
    struct encoder *enc = NULL;
    struct bytes out;
    struct err e = {0};

    assert_ok(raw_encoder(&enc, img, img->size, &e), &e);
    out = encode(img, enc, seekable);
    encoder_close(enc);
    image_close(img);
    return out;
}

static void assert_same(const struct bytes *a, const struct bytes *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static void test_raw_to_vhd_to_raw(void **state)
{
    const size_t sizes[] = {512, 4096, 2 * MIB, 2 * MIB + 512, 9 * MIB - 512};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        for (int seekable = 0; seekable < 2; seekable++) {
            struct bytes disk = make_disk(sizes[i], (unsigned)i);
            struct bytes vhd = raw_to_vhd(&disk);
            struct bytes back = to_raw(open_vhd(&vhd, seekable), seekable);

            assert_same(&disk, &back);
            free(disk.data);
            free(vhd.data);
            free(back.data);
        }
    }
}

static void test_empty_disk_is_head_and_footer_only(void **state)
{
    struct bytes disk = {calloc(1, 8 * MIB), 8 * MIB};
    struct bytes vhd = raw_to_vhd(&disk);

    (void)state;
    assert_int_equal(vhd.len, 512 + 1024 + 512 + 512);
    assert_memory_equal(vhd.data, vhd.data + vhd.len - 512, 512);
    free(disk.data);
    free(vhd.data);
}

/* The bits of sectors past the disk's end, and of zero sectors, are clear. */
static void test_bits_of_absent_sectors_are_clear(void **state)
{
    struct bytes disk = {calloc(1, 3 * 512), 3 * 512};
    struct bytes vhd;

    (void)state;
    disk.data[512] = 1;
    vhd = raw_to_vhd(&disk);
    assert_int_equal(get_be32(vhd.data + 1536), 4);
    assert_int_equal(vhd.data[2048], 0x40);
    assert_true(zero_is(vhd.data + 2049, 511));
    free(disk.data);
    free(vhd.data);
}

/* Swaps the places of the blocks of a VHD with two blocks. */
static void swap_blocks(struct bytes *vhd)
{
    const size_t span = 512 + 2 * MIB;
    uint8_t *first = vhd->data + 2048, *second = first + span;
    uint8_t *spare = malloc(span);

    assert_non_null(spare);
    memcpy(spare, first, span);
    memcpy(first, second, span);
    memcpy(second, spare, span);
    free(spare);
    put_be32(vhd->data + 1536, (uint32_t)(2048 + span) / 512);
    put_be32(vhd->data + 1540, 2048 / 512);
}

static struct bytes make_two_blocks(void)
{
    struct bytes disk = {calloc(1, 4 * MIB), 4 * MIB};

    memset(disk.data, 'a', 2 * MIB);
    memset(disk.data + 2 * MIB, 'b', 2 * MIB);
    return disk;
}

static void test_blocks_come_in_storage_order(void **state)
{
    struct bytes disk = make_two_blocks();
    struct bytes vhd = raw_to_vhd(&disk), back;
    struct image *img;

    (void)state;
    swap_blocks(&vhd);
    img = open_vhd(&vhd, false);
    assert_false(image_is_ascending(img));
    assert_int_equal(img->order[0], 1);
    assert_int_equal(img->order[1], 0);
    back = to_raw(img, true);
    assert_same(&disk, &back);
    free(disk.data);
    free(vhd.data);
    free(back.data);
}

static void test_raw_stream_needs_ascending_blocks(void **state)
{
    struct bytes disk = make_two_blocks();
    struct bytes vhd = raw_to_vhd(&disk), out;
    struct encoder *enc = NULL;
    struct image *img;
    struct sink *s = memory_sink(&out.data, &out.len, false);
    struct err e = {0};

    (void)state;
    swap_blocks(&vhd);
    img = open_vhd(&vhd, false);
    assert_ok(raw_encoder(&enc, img, img->size, &e), &e);
    assert_int_equal(image_copy(img, enc, s, NULL, NULL, &e), ERR_UNSUPPORTED);
    assert_int_equal(out.len, 0);
    encoder_close(enc);
    image_close(img);
    sink_close(s, NULL);
    free(out.data);
    free(disk.data);
    free(vhd.data);
}

static void test_ascend_puts_a_seekable_image_in_order(void **state)
{
    struct bytes disk = make_two_blocks();
    struct bytes vhd = raw_to_vhd(&disk), back;
    struct image *img;
    struct err e = {0};

    (void)state;
    swap_blocks(&vhd);
    img = open_vhd(&vhd, true);
    assert_ok(image_ascend(&img, &e), &e);
    back = to_raw(img, false);
    assert_same(&disk, &back);
    free(disk.data);
    free(vhd.data);
    free(back.data);
}

/* Applies the records of the chunked framing to a disk full of old bytes. */
static void play_chunks(const struct bytes *stream, uint8_t *disk, size_t size)
{
    size_t at = 0;

    for (;;) {
        uint64_t offset;
        uint32_t len;

        assert_true(at + 12 <= stream->len);
        memcpy(&offset, stream->data + at, 8);
        memcpy(&len, stream->data + at + 8, 4);
        at += 12;
        if (!offset && !len)
            break;
        assert_true(offset + len <= size && at + len <= stream->len);
        assert_int_equal(offset % 512, 0);
        assert_int_equal(len % 512, 0);
        memcpy(disk + offset, stream->data + at, len);
        at += len;
    }
    assert_int_equal(at, stream->len);
}

static void test_chunked_covers_every_byte_in_any_order(void **state)
{
    struct bytes disk = make_two_blocks();
    struct bytes vhd = raw_to_vhd(&disk), stream;
    const size_t size = 7 * MIB;
    uint8_t *target = malloc(size);
    struct encoder *enc = NULL;
    struct image *img;
    struct err e = {0};

    (void)state;
    swap_blocks(&vhd);
    memset(target, 'x', size);
    img = open_vhd(&vhd, false);
    assert_ok(chunked_encoder(&enc, img, size, NULL, &e), &e);
    stream = encode(img, enc, false);
    assert_int_equal(stream.len, enc->size);
    play_chunks(&stream, target, size);
    assert_memory_equal(target, disk.data, disk.len);
    assert_true(zero_is(target + disk.len, size - disk.len));
    encoder_close(enc);
    image_close(img);
    free(target);
    free(stream.data);
    free(disk.data);
    free(vhd.data);
}

/* From a stream a missing trailing footer is a cut, wherever it ends. */
static void test_a_cut_stream_is_corrupt(void **state)
{
    struct bytes disk = make_two_blocks();
    struct bytes vhd = raw_to_vhd(&disk);
    const size_t cuts[] = {0,
                           100,
                           512,
                           1000,
                           1536,
                           1600,
                           2048,
                           2100,
                           3 * MIB,
                           vhd.len - 512,
                           vhd.len - 1 - 512,
                           vhd.len - 300,
                           vhd.len - 2};

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        struct source *src = memory_source(vhd.data, cuts[i], 65536, false);
        struct image *img = NULL;
        struct block b;
        struct err e = {0};
        int result = vhd_decode(&src, &plain_origin, &img, &e);

        assert_ok(block_open(&b, &e), &e);
        while (result >= 0 && (result = image_next(img, &b, &e)) > 0)
            ;
        assert_int_equal(result, ERR_CORRUPT);
        block_close(&b);
        image_close(img);
        source_close(src);
    }
    free(disk.data);
    free(vhd.data);
}

static void test_trim_takes_zero_blocks_out(void **state)
{
    struct bytes disk = {calloc(1, 6 * MIB), 6 * MIB};
    struct source *src = memory_source(disk.data, disk.len, 65536, true);
    struct image *img = NULL;
    struct err e = {0};

    (void)state;
    disk.data[5 * MIB - 1] = 1;
    assert_ok(raw_decode(&src, -1, &img, &e), &e);
    assert_int_equal(img->nmapped, 3);
    assert_ok(image_trim(img, NULL, &e), &e);
    assert_int_equal(img->nmapped, 1);
    assert_true(bit_get(img->map, 2));
    image_close(img);
    free(disk.data);
}

static void test_async_hands_out_the_same(void **state)
{
    struct bytes disk = make_disk(21 * MIB, 5);
    struct image *img = open_raw(&disk);
    struct bytes back;
    struct err e = {0};

    (void)state;
    assert_ok(image_async(&img, 2, &e), &e);
    back = to_raw(img, false);
    assert_same(&disk, &back);
    free(disk.data);
    free(back.data);
}

static void test_async_can_be_closed_early(void **state)
{
    struct bytes disk = make_disk(21 * MIB, 6);
    struct image *img = open_raw(&disk);
    struct block b;
    struct err e = {0};

    (void)state;
    assert_ok(image_async(&img, 1, &e), &e);
    assert_ok(block_open(&b, &e), &e);
    assert_int_equal(image_next(img, &b, &e), 1);
    block_close(&b);
    image_close(img);
    free(disk.data);
}

static void test_raw_stream_of_the_wrong_length(void **state)
{
    struct bytes disk = make_disk(MIB, 1);
    const int64_t promised[] = {MIB - 512, MIB + 512};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct source *src = memory_source(disk.data, MIB, 65536, false);
        struct image *img = NULL;
        struct block b;
        struct err e = {0};
        int result;

        assert_ok(raw_decode(&src, promised[i], &img, &e), &e);
        assert_ok(block_open(&b, &e), &e);
        while ((result = image_next(img, &b, &e)) > 0)
            ;
        assert_int_equal(result, ERR_CORRUPT);
        block_close(&b);
        image_close(img);
    }
    free(disk.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_to_vhd_to_raw),
        cmocka_unit_test(test_empty_disk_is_head_and_footer_only),
        cmocka_unit_test(test_bits_of_absent_sectors_are_clear),
        cmocka_unit_test(test_blocks_come_in_storage_order),
        cmocka_unit_test(test_raw_stream_needs_ascending_blocks),
        cmocka_unit_test(test_ascend_puts_a_seekable_image_in_order),
        cmocka_unit_test(test_chunked_covers_every_byte_in_any_order),
        cmocka_unit_test(test_a_cut_stream_is_corrupt),
        cmocka_unit_test(test_trim_takes_zero_blocks_out),
        cmocka_unit_test(test_async_hands_out_the_same),
        cmocka_unit_test(test_async_can_be_closed_early),
        cmocka_unit_test(test_raw_stream_of_the_wrong_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
