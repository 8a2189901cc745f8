/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_inband.h"

#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { HEAD_LEN = 13 }; /* "HTTP/1.1 500 " */

static bool is_head(const uint8_t *p)
{
    return !memcmp(p, "HTTP/1.", 7) && isdigit(p[7]) && p[8] == ' ' &&
           (p[9] == '4' || p[9] == '5') && isdigit(p[10]) && isdigit(p[11]) &&
           (p[12] == ' ' || p[12] == '\r');
}

/* The text of the page behind the head at `p`, or of the head alone. */
static void read_page(const uint8_t *p, size_t len,
                      char note[XAPI_INBAND_NOTE_SIZE])
{
    char page[4096];
    const uint8_t *body = memmem(p, len, "\r\n\r\n", 4);
    size_t used = 0;

    if (body && body + 4 < p + len) {
        len -= (size_t)(body + 4 - p);
        p = body + 4;
    }
    for (size_t i = 0; i < len && used < sizeof(page) - 1; i++)
        page[used++] = p[i] < 0x80 && p[i] ? (char)p[i] : '?';
    page[used] = '\0';
    text_from_html(page);
    text_hide_refs(page);
    text_copy_cut(note, XAPI_INBAND_NOTE_SIZE, page);
}

size_t xapi_inband_find(const uint8_t *bytes, size_t len,
                        char note[XAPI_INBAND_NOTE_SIZE])
{
    if (len < HEAD_LEN)
        return len;
    for (size_t at = len - HEAD_LEN + 1; at-- > 0;) {
        if (!is_head(bytes + at))
            continue;
        read_page(bytes + at, len - at, note);
        return at;
    }
    return len;
}
