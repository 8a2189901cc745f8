/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_LAYOUT_H
#define VHDSTREAM_VHD_LAYOUT_H

/*
 * The structures of a VHD as they lie on disk, and in host order.
 *
 * Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0, and
 * the deviations of producers in the field, named where they matter. Integers
 * are big-endian.
 *
 * Decoding asks "is it this, and is it intact"; whether it is fit for use is
 * asked by who opens it.
 */

#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VHD_FOOTER_SIZE = 512,
    VHD_FOOTER_SUM = 64, /* offset of its checksum */
    VHD_HEADER_SIZE = 1024,
    VHD_HEADER_SUM = 36, /* offset of its checksum */
    VHD_LOCATORS_AT = 576,
    VHD_LOCATOR_SIZE = 24,
    VHD_VERSION = 0x00010000,
    VHD_UNUSED = -1, /* as uint32_t: a BAT entry without a block */
    VHD_LOCATORS = 8,
    VHD_NAME_SIZE = 512,   /* parent name, bytes of UTF-16BE */
    VHD_EPOCH = 946684800, /* 2000-01-01 in seconds of Unix time */
};

/* 2040 GiB: beyond it sectors of the file do not fit a BAT entry. */
#define VHD_SIZE_MAX UINT64_C(0x1FE00000000)

/* 2 TiB: what 32 bits of sectors count. */
#define VHD_SPAN_MAX (UINT64_C(1) << 41)

/* No place in a file is beyond it: what 32 bits of sectors and a block reach,
 * and far below where 64-bit sums could wrap. */
#define VHD_OFFSET_MAX (UINT64_C(1) << 48)

enum vhd_type {
    VHD_FIXED = 2,
    VHD_DYNAMIC = 3,
    VHD_DIFFERENCING = 4,
};

/*
 *  offset size field            meaning
 *       0    8 cookie           "conectix"; "v_poison": disabled by blktap
 *       8    4 features         bit 0 temporary, bit 1 always set
 *      12    4 version          0x00010000
 *      16    8 data_offset      of the dynamic header; all ones when fixed
 *      24    4 timestamp        seconds since 2000-01-01 UTC
 *      28    4 creator
 *      32    4 creator_version
 *      36    4 creator_os
 *      40    8 original_size    bytes at creation
 *      48    8 current_size     bytes: the virtual size
 *      56    4 geometry         cylinders (2), heads (1), sectors (1)
 *      60    4 type             enum vhd_type
 *      64    4 checksum
 *      68   16 uuid
 *      84    1 saved_state
 *      85    1 hidden           XenServer: an inner node of a chain
 *      86  426 reserved
 */
struct vhd_footer {
    bool poisoned; /* the cookie was blktap's "v_poison" */
    uint32_t features, version;
    uint64_t data_offset;
    uint32_t timestamp;
    char creator[4];
    uint32_t creator_version;
    uint32_t creator_os;
    uint64_t original_size, current_size;
    uint16_t cylinders;
    uint8_t heads, sectors_per_track;
    uint32_t type, checksum;
    struct uuid uuid;
    uint8_t saved_state, hidden;
    bool sum_without_hidden; /* decoded: early td-util set hidden without a new
                                checksum */
};

/*
 *  offset size field            meaning
 *       0    8 cookie           "cxsparse"
 *       8    8 data_offset      unused, all ones
 *      16    8 table_offset     of the BAT
 *      24    4 version          0x00010000
 *      28    4 max_entries      of the BAT
 *      32    4 block_size       bytes, a power of two, without the bitmap
 *      36    4 checksum
 *      40   16 parent_uuid
 *      56    4 parent_timestamp
 *      60    4 reserved
 *      64  512 parent_name      UTF-16BE
 *     576  192 locators         8 of 24 bytes
 *     768  256 reserved
 */
struct vhd_locator {
    uint32_t code;  /* enum vhd_code; 0: none */
    uint32_t space; /* as stored: sectors by the specification, bytes by most */
    uint32_t length; /* bytes */
    uint64_t offset;
};

/* Platform codes: four characters each. */
enum vhd_code {
    VHD_CODE_W2RU = 0x57327275, /* relative path, UTF-16LE */
    VHD_CODE_W2KU =
        0x57326B75, /* absolute path, UTF-16LE; blktap's: relative */
    VHD_CODE_MACX = 0x4D616358, /* file:// URL, UTF-8 */
    VHD_CODE_MAC = 0x4D616320,  /* alias blob */
    VHD_CODE_WI2R = 0x57693272, /* deprecated: 8-bit relative path */
    VHD_CODE_WI2K = 0x5769326B, /* deprecated: 8-bit absolute path */
};

enum { VHD_LOCATOR_MAX = 64 * 1024 }; /* bytes of a text that is followed */

struct vhd_header {
    uint64_t data_offset, table_offset;
    uint32_t version, max_entries, block_size, checksum;
    struct uuid parent_uuid;
    uint32_t parent_timestamp;
    uint8_t parent_name[VHD_NAME_SIZE];
    struct vhd_locator locators[VHD_LOCATORS];
};

enum vhd_state {
    VHD_INTACT,
    VHD_ALIEN,   /* the cookie is another: not this structure */
    VHD_BAD_SUM, /* the checksum does not fit; *out is filled all the same */
};

/* The footer in raw[0 .. 512). `raw` of a 511-byte footer has a zero added. */
enum vhd_state vhd_footer_decode(const uint8_t raw[VHD_FOOTER_SIZE],
                                 struct vhd_footer *out);
/* Writes it with its checksum (f->checksum is not read). */
void vhd_footer_encode(const struct vhd_footer *f,
                       uint8_t raw[VHD_FOOTER_SIZE]);

enum vhd_state vhd_header_decode(const uint8_t raw[VHD_HEADER_SIZE],
                                 struct vhd_header *out);
void vhd_header_encode(const struct vhd_header *h,
                       uint8_t raw[VHD_HEADER_SIZE]);

/* Ones' complement of the sum of raw[0 .. len), the four bytes at `field`
 * taken as zero. */
uint32_t vhd_checksum(const uint8_t *raw, size_t len, size_t field);

/* Bytes of the sector bitmap before a block's data: whole sectors. */
uint32_t vhd_bitmap_size(uint32_t block_size);

/* Bytes that a locator's data may take: below 512 `space` counts sectors (the
 * specification), else bytes (Virtual PC, Hyper-V, VirtualBox, blktap); 0 for
 * bytes that are no whole sectors, which nobody writes. */
uint64_t vhd_locator_space(const struct vhd_locator *l);

/* The size that the geometry tells, bytes; qemu and Virtual PC take it for the
 * virtual size of some creators' disks. current_size where the geometry is
 * the greatest there is and so tells nothing. */
uint64_t vhd_geometry_size(const struct vhd_footer *f);

/* Cylinders, heads and sectors for `size` bytes by the specification's
 * appendix; their product never exceeds the size. */
void vhd_geometry(uint64_t size, struct vhd_footer *f);

#endif
