/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Checking, opening and mending the same bytes: they must agree. What a check
 * has no error for can be opened, and nothing else; what a repair writes leaves
 * no error and the same content, and can be taken back. */

#include "base/bytes.h"
#include "image/vhd_check.h"
#include "image/vhd_decode.h"
#include "image/vhd_repair.h"
#include "memory_io.h"

#include <stdlib.h>

/* Of the input's first byte. */
enum { STREAM = 1, MEND_COPY = 2, MEND_TAIL = 4, MEND_HEADER = 8, REPAIR = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void demand(bool true_it_is)
{
    if (!true_it_is)
        abort();
}

static void mend_sum(uint8_t *raw, size_t len, size_t at)
{
    put_be32(raw + at, vhd_checksum(raw, len, at));
}

/* Without right sums nearly nothing would get past the head. */
static void mend_sums(uint8_t *disk, size_t len, unsigned flags)
{
    uint64_t header;

    if (len < VHD_FOOTER_SIZE)
        return;
    if (flags & MEND_COPY)
        mend_sum(disk, VHD_FOOTER_SIZE, VHD_FOOTER_SUM);
    if (flags & MEND_TAIL)
        mend_sum(disk + len - VHD_FOOTER_SIZE, VHD_FOOTER_SIZE, VHD_FOOTER_SUM);
    header = get_be64(disk + 16);
    if (flags & MEND_HEADER && header <= len && len - header >= VHD_HEADER_SIZE)
        mend_sum(disk + header, VHD_HEADER_SIZE, VHD_HEADER_SUM);
}

/* Reads all that is in the image: a sum of it, or -1 where it is broken. */
static int64_t read_all(struct image *img)
{
    struct block b = {0};
    int64_t sum = (int64_t)img->size;
    int more;

    demand(!block_open(&b, NULL));
    while ((more = image_next(img, &b, NULL)) > 0)
        for (uint32_t i = 0; i < b.len; i++)
            sum = (sum * 31 + b.data[i] + b.index) & 0xffffffff;
    block_close(&b);
    return more < 0 ? -1 : sum;
}

static int64_t open_and_read(struct source *src)
{
    static const struct vhd_origin origin;
    struct image *img = NULL;
    int64_t sum = -1;

    if (!vhd_decode(&src, &origin, &img, NULL))
        sum = read_all(img);
    image_close(img);
    source_close(src);
    return sum;
}

static void check(const uint8_t *disk, size_t len, bool stream)
{
    struct source *src = memory_source(disk, len, 1000, !stream);
    struct vhd_report r;

    demand(!vhd_check(&src, 0, &r, NULL));
    source_close(src);
    src = memory_source(disk, len, 1000, !stream);
    demand((open_and_read(src) >= 0) == !r.severities[VHD_ERROR]);
    for (uint32_t i = 0; i < r.count; i++)
        demand(r.findings[i].text[0] && r.findings[i].severity);
    vhd_report_free(&r);
}

/* Writes the patches, and what a reader then sees; then the bytes before. */
static int64_t read_patched(const struct vhd_patches *p, const uint8_t *disk,
                            size_t len)
{
    size_t size = (size_t)vhd_patches_size(p);
    uint8_t *copy = calloc(1, size + 1);
    int64_t sum;

    demand(copy);
    memcpy(copy, disk, len);
    for (int i = 0; i < p->count; i++)
        memcpy(copy + p->list[i].offset, p->list[i].fresh, p->list[i].len);
    sum = open_and_read(memory_source(copy, size, 1000, true));
    for (int i = p->count; i-- > 0;)
        memcpy(copy + p->list[i].offset, p->list[i].old, p->list[i].old_len);
    demand(!memcmp(copy, disk, len));
    free(copy);
    return sum;
}

static void repair(const uint8_t *disk, size_t len)
{
    struct source *src = memory_source(disk, len, 1000, true);
    int64_t before = open_and_read(memory_source(disk, len, 1000, true));
    struct vhd_repair r;

    demand(!vhd_repair_plan(src, &r, NULL));
    if (vhd_repair_is_refused(&r)) {
        demand(!r.patches.count && before < 0);
    } else {
        int64_t after = read_patched(&r.patches, disk, len);

        demand(after >= 0 && (before < 0 || before == after));
    }
    vhd_repair_free(&r);
    source_close(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *disk;

    if (!len)
        return 0;
    disk = malloc(len);
    demand(disk);
    memcpy(disk, data + 1, --len);
    mend_sums(disk, len, data[0]);
    if (data[0] & REPAIR)
        repair(disk, len);
    else
        check(disk, len, data[0] & STREAM);
    free(disk);
    return 0;
}
