/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A VHD to an image, to another form of it, and back: the same disk, the length
 * that was promised, and a new VHD in which a check finds nothing. */

#include "base/bytes.h"
#include "fuzzing.h"
#include "image/encoder.h"
#include "image/raw_decode.h"
#include "image/vhd/vhd_check.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

/* Of the input's first byte; MEND_..., too. */
enum { STREAM = 1, CLEAR = 16, FORM_SHIFT = 5 };
enum form { DYNAMIC, FIXED, RAW, CHUNKED, FORMS };
enum { BLOCKS_HERE = 2, PLAIN_MAX = 1024 * 1024, RECORD_HEAD = 12 };

struct output {
    uint8_t *bytes;
    size_t len;
};

/* --- there ---------------------------------------------------------------- */

static int make_encoder(struct encoder **enc, struct image **img,
                        enum form form, bool clear)
{
    struct vhd_options opt = {.clear_zeros = clear, .parent = "p\xc3\xa4.vhd"};

    if (form == DYNAMIC) {
        if (image_reblock(img, NULL) || (*img)->nmapped > BLOCKS_HERE)
            return -1;
        return vhd_encoder(enc, *img, &opt, NULL);
    }
    if ((*img)->size > PLAIN_MAX)
        return -1;
    if (form == CHUNKED)
        return chunked_encoder(enc, *img, (*img)->size, NULL, NULL);
    if (!image_is_ascending(*img) && image_ascend(img, NULL))
        return -1;
    if (form == RAW)
        return raw_encoder(enc, *img, (*img)->size, NULL);
    return vhd_fixed_encoder(enc, *img, (*img)->size, NULL, NULL);
}

/* Whether the disk could be written in that form. */
static bool write_form(struct output *out, struct image **img, enum form form,
                       bool clear)
{
    struct encoder *enc = NULL;
    struct sink *s;
    int code;

    if (make_encoder(&enc, img, form, clear))
        return false;
    s = memory_sink(&out->bytes, &out->len, false);
    code = image_copy(*img, enc, s, NULL, NULL, NULL);
    demand(code != ERR_FAILED);
    demand(code || out->len == enc->size);
    sink_close(s, NULL);
    encoder_close(enc);
    return !code;
}

/* --- and back ------------------------------------------------------------- */

static void check_vhd(const struct output *out, const struct holding *before)
{
    struct vhd_report r;
    struct holding c;

    for (int seekable = 0; seekable < 2; seekable++) {
        struct source *src =
            memory_source(out->bytes, out->len, 70000, seekable);

        demand(!vhd_check(&src, 0, &r, NULL));
        demand(!r.severities[VHD_ERROR] && !r.severities[VHD_WARNING]);
        vhd_report_free(&r);
        source_close(src);
        holding_of_vhd(&c,
                       memory_source(out->bytes, out->len, 70000, seekable));
        demand(holding_equal(&c, before));
    }
}

static void check_raw(const uint8_t *bytes, size_t len,
                      const struct holding *before)
{
    struct source *src = memory_source(bytes, len, 70000, true);
    struct image *img = NULL;
    struct holding c;

    demand(!raw_decode(&src, (int64_t)len, &img, NULL));
    holding_read(&c, img);
    demand(holding_equal(&c, before));
    image_close(img);
}

/* Joins the records, of which each byte of the disk must have one. */
static void check_chunked(const struct output *out,
                          const struct holding *before)
{
    uint8_t *all = malloc(before->size), *seen = calloc(1, before->size);
    size_t at = 0, covered = 0;

    demand(all && seen);
    for (;;) {
        uint64_t offset, len;

        demand(out->len - at >= RECORD_HEAD);
        /* No disk here is so large that the upper half counts. */
        offset = get_le32(out->bytes + at);
        demand(!get_le32(out->bytes + at + 4));
        len = get_le32(out->bytes + at + 8);
        at += RECORD_HEAD;
        if (!len && !offset)
            break;
        demand(len && offset < before->size && len <= before->size - offset);
        demand(len <= out->len - at);
        demand(!memchr(seen + offset, 1, len));
        memset(seen + offset, 1, len);
        memcpy(all + offset, out->bytes + at, len);
        at += len;
        covered += len;
    }
    demand(at == out->len && covered == before->size);
    check_raw(all, before->size, before);
    free(all);
    free(seen);
}

static void check_fixed(const struct output *out, const struct holding *before)
{
    struct source *src = memory_source(out->bytes, out->len, 70000, true);
    struct vhd_report r;
    struct holding c;

    demand(!vhd_check(&src, 0, &r, NULL));
    demand(!r.severities[VHD_ERROR]);
    vhd_report_free(&r);
    source_close(src);
    holding_of_vhd(&c, memory_source(out->bytes, out->len, 70000, true));
    demand(holding_equal(&c, before));
}

static void check_output(const struct output *out, enum form form,
                         const struct holding *before)
{
    /* Sectors that a child has but that hold zeros are in the sum; only a
     * child that is kept has them. */
    if (form == DYNAMIC)
        check_vhd(out, before);
    else if (form == FIXED)
        check_fixed(out, before);
    else if (form == RAW)
        check_raw(out->bytes, out->len, before);
    else
        check_chunked(out, before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct vhd_origin origin;
    struct output out = {0};
    struct image *img = NULL;
    struct holding before;
    struct source *src;
    enum form form;
    uint8_t *disk;
    bool stream;

    if (!len)
        return 0;
    stream = data[0] & STREAM;
    form = (enum form)(data[0] >> FORM_SHIFT) % FORMS;
    disk = fuzz_copy(data + 1, --len);
    fuzz_mend_vhd(disk, len, data[0]);
    holding_of_vhd(&before, memory_source(disk, len, 1000, !stream));
    src = memory_source(disk, len, 1000, !stream);
    if (before.code <= 0 && !vhd_decode(&src, &origin, &img, NULL) &&
        write_form(&out, &img, form, data[0] & CLEAR)) {
        /* What cannot be read to its end cannot be written. */
        demand(!before.code);
        check_output(&out, form, &before);
    }
    image_close(img);
    source_close(src);
    free(out.bytes);
    free(disk);
    return 0;
}
