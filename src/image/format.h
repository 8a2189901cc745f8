/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FORMAT_H
#define VHDSTREAM_FORMAT_H

/* The one table of formats: names of --from and --to, and file suffixes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the disk is packed. */
enum pack { PACK_NONE, PACK_TAR, PACK_TGZ, PACK_TZST };

/* What the disk is, inside the pack. DISK_ANY: what the content says. */
enum disk { DISK_ANY, DISK_RAW, DISK_VHD, DISK_VHD_FIXED };

struct format {
    const char *name;
    enum pack pack;
    enum disk disk;
    const char *suffixes[4]; /* with the dot; NULL ends them */
};

/* NULL for a name that is none. */
const struct format *format_by_name(const char *name);

/* By the end of a file's name (case does not matter); NULL for none. */
const struct format *format_by_suffix(const char *path);

/* The length of `path` without such a suffix. */
size_t format_stem_len(const char *path);

/* All names, separated by ", ", for messages and --help. */
const char *format_names(void);

/* What the first bytes of something tell. */
enum content {
    CONTENT_UNKNOWN, /* raw, as far as one can see */
    CONTENT_GZIP,
    CONTENT_ZSTD,
    CONTENT_TAR,
    CONTENT_VHD,
    CONTENT_FOREIGN, /* a known form that is not taken: content_name */
};

enum { CONTENT_HEAD = 512 };

/* Judges the first `len` bytes. For CONTENT_FOREIGN *name says what it is. */
enum content content_of(const uint8_t *head, size_t len, const char **name);

#endif
