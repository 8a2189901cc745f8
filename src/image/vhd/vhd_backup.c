/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_backup.h"

#include "base/checked.h"
#include "base/mem.h"
#include "image/vhd/vhd_layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES = 32,
    LINE_MAX_LEN = 128,
    /* The greatest backup there can be is below it. */
    BACKUP_MAX = VHD_PATCHES * VHD_PATCH_MAX * 5,
};

static const char magic[] = "vhdstream backup 1\n";

/* FNV-1a, 64 bits: against cuts and accidents, not against forgers, who could
 * as well change the VHD. */
static uint64_t hash_more(uint64_t hash, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* --- writing --------------------------------------------------------------*/

struct writer {
    struct sink *s;
    uint64_t hash;
};

static int put_line(struct writer *w, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int put_line(struct writer *w, struct err *e, const char *fmt, ...)
{
    char line[LINE_MAX_LEN];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    w->hash = hash_more(w->hash, line, (size_t)len);
    return sink_write(w->s, line, (size_t)len, e);
}

static int put_bytes(struct writer *w, const char *what, const uint8_t *data,
                     uint32_t len, struct err *e)
{
    char text[2 * LINE_BYTES + 1];

    TRY(put_line(w, e, "%s\n", what));
    for (uint32_t at = 0; at < len; at += LINE_BYTES) {
        uint32_t now = (uint32_t)min_u64(LINE_BYTES, len - at);

        for (uint32_t i = 0; i < now; i++)
            (void)snprintf(text + (size_t)2 * i, 3, "%02x", data[at + i]);
        TRY(put_line(w, e, "%s\n", text));
    }
    return 0;
}

int vhd_backup_write(struct sink *s, const struct vhd_patches *p, struct err *e)
{
    struct writer w = {s, HASH_START};

    TRY(put_line(&w, e, "%s", magic));
    TRY(put_line(&w, e, "size %" PRIu64 " %" PRIu64 "\n", p->size,
                 vhd_patches_size(p)));
    for (int i = 0; i < p->count; i++) {
        const struct vhd_patch *patch = &p->list[i];

        TRY(put_line(&w, e, "range %" PRIu64 " %" PRIu32 " %" PRIu32 "\n",
                     patch->offset, patch->len, patch->old_len));
        TRY(put_bytes(&w, "old", patch->old, patch->old_len, e));
        TRY(put_bytes(&w, "new", patch->fresh, patch->len, e));
    }
    return put_line(&w, e, "sum %016" PRIx64 "\n", w.hash);
}

/* --- reading --------------------------------------------------------------*/

struct reader {
    const struct source *src;
    char *text; /* with a NUL */
    size_t len, at;
};

static int no_backup(const struct reader *r, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: no backup of a repair, or not whole (byte %zu)",
                   r->src->name, r->at);
}

/* The next line, its end replaced by a NUL; NULL where there is none. */
static char *next_line(struct reader *r)
{
    char *line = r->text + r->at;
    char *end = memchr(line, '\n', r->len - r->at);

    if (!end || end - line >= LINE_MAX_LEN)
        return NULL;
    *end = '\0';
    r->at += (size_t)(end - line) + 1;
    return line;
}

/* Takes a number off the front of a line, and the blank or end behind it. */
static bool take_number(char **line, uint64_t most, uint64_t *out)
{
    char *end;

    if (**line < '0' || **line > '9')
        return false;
    *out = strtoull(*line, &end, 10);
    if (*end && *end != ' ')
        return false;
    *line = *end ? end + 1 : end;
    return *out <= most;
}

static bool take_word(char **line, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*line, word, len))
        return false;
    *line += len;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_bytes(struct reader *r, const char *what, uint8_t *out,
                       uint64_t len)
{
    char *line = next_line(r);

    if (!line || strcmp(line, what))
        return false;
    for (uint64_t i = 0; i < len; i++) {
        int high, low;

        if (i % LINE_BYTES == 0 && !(line = next_line(r)))
            return false;
        high = hex_digit(*line);
        low = high < 0 ? -1 : hex_digit(line[1]);
        if (low < 0)
            return false;
        *out++ = (uint8_t)(high << 4 | low);
        line += 2;
    }
    return true;
}

static int read_range(struct reader *r, char *line, struct vhd_patches *p,
                      struct err *e)
{
    struct vhd_patch *patch = &p->list[p->count];
    uint64_t offset, len, old_len;

    if (p->count == VHD_PATCHES ||
        !take_number(&line, VHD_OFFSET_MAX, &offset) ||
        !take_number(&line, VHD_PATCH_MAX, &len) ||
        !take_number(&line, len, &old_len))
        return no_backup(r, e);
    p->count++;
    patch->offset = offset;
    patch->len = (uint32_t)len;
    patch->old_len = (uint32_t)old_len;
    TRY(mem_alloc(&patch->old, patch->len, "what was there", e));
    TRY(mem_alloc(&patch->fresh, patch->len, "what was written", e));
    if (!take_bytes(r, "old", patch->old, old_len) ||
        !take_bytes(r, "new", patch->fresh, len))
        return no_backup(r, e);
    return 0;
}

/* The last line has the sum of all before it. */
static bool sum_fits(const char *text, size_t len)
{
    char expected[32];
    size_t sum_len =
        (size_t)snprintf(expected, sizeof(expected), "sum %016x\n", 0);

    if (len < sum_len)
        return false;
    (void)snprintf(expected, sizeof(expected), "sum %016" PRIx64 "\n",
                   hash_more(HASH_START, text, len - sum_len));
    return !memcmp(text + len - sum_len, expected, sum_len);
}

static int parse(struct reader *r, struct vhd_patches *p, uint64_t *size_after,
                 struct err *e)
{
    char *line;

    if (!sum_fits(r->text, r->len) || r->len < sizeof(magic) ||
        memcmp(r->text, magic, sizeof(magic) - 1))
        return no_backup(r, e);
    r->at = sizeof(magic) - 1;
    line = next_line(r);
    if (!line || !take_word(&line, "size ") ||
        !take_number(&line, VHD_OFFSET_MAX, &p->size) ||
        !take_number(&line, VHD_OFFSET_MAX, size_after))
        return no_backup(r, e);
    while ((line = next_line(r)) && take_word(&line, "range "))
        TRY(read_range(r, line, p, e));
    return line && take_word(&line, "sum ") ? 0 : no_backup(r, e);
}

static int read_text(struct source *src, struct reader *r, struct err *e)
{
    int64_t got;

    if (src->size < 0 || src->size > BACKUP_MAX)
        return no_backup(r, e);
    TRY(mem_alloc(&r->text, (size_t)src->size + 1, "a backup", e));
    got = source_read_most(src, r->text, (size_t)src->size, e);
    TRY(got);
    r->len = (size_t)got;
    return 0;
}

int vhd_backup_read(struct source *src, struct vhd_patches *out,
                    uint64_t *size_after, struct err *e)
{
    CLEANUP(vhd_patches) struct vhd_patches p = {0};
    struct reader r = {.src = src};
    int result = read_text(src, &r, e);

    if (!result)
        result = parse(&r, &p, size_after, e);
    free(r.text);
    TRY(result);
    *out = p;
    p = (struct vhd_patches){0};
    return 0;
}
