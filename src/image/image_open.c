/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/image_open.h"

#include "image/raw_decode.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_ends.h"
#include "io/tar_source.h"

#include <string.h>

/* A look at the first bytes of the innermost source so far. */
static int look(struct source **src, enum content *content, const char **name,
                struct err *e)
{
    uint8_t head[CONTENT_HEAD];
    size_t len;

    TRY(source_head(src, head, sizeof(head), &len, e));
    *content = content_of(head, len, name);
    return 0;
}

static const char *content_wanted(const struct format *f, enum content wanted)
{
    if (wanted == CONTENT_GZIP)
        return "gzip data";
    if (wanted == CONTENT_ZSTD)
        return "zstd data";
    return wanted == CONTENT_TAR ? "a tar archive" : f->name;
}

/* The name or the user promised something that is not there. */
static int contradiction(const struct source *src,
                         const struct image_open_options *opt,
                         enum content wanted, const char *found, struct err *e)
{
    if (opt->from)
        return err_set(e, ERR_CORRUPT, "%s: expected %s by --from %s, found %s",
                       src->name, content_wanted(opt->from, wanted),
                       opt->from->name, found);
    return err_set(e, ERR_USAGE,
                   "%s: its name says %s, its content %s; say which with "
                   "--from (%s)",
                   src->name, opt->suffix->name, found, format_names());
}

/* What a format's outermost layer is, where that is a compression. */
static enum content compression_of(const struct format *f)
{
    if (f && f->pack == PACK_TGZ)
        return CONTENT_GZIP;
    return f && f->pack == PACK_TZST ? CONTENT_ZSTD : CONTENT_UNKNOWN;
}

static int decompress(struct source **src, const struct image_open_options *opt,
                      enum content content, struct err *e)
{
    if (!source_is_seekable(*src))
        TRY(source_async(src, opt->threads, opt->halt, e));
    if (content == CONTENT_GZIP)
        TRY(source_gunzip(src, opt->pool, e));
    else
        TRY(source_unzstd(src, opt->pool, e));
    (*src)->stage = opt->inflate;
    return 0;
}

/* For members of any name. */
static bool begins_as_vhd(const uint8_t *head, size_t len)
{
    const char *name;

    return content_of(head, len, &name) == CONTENT_VHD;
}

/* Takes compression and tar off, as the format demands or the content shows: 1
 * where there was an archive. */
static int unpack(struct source **src, const struct image_open_options *opt,
                  const struct format *f, struct err *e)
{
    enum content content, wanted = compression_of(f);
    const char *found;

    TRY(look(src, &content, &found, e));
    if (wanted != CONTENT_UNKNOWN && content != wanted)
        return contradiction(*src, opt, wanted, found, e);
    if (content == CONTENT_GZIP || content == CONTENT_ZSTD) {
        if (f && content != wanted)
            return contradiction(*src, opt, CONTENT_UNKNOWN, found, e);
        TRY(decompress(src, opt, content, e));
        TRY(look(src, &content, &found, e));
    }
    if (f && f->pack != PACK_NONE && content != CONTENT_TAR)
        return contradiction(*src, opt, CONTENT_TAR, found, e);
    if (content == CONTENT_TAR) {
        if (f && f->pack == PACK_NONE)
            return contradiction(*src, opt, CONTENT_UNKNOWN, found, e);
        TRY(source_untar(src, opt->any_member ? begins_as_vhd : NULL,
                         opt->notice, opt->tail, e));
        if (opt->archive)
            *opt->archive = *src;
        return 1;
    }
    return 0;
}

/* A VHD that is known by its trailing footer alone: fixed, or hurt. */
static bool ends_as_vhd(struct source *src)
{
    uint8_t last[VHD_FOOTER_SIZE];
    struct vhd_end tail;

    if (!source_is_seekable(src) || src->size < VHD_FOOTER_SIZE ||
        source_pread_full(src, last, sizeof(last),
                          (uint64_t)src->size - sizeof(last), "its end",
                          NULL) < 0)
        return false;
    vhd_end_find_tail(&tail, last, sizeof(last), (uint64_t)src->size);
    return vhd_end_is_sound(&tail);
}

static int check_fixed(struct image **img, struct err *e)
{
    int code;

    if (!strcmp((*img)->format, "vhd-fixed"))
        return 0;
    code = err_set(e, ERR_CORRUPT,
                   "%s: expected vhd-fixed by --from, found a VHD of another "
                   "type",
                   (*img)->name);
    image_cleanup(img);
    return code;
}

static int decode(struct source **src, const struct image_open_options *opt,
                  enum disk disk, struct image **out, struct err *e)
{
    struct vhd_origin origin = {
        .notice = opt->notice,
        .exact = opt->exact,
        .size_from_chs = opt->size_from_chs,
        .len = opt->size > 0 ? (uint64_t)opt->size : 0,
    };
    enum content content;
    const char *found;

    if (disk == DISK_ANY) {
        TRY(look(src, &content, &found, e));
        if (content == CONTENT_VHD || ends_as_vhd(*src))
            disk = DISK_VHD;
        else if (content == CONTENT_UNKNOWN)
            disk = DISK_RAW;
        else
            return err_set(e, ERR_UNSUPPORTED,
                           "%s: %s; the formats that are taken are %s",
                           (*src)->name, found, format_names());
    }
    if (disk == DISK_RAW)
        return raw_decode(src, opt->size, out, e);
    TRY(vhd_decode(src, &origin, out, e));
    return disk == DISK_VHD_FIXED ? check_fixed(out, e) : 0;
}

static enum disk disk_of(const struct source *src, bool is_vhd)
{
    const struct format *f = format_by_suffix(src->name);

    if (is_vhd)
        return DISK_VHD;
    return f && f->pack == PACK_NONE ? f->disk : DISK_ANY;
}

enum disk image_member_disk(const struct image_open_options *opt,
                            const struct source *src)
{
    return disk_of(src, opt->vhd_inside || opt->any_member);
}

int image_unpack(struct source **src, const struct image_open_options *opt,
                 enum disk *disk, struct err *e)
{
    const struct format *f = opt->from ? opt->from : opt->suffix;
    int in_archive = 0;

    if (opt->archive)
        *opt->archive = NULL;
    *disk = f ? f->disk : DISK_ANY;
    /* Any bytes at all may be the content of a raw disk. */
    if (!f || f->disk != DISK_RAW)
        in_archive = unpack(src, opt, f, e);
    TRY(in_archive);
    /* In an archive the member's own name counts. */
    if (in_archive)
        *disk = image_member_disk(opt, *src);
    else if (!f || f->pack != PACK_NONE)
        *disk = disk_of(*src, opt->vhd_inside);
    return 0;
}

int image_open_member(struct source **src, const struct image_open_options *opt,
                      struct image **out, struct err *e)
{
    return decode(src, opt, image_member_disk(opt, *src), out, e);
}

int image_open(struct source **src, const struct image_open_options *opt,
               struct image **out, struct err *e)
{
    enum disk disk;

    TRY(image_unpack(src, opt, &disk, e));
    return decode(src, opt, disk, out, e);
}
