/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_layout.h"

#include "base/bytes.h"
#include "base/checked.h"

#include <string.h>

enum { HIDDEN = 85 };

uint32_t vhd_checksum(const uint8_t *raw, size_t len, size_t field)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i++)
        if (i - field >= 4)
            sum += raw[i];
    return ~sum;
}

/* Early td-util set `hidden` without a new checksum. */
static bool sum_without_hidden(const uint8_t *raw, uint32_t checksum)
{
    uint32_t version = get_be32(raw + 32);

    if (memcmp(raw + 28, "tap", 4) || !raw[HIDDEN] ||
        (version != 0x00000001 && version != 0x00010001))
        return false;
    return vhd_checksum(raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM) + raw[HIDDEN] ==
           checksum;
}

enum vhd_state vhd_footer_decode(const uint8_t raw[VHD_FOOTER_SIZE],
                                 struct vhd_footer *out)
{
    struct vhd_footer f = {0};
    bool intact;

    f.poisoned = !memcmp(raw, "v_poison", 8);
    if (memcmp(raw, "conectix", 8) && !f.poisoned)
        return VHD_ALIEN;
    f.features = get_be32(raw + 8);
    f.version = get_be32(raw + 12);
    f.data_offset = get_be64(raw + 16);
    f.timestamp = get_be32(raw + 24);
    memcpy(f.creator, raw + 28, 4);
    f.creator_version = get_be32(raw + 32);
    f.creator_os = get_be32(raw + 36);
    f.original_size = get_be64(raw + 40);
    f.current_size = get_be64(raw + 48);
    f.cylinders = get_be16(raw + 56);
    f.heads = raw[58];
    f.sectors_per_track = raw[59];
    f.type = get_be32(raw + 60);
    f.checksum = get_be32(raw + VHD_FOOTER_SUM);
    memcpy(f.uuid.bytes, raw + 68, 16);
    f.saved_state = raw[84];
    f.hidden = raw[HIDDEN];
    intact = vhd_checksum(raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM) == f.checksum;
    f.sum_without_hidden = !intact && sum_without_hidden(raw, f.checksum);
    *out = f;
    return intact || f.sum_without_hidden ? VHD_INTACT : VHD_BAD_SUM;
}

void vhd_footer_encode(const struct vhd_footer *f, uint8_t raw[VHD_FOOTER_SIZE])
{
    memset(raw, 0, VHD_FOOTER_SIZE);
    memcpy(raw, f->poisoned ? "v_poison" : "conectix", 8);
    put_be32(raw + 8, f->features);
    put_be32(raw + 12, f->version);
    put_be64(raw + 16, f->data_offset);
    put_be32(raw + 24, f->timestamp);
    memcpy(raw + 28, f->creator, 4);
    put_be32(raw + 32, f->creator_version);
    put_be32(raw + 36, f->creator_os);
    put_be64(raw + 40, f->original_size);
    put_be64(raw + 48, f->current_size);
    put_be16(raw + 56, f->cylinders);
    raw[58] = f->heads;
    raw[59] = f->sectors_per_track;
    put_be32(raw + 60, f->type);
    memcpy(raw + 68, f->uuid.bytes, 16);
    raw[84] = f->saved_state;
    raw[HIDDEN] = f->hidden;
    put_be32(raw + VHD_FOOTER_SUM,
             vhd_checksum(raw, VHD_FOOTER_SIZE, VHD_FOOTER_SUM));
}

static void locator_decode(const uint8_t *raw, struct vhd_locator *l)
{
    l->code = get_be32(raw);
    l->space = get_be32(raw + 4);
    l->length = get_be32(raw + 8);
    l->offset = get_be64(raw + 16);
}

static void locator_encode(const struct vhd_locator *l, uint8_t *raw)
{
    put_be32(raw, l->code);
    put_be32(raw + 4, l->space);
    put_be32(raw + 8, l->length);
    put_be64(raw + 16, l->offset);
}

enum vhd_state vhd_header_decode(const uint8_t raw[VHD_HEADER_SIZE],
                                 struct vhd_header *out)
{
    if (memcmp(raw, "cxsparse", 8))
        return VHD_ALIEN;
    out->data_offset = get_be64(raw + 8);
    out->table_offset = get_be64(raw + 16);
    out->version = get_be32(raw + 24);
    out->max_entries = get_be32(raw + 28);
    out->block_size = get_be32(raw + 32);
    out->checksum = get_be32(raw + VHD_HEADER_SUM);
    memcpy(out->parent_uuid.bytes, raw + 40, 16);
    out->parent_timestamp = get_be32(raw + 56);
    memcpy(out->parent_name, raw + 64, VHD_NAME_SIZE);
    for (int i = 0; i < VHD_LOCATORS; i++)
        locator_decode(raw + VHD_LOCATORS_AT + VHD_LOCATOR_SIZE * i,
                       &out->locators[i]);
    if (vhd_checksum(raw, VHD_HEADER_SIZE, VHD_HEADER_SUM) != out->checksum)
        return VHD_BAD_SUM;
    return VHD_INTACT;
}

void vhd_header_encode(const struct vhd_header *h, uint8_t raw[VHD_HEADER_SIZE])
{
    memset(raw, 0, VHD_HEADER_SIZE);
    memcpy(raw, "cxsparse", 8);
    put_be64(raw + 8, h->data_offset);
    put_be64(raw + 16, h->table_offset);
    put_be32(raw + 24, h->version);
    put_be32(raw + 28, h->max_entries);
    put_be32(raw + 32, h->block_size);
    memcpy(raw + 40, h->parent_uuid.bytes, 16);
    put_be32(raw + 56, h->parent_timestamp);
    memcpy(raw + 64, h->parent_name, VHD_NAME_SIZE);
    for (int i = 0; i < VHD_LOCATORS; i++)
        locator_encode(&h->locators[i],
                       raw + VHD_LOCATORS_AT + VHD_LOCATOR_SIZE * i);
    put_be32(raw + VHD_HEADER_SUM,
             vhd_checksum(raw, VHD_HEADER_SIZE, VHD_HEADER_SUM));
}

uint32_t vhd_bitmap_size(uint32_t block_size)
{
    return (uint32_t)round_up(div_up(block_size / 512, 8), 512);
}

uint64_t vhd_locator_space(const struct vhd_locator *l)
{
    if (l->space < 512)
        return (uint64_t)l->space * 512;
    return l->space % 512 ? 0 : l->space;
}

uint64_t vhd_geometry_size(const struct vhd_footer *f)
{
    if (f->cylinders == 65535 && f->heads == 16 && f->sectors_per_track == 255)
        return f->current_size;
    return (uint64_t)f->cylinders * f->heads * f->sectors_per_track * 512;
}

void vhd_geometry(uint64_t size, struct vhd_footer *f)
{
    uint64_t sectors = min_u64(size / 512, 65535 * 16 * 255);
    uint64_t track = 17, heads, tracks;

    if (sectors >= 65535 * 16 * 63) {
        track = 255;
        heads = 16;
        tracks = sectors / track;
    } else {
        tracks = sectors / track;
        heads = max_u64(4, (tracks + 1023) / 1024);
        if (tracks >= heads * 1024 || heads > 16) {
            track = 31;
            heads = 16;
            tracks = sectors / track;
        }
        if (tracks >= heads * 1024) {
            track = 63;
            heads = 16;
            tracks = sectors / track;
        }
    }
    f->cylinders = (uint16_t)(tracks / heads);
    f->heads = (uint8_t)heads;
    f->sectors_per_track = (uint8_t)track;
}
