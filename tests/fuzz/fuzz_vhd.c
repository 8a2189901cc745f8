/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bytes.h"
#include "image/vhd_decode.h"
#include "memory_io.h"

#include <stdlib.h>

/* Of the input's first byte. */
enum { SEEKABLE = 1, EXACT = 2, MEND_SUMS = 4, CHAIN = 8 };
enum { PIECES_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void mend_sum(uint8_t *raw, size_t len, size_t at)
{
    put_be32(raw + at, vhd_checksum(raw, len, at));
}

/* Without right sums nearly nothing would get past the head. */
static void mend_sums(uint8_t *disk, size_t len)
{
    uint64_t header;

    if (len < VHD_FOOTER_SIZE)
        return;
    mend_sum(disk, VHD_FOOTER_SIZE, VHD_FOOTER_SUM);
    mend_sum(disk + len - VHD_FOOTER_SIZE, VHD_FOOTER_SIZE, VHD_FOOTER_SUM);
    header = get_be64(disk + 16);
    if (header <= len && len - header >= VHD_HEADER_SIZE)
        mend_sum(disk + header, VHD_HEADER_SIZE, VHD_HEADER_SUM);
}

static void read_blocks(struct image *img)
{
    struct block b = {0};
    struct err e;

    if (block_open(&b, &e))
        abort();
    for (int i = 0; i < PIECES_MAX && image_next(img, &b, &e) == 1; i++)
        if (b.len > PIECE_MAX || b.index >= img->nblocks)
            abort();
    if (image_is_seekable(img) && img->size >= SECTOR_SIZE)
        (void)image_read(img, b.data, SECTOR_SIZE, img->size - SECTOR_SIZE, &e);
    block_close(&b);
}

/* Lays the disk over itself. */
static void read_chain(struct image *img, const uint8_t *disk, size_t len)
{
    const struct vhd_origin origin = {0};
    struct source *src = memory_source(disk, len, 1000, true);
    struct image *below = NULL;

    if (!vhd_decode(&src, &origin, &below, NULL) &&
        !image_chain(&img, &below, 1, NULL)) {
        read_blocks(img);
        image_close(img);
        return;
    }
    image_close(below);
    source_close(src);
    image_close(img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct vhd_origin origin = {0};
    struct image *img = NULL;
    struct source *src;
    uint8_t *disk;
    struct err e;

    if (!len)
        return 0;
    disk = malloc(len);
    if (!disk)
        abort();
    memcpy(disk, data + 1, --len);
    if (data[0] & MEND_SUMS)
        mend_sums(disk, len);
    origin.exact = data[0] & EXACT;
    src = memory_source(disk, len, 1000, data[0] & SEEKABLE);
    if (!vhd_decode(&src, &origin, &img, &e))
        read_blocks(img);
    if (img && img->has_parent && data[0] & CHAIN)
        read_chain(img, disk, len);
    else
        image_close(img);
    source_close(src);
    free(disk);
    return 0;
}
