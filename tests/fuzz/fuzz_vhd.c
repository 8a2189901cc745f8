/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fuzzing.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

/* Of the input's first byte. */
enum { SEEKABLE = 1, EXACT = 2, MEND_SUMS = 4, CHAIN = 8 };
enum { PIECES_MAX = 256 };

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
        fuzz_mend_vhd(disk, len, MEND_ALL);
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
