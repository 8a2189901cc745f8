/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Bytes of any form, packed or not, to the disk in them: as a stream and as a
 * file they hold the same, and a stream that was cut is never taken for a
 * whole one. */

#include "base/bytes.h"
#include "fuzzing.h"
#include "image/image_open.h"
#include "image/vhd/vhd_layout.h"
#include "io/crc32.h"
#include "memory_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the input's first byte; the highest bits choose among `forms`. */
enum { MEND_TAR = 1, MEND_DISK = 2, GZIP = 4, SIZED = 8, NAMED = 16 };
enum { FORM_SHIFT = 5, TAR_UNIT = 512, TAR_SUM = 148, STORED_MAX = 60000 };
enum { ANY_MEMBER = 1 }; /* the form that is none, with that option */

static const char *const forms[8] = {NULL,  NULL,        "raw", "vhd",
                                     "tar", "vhd-fixed", "tgz", "tzst"};

struct input {
    uint8_t *bytes; /* owned */
    size_t len;
    struct image_open_options opt;
};

/* --- made right ----------------------------------------------------------- */

static void mend_tar_sum(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + TAR_SUM, ' ', 8);
    for (int i = 0; i < TAR_UNIT; i++)
        sum += header[i];
    (void)snprintf((char *)header + TAR_SUM, 8, "%06o", sum);
}

static void mend_archive(uint8_t *bytes, size_t len, bool disks)
{
    size_t at = 0;

    while (len - at >= TAR_UNIT && bytes[at]) {
        char text[13] = {0};
        size_t size;

        mend_tar_sum(bytes + at);
        memcpy(text, bytes + at + 124, 12);
        size = strtoul(text, NULL, 8);
        at += TAR_UNIT;
        if (size > len - at)
            break;
        if (disks)
            fuzz_mend_vhd(bytes + at, size, MEND_ALL);
        at += (size + TAR_UNIT - 1) / TAR_UNIT * TAR_UNIT;
        if (at > len)
            break;
    }
}

static void put_le(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* One gzip member, in which nothing is deflated. */
static void pack(struct input *in)
{
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    size_t blocks = in->len / STORED_MAX + 1, used = sizeof(head), from = 0;
    uint8_t *out = malloc(sizeof(head) + blocks * 5 + in->len + 8);

    demand(out);
    memcpy(out, head, sizeof(head));
    for (size_t i = 0; i < blocks; i++) {
        size_t now = in->len - from < STORED_MAX ? in->len - from : STORED_MAX;

        out[used] = i + 1 == blocks;
        put_le(out + used + 1, (uint32_t)now, 2);
        put_le(out + used + 3, ~(uint32_t)now, 2);
        memcpy(out + used + 5, in->bytes + from, now);
        used += 5 + now;
        from += now;
    }
    put_le(out + used, crc32_add(0, in->bytes, in->len), 4);
    put_le(out + used + 4, (uint32_t)in->len, 4);
    free(in->bytes);
    in->bytes = out;
    in->len = used + 8;
}

static void prepare(struct input *in, const uint8_t *data, size_t len)
{
    unsigned flags = data[0];
    const char *form = forms[flags >> FORM_SHIFT];
    const struct format *f = form ? format_by_name(form) : NULL;

    *in = (struct input){.bytes = fuzz_copy(data + 1, len - 1), .len = len - 1};
    in->opt.any_member = flags >> FORM_SHIFT == ANY_MEMBER;
    in->opt.from = flags & NAMED ? NULL : f;
    in->opt.suffix = flags & NAMED ? f : NULL;
    if (flags & MEND_TAR)
        mend_archive(in->bytes, in->len, flags & MEND_DISK);
    else if (flags & MEND_DISK)
        fuzz_mend_vhd(in->bytes, in->len, MEND_ALL);
    if (flags & GZIP)
        pack(in);
    in->opt.size = flags & SIZED ? (int64_t)in->len : -1;
}

/* --- read ----------------------------------------------------------------- */

static void read_disk(struct holding *c, const struct input *in, size_t len,
                      bool seekable)
{
    struct source *src = memory_source(in->bytes, len, 1000, seekable);
    struct image *img = NULL;

    *c = (struct holding){0};
    c->code = image_open(&src, &in->opt, &img, NULL);
    if (!c->code)
        holding_read(c, img);
    image_close(img);
    source_close(src);
}

/* The closer to the end, the closer together. */
static void check_cuts(const struct holding *whole, const struct input *in)
{
    size_t step = 1;
    struct holding c;

    for (size_t cut = 1; cut <= in->len; cut += step, step *= 3) {
        read_disk(&c, in, in->len - cut, false);
        demand(c.code || holding_equal(&c, whole));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct holding stream, file;
    struct input in;

    if (!len)
        return 0;
    prepare(&in, data, len);
    read_disk(&stream, &in, in.len, false);
    read_disk(&file, &in, in.len, true);
    if (!stream.code) {
        /* What a fixed VHD is stands at its end, which a stream's reader does
         * not know when it has to decide. */
        if (strcmp(stream.format, "raw") != 0)
            demand(holding_equal(&stream, &file));
        check_cuts(&stream, &in);
    }
    free(in.bytes);
    return 0;
}
