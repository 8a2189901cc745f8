/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_parent.h"

#include "base/mem.h"
#include "base/utf16.h"

#include <stdlib.h>
#include <string.h>

/* How a locator's text is written. */
enum writing { WRITTEN_UTF16, WRITTEN_8_BIT, WRITTEN_URL };

struct platform {
    uint32_t code;
    enum writing writing;
};

/* In the order in which they are tried. */
static const struct platform platforms[] = {
    {VHD_CODE_W2RU, WRITTEN_UTF16},
    {VHD_CODE_WI2R, WRITTEN_8_BIT},
    {VHD_CODE_MACX, WRITTEN_URL},
    {0x4D163258, WRITTEN_URL}, /* MacX as VirtualBox spells it */
    {VHD_CODE_W2KU, WRITTEN_UTF16},
    {VHD_CODE_WI2K, WRITTEN_8_BIT},
};

enum { NPLATFORMS = sizeof(platforms) / sizeof(platforms[0]) };

/* --- texts ---------------------------------------------------------------- */

/* Neither a path nor a terminal has a use for control characters, U+0080 to
 * U+009F among them. */
static bool has_controls(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;

    for (size_t i = 0; i < len; i++) {
        if (p[i] < 0x20 || p[i] == 0x7F)
            return true;
        if (p[i] == 0xC2 && i + 1 < len && p[i + 1] < 0xA0)
            return true;
    }
    return false;
}

static void turn_slashes(char *text)
{
    for (; *text; text++)
        if (*text == '\\')
            *text = '/';
}

/* Hands `text` out when it is a path, else frees it. */
static char *keep_path(char *text, size_t len, bool sound)
{
    if (sound && len && !has_controls(text, len))
        return text;
    free(text);
    return NULL;
}

static size_t without_nuls(const uint8_t *raw, size_t len, size_t unit)
{
    while (len >= unit && !raw[len - 1] && !raw[len - unit])
        len -= unit;
    return len;
}

static int read_utf16(const uint8_t *raw, size_t len, enum utf16_order order,
                      char **out, struct err *e)
{
    char *text = NULL;
    bool sound;

    TRY(mem_alloc(&text, utf16_utf8_room(len), "a parent's name", e));
    len = utf16_to_utf8(raw, len, order, text, &sound);
    *out = keep_path(text, len, sound);
    return 0;
}

/* Windows wrote its code page; Latin-1 is the nearest there is. */
static int read_8_bit(const uint8_t *raw, size_t len, char **out, struct err *e)
{
    char *text = NULL;
    size_t n = 0;

    len = without_nuls(raw, len, 1);
    TRY(mem_alloc(&text, 2 * len + 1, "a parent's name", e));
    for (size_t i = 0; i < len; i++) {
        if (raw[i] < 0x80) {
            text[n++] = (char)raw[i];
            continue;
        }
        text[n++] = (char)(0xC0 | raw[i] >> 6);
        text[n++] = (char)(0x80 | (raw[i] & 0x3F));
    }
    *out = keep_path(text, n, true);
    return 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes raw with its %XX as bytes; what is no such pair stays. */
static size_t unquote(const uint8_t *raw, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int high = i + 2 < len && raw[i] == '%' ? hex_digit(raw[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(raw[i + 2]) : -1;

        if (low < 0) {
            out[n++] = (char)raw[i];
            continue;
        }
        out[n++] = (char)(high << 4 | low);
        i += 2;
    }
    out[n] = '\0';
    return n;
}

/* Takes `start` off the front of a text; false where it does not begin so. */
static bool take_off(const uint8_t **raw, size_t *len, const char *start)
{
    size_t n = strlen(start);

    if (*len < n || memcmp(*raw, start, n))
        return false;
    *raw += n;
    *len -= n;
    return true;
}

static int read_url(const uint8_t *raw, size_t len, char **out, struct err *e)
{
    char *text = NULL;

    *out = NULL;
    len = without_nuls(raw, len, 1);
    if (!take_off(&raw, &len, "file://"))
        return 0;
    if (len > 10 && !memcmp(raw, "localhost/", 10))
        (void)take_off(&raw, &len, "localhost");
    TRY(mem_alloc(&text, len + 1, "a parent's name", e));
    len = unquote(raw, len, text);
    *out = keep_path(text, len, utf8_is_sound(text, len));
    return 0;
}

int vhd_parent_text(uint32_t code, const uint8_t *raw, size_t len, char **out,
                    struct err *e)
{
    const struct platform *p = platforms;

    *out = NULL;
    while (p < platforms + NPLATFORMS && p->code != code)
        p++;
    if (p == platforms + NPLATFORMS)
        return 0;
    if (p->writing == WRITTEN_URL)
        return read_url(raw, len, out, e);
    if (p->writing == WRITTEN_UTF16)
        TRY(read_utf16(raw, without_nuls(raw, len, 2), UTF16_LE, out, e));
    else
        TRY(read_8_bit(raw, len, out, e));
    if (*out)
        turn_slashes(*out);
    return 0;
}

int vhd_parent_name(const struct vhd_header *d, char **out, struct err *e)
{
    TRY(read_utf16(d->parent_name, utf16_len(d->parent_name, VHD_NAME_SIZE),
                   UTF16_BE, out, e));
    if (*out)
        turn_slashes(*out);
    return 0;
}

/* --- paths ---------------------------------------------------------------- */

/* Calls fn for each part between slashes until it returns true. */
static bool any_part(const char *path,
                     bool (*fn)(void *ctx, const char *part, size_t len),
                     void *ctx)
{
    for (;;) {
        size_t len = strcspn(path, "/");

        if (fn(ctx, path, len))
            return true;
        if (!path[len])
            return false;
        path += len + 1;
    }
}

static bool climbs(void *ctx, const char *part, size_t len)
{
    (void)ctx;
    return len == 2 && part[0] == '.' && part[1] == '.';
}

bool vhd_parent_is_inside(const char *path)
{
    return path[0] && path[0] != '/' && path[1] != ':' &&
           !any_part(path, climbs, NULL);
}

/* Appends a part that names something to the path in ctx. */
static bool append_part(void *ctx, const char *part, size_t len)
{
    char *path = ctx;
    size_t have = strlen(path);

    if (!len || (len == 1 && part[0] == '.'))
        return false;
    if (have)
        path[have++] = '/';
    memcpy(path + have, part, len);
    path[have + len] = '\0';
    return false;
}

/* Adds a path below the folder, in its shortest form, unless it is there. */
static int add_inside(struct vhd_parent *p, const char *text, struct err *e)
{
    char *path = NULL;

    if (strlen(text) >= VHD_PARENT_PATH_MAX)
        return 0;
    TRY(mem_alloc(&path, strlen(text) + 1, "a parent's name", e));
    (void)any_part(text, append_part, path);
    for (unsigned i = 0; i < p->ninside; i++)
        if (!strcmp(p->inside[i], path))
            path[0] = '\0';
    if (!path[0]) {
        free(path);
        return 0;
    }
    p->inside[p->ninside++] = path;
    return 0;
}

/* Takes `text` over. */
static int add_text(struct vhd_parent *p, char *text, struct err *e)
{
    int result = 0;

    if (!text)
        return 0;
    if (!vhd_parent_is_inside(text)) {
        p->outside[p->noutside++] = text;
        return 0;
    }
    result = add_inside(p, text, e);
    free(text);
    return result;
}

static int add_bare_names(struct vhd_parent *p, struct err *e)
{
    for (unsigned i = 0; i < p->noutside; i++) {
        const char *slash = strrchr(p->outside[i], '/');
        const char *bare = slash ? slash + 1 : p->outside[i];

        if (vhd_parent_is_inside(bare))
            TRY(add_inside(p, bare, e));
    }
    return 0;
}

/* --- from the file -------------------------------------------------------- */

static int read_locator(struct source *src, const struct vhd_head *head,
                        const struct vhd_locator *l, struct vhd_parent *p,
                        struct err *e)
{
    FREE uint8_t *raw = NULL;
    char *text;

    if (!l->length || l->length > VHD_LOCATOR_MAX ||
        l->length > vhd_locator_space(l) || l->offset > head->limit ||
        l->length > head->limit - l->offset)
        return 0;
    TRY(mem_alloc(&raw, l->length, "a parent locator", e));
    TRY(source_pread_full(src, raw, l->length, l->offset,
                          "the text of a parent locator", e));
    TRY(vhd_parent_text(l->code, raw, l->length, &text, e));
    return add_text(p, text, e);
}

static int read_all(struct source *src, const struct vhd_head *head,
                    struct vhd_parent *p, struct err *e)
{
    const struct vhd_header *d = &head->header;
    char *name;

    for (int i = 0; src && i < NPLATFORMS; i++)
        for (int l = 0; l < VHD_LOCATORS; l++)
            if (d->locators[l].code == platforms[i].code)
                TRY(read_locator(src, head, &d->locators[l], p, e));
    TRY(vhd_parent_name(d, &name, e));
    TRY(add_text(p, name, e));
    return uuid_is_null(&d->parent_uuid) ? 0 : add_bare_names(p, e);
}

int vhd_parent_read(struct source *src, const struct vhd_head *head,
                    struct vhd_parent *out, struct err *e)
{
    struct vhd_parent p = {0};
    int result = read_all(src, head, &p, e);

    if (result < 0) {
        vhd_parent_free(&p);
        return result;
    }
    *out = p;
    return 0;
}

void vhd_parent_free(struct vhd_parent *p)
{
    for (unsigned i = 0; i < p->ninside; i++)
        free(p->inside[i]);
    for (unsigned i = 0; i < p->noutside; i++)
        free(p->outside[i]);
    *p = (struct vhd_parent){0};
}

void vhd_parent_cleanup(struct vhd_parent *p)
{
    vhd_parent_free(p);
}
