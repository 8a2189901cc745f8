/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/format.h"

#include "io/zst_frame.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct format formats[] = {
    {"raw", PACK_NONE, DISK_RAW, {".raw", ".img"}},
    {"vhd", PACK_NONE, DISK_VHD, {".vhd", ".avhd"}},
    {"vhd-fixed", PACK_NONE, DISK_VHD_FIXED, {NULL}},
    {"tar", PACK_TAR, DISK_VHD, {".tar"}},
    {"tgz", PACK_TGZ, DISK_VHD, {".tgz", ".tar.gz"}},
    {"tzst", PACK_TZST, DISK_VHD, {".tzst", ".tar.zst"}},
};

enum { NFORMATS = sizeof(formats) / sizeof(formats[0]) };

const struct format *format_by_name(const char *name)
{
    for (int i = 0; i < NFORMATS; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && !strcasecmp(text + len - end_len, end);
}

/* The suffix of `path`, and in *format what it means; NULL: it has none. */
static const char *find_suffix(const char *path, const struct format **format)
{
    for (int i = 0; i < NFORMATS; i++) {
        for (int j = 0; formats[i].suffixes[j]; j++) {
            if (!ends_with(path, formats[i].suffixes[j]))
                continue;
            *format = &formats[i];
            return formats[i].suffixes[j];
        }
    }
    return NULL;
}

const struct format *format_by_suffix(const char *path)
{
    const struct format *format = NULL;

    (void)find_suffix(path, &format);
    return format;
}

size_t format_stem_len(const char *path)
{
    const struct format *format;
    const char *suffix = find_suffix(path, &format);

    return strlen(path) - (suffix ? strlen(suffix) : 0);
}

const char *format_names(void)
{
    return "raw, vhd, vhd-fixed, tar, tgz, tzst";
}

struct magic {
    const char *bytes;
    size_t len, offset;
    enum content content;
    const char *name;
};

static const struct magic magics[] = {
    {"\x1f\x8b", 2, 0, CONTENT_GZIP, "gzip"},
    {"conectix", 8, 0, CONTENT_VHD, "VHD"},
    {"ustar", 5, 257, CONTENT_TAR, "tar"},
    {"QFI\xfb", 4, 0, CONTENT_FOREIGN, "a qcow2 image"},
    {"vhdxfile", 8, 0, CONTENT_FOREIGN, "a VHDX image"},
    {"KDMV", 4, 0, CONTENT_FOREIGN, "a VMDK image"},
    {"# Disk Descriptor", 17, 0, CONTENT_FOREIGN, "a VMDK descriptor"},
    {"\x7f\x10\xda\xbe", 4, 64, CONTENT_FOREIGN, "a VDI image of VirtualBox"},
    {"QED\0", 4, 0, CONTENT_FOREIGN, "a QED image"},
    {"\xfd"
     "7zXZ",
     6, 0, CONTENT_FOREIGN, "xz data"},
    {"BZh", 3, 0, CONTENT_FOREIGN, "bzip2 data"},
    {"PK\3\4", 4, 0, CONTENT_FOREIGN, "a zip archive"},
    {"7z\xbc\xaf\x27\x1c", 6, 0, CONTENT_FOREIGN, "a 7z archive"},
    {"vhdstream block digests ", 24, 0, CONTENT_FOREIGN,
     "a list of block digests, no disk"},
};

/* A tar header older than ustar is known by its sum alone. */
static bool is_old_tar(const uint8_t *head, size_t len)
{
    enum { SUM = 148, SUM_LEN = 8 };
    char text[SUM_LEN + 1] = {0};
    char *end;
    unsigned long stored, sum = 0;

    if (len < CONTENT_HEAD || !head[0])
        return false;
    memcpy(text, head + SUM, SUM_LEN);
    stored = strtoul(text, &end, 8);
    if (end == text)
        return false;
    for (size_t i = 0; i < CONTENT_HEAD; i++)
        sum += i - SUM < SUM_LEN ? ' ' : head[i];
    return sum == stored;
}

enum content content_of(const uint8_t *head, size_t len, const char **name)
{
    enum zst_kind kind;

    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        const struct magic *m = &magics[i];

        if (len < m->offset + m->len ||
            memcmp(head + m->offset, m->bytes, m->len))
            continue;
        *name = m->name;
        return m->content;
    }
    kind = zst_kind_of(head, len);
    if (kind == ZST_DATA || kind == ZST_SKIPPABLE) {
        *name = "zstd";
        return CONTENT_ZSTD;
    }
    *name = "raw";
    return is_old_tar(head, len) ? CONTENT_TAR : CONTENT_UNKNOWN;
}
