/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Checking, opening and mending the same bytes: they must agree. What a check
 * has no error for can be opened, and nothing else; what a repair writes leaves
 * no error and the same content, and can be taken back. */

#include "fuzzing.h"
#include "image/vhd/vhd_check.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_repair.h"
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

/* Of the input's first byte; MEND_..., too. */
enum { STREAM = 1, REPAIR = 16 };

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
    fuzz_mend_vhd(disk, len, data[0]);
    if (data[0] & REPAIR)
        repair(disk, len);
    else
        check(disk, len, data[0] & STREAM);
    free(disk);
    return 0;
}
