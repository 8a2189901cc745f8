/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_new.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/utf16.h"
#include "image/vhd/vhd_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint32_t vhd_time(void)
{
    time_t now = time(NULL);

    return now > VHD_EPOCH ? (uint32_t)(now - VHD_EPOCH) : 0;
}

static int choose_uuid(struct uuid *out, const struct vhd_head *from,
                       const struct uuid *uuid, struct err *e)
{
    if (uuid)
        *out = *uuid;
    else if (from && !uuid_is_null(&from->footer.uuid))
        *out = from->footer.uuid;
    else
        return uuid_make(out, e);
    return 0;
}

int vhd_new_footer(struct vhd_footer *out, const struct image *img,
                   enum vhd_type type, uint64_t size, const struct uuid *uuid,
                   struct err *e)
{
    const struct vhd_head *from = img->vhd;
    struct vhd_footer f = {
        .features = 2,
        .version = VHD_VERSION,
        .data_offset = type == VHD_FIXED ? UINT64_MAX : VHD_FOOTER_SIZE,
        .creator = {'q', 'e', 'm', '2'},
        .creator_version = 0x00050003,
        .creator_os = 0x5769326B,
        .original_size = size,
        .current_size = size,
        .type = type,
        .timestamp = from ? from->footer.timestamp : vhd_time(),
    };

    if (size > VHD_SIZE_MAX)
        return err_set(e, ERR_NO_SPACE,
                       "%s: %" PRIu64
                       " bytes; a VHD holds at most 2040 GiB (%" PRIu64 ")",
                       img->name, size, VHD_SIZE_MAX);
    vhd_geometry(size, &f);
    TRY(choose_uuid(&f.uuid, from, uuid, e));
    *out = f;
    return 0;
}

/* --- the parent's names --------------------------------------------------- */

enum { TEXTS = 3 };

/* The path as a URL. blktap takes it as it stands, so only what no such reader
 * could follow anyway is quoted: bytes above ASCII, and '%' itself. */
static size_t put_url(const char *path, uint8_t *out)
{
    size_t n = strlen("file://./");

    memcpy(out, "file://./", n);
    for (const uint8_t *p = (const uint8_t *)path; *p; p++) {
        if (*p < 0x80 && *p != '%') {
            out[n++] = *p;
            continue;
        }
        (void)snprintf((char *)out + n, 4, "%%%02X", *p);
        n += 3;
    }
    return n;
}

/* ".\a\b" in UTF-16LE; 0 where the path is no UTF-8. */
static size_t put_windows(const char *path, uint8_t *out, size_t room)
{
    size_t len = 0;

    memcpy(out, ".\0\\", 4);
    if (!utf16_from_utf8(path, strlen(path), UTF16_LE, out + 4, room - 4, &len))
        return 0;
    len += 4;
    for (size_t i = 4; i < len; i += 2)
        if (out[i] == '/' && !out[i + 1])
            out[i] = '\\';
    return len;
}

static void add_locator(struct vhd_naming *n, struct vhd_header *h, int i,
                        uint32_t code, size_t len, uint64_t at)
{
    uint32_t space = (uint32_t)round_up(len, 512);

    h->locators[i] = (struct vhd_locator){
        .code = code,
        .space = space, /* bytes, as all but the specification have it */
        .length = (uint32_t)len,
        .offset = at + n->len,
    };
    n->len += space;
}

/* The file's own name, with room for a NUL; a longer one is cut. */
static void put_name(const char *path, struct vhd_header *h)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name), used;

    while (!utf16_from_utf8(name, len, UTF16_BE, h->parent_name,
                            VHD_NAME_SIZE - 2, &used))
        len--;
    memset(h->parent_name + used, 0, VHD_NAME_SIZE - used);
}

/* Room for each text: three bytes of URL a byte of path, and what begins it. */
static size_t text_room(const char *path)
{
    return round_up(3 * strlen(path) + 16, 512);
}

int vhd_naming_make(struct vhd_naming *out, const struct vhd_head *from,
                    const char *path, uint64_t at, struct vhd_header *h,
                    struct err *e)
{
    struct vhd_naming n = {0};
    size_t room, len;

    if (from) {
        h->parent_uuid = from->header.parent_uuid;
        h->parent_timestamp = from->header.parent_timestamp;
    }
    *out = n;
    if (!path || !*path || !utf8_is_sound(path, strlen(path)))
        return 0;
    room = text_room(path);
    TRY(mem_alloc_array(&n.raw, TEXTS, room, "the parent's names", e));
    put_name(path, h);
    len = put_url(path, n.raw);
    add_locator(&n, h, 0, VHD_CODE_MACX, len, at);
    len = put_windows(path, n.raw + n.len, room);
    memcpy(n.raw + n.len + round_up(len, 512), n.raw + n.len, len);
    add_locator(&n, h, 1, VHD_CODE_W2KU, len, at);
    add_locator(&n, h, 2, VHD_CODE_W2RU, len, at);
    *out = n;
    return 0;
}

void vhd_naming_free(struct vhd_naming *n)
{
    free(n->raw);
    *n = (struct vhd_naming){0};
}
