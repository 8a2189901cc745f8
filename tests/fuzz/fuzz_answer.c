/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* What a server writes for people, in an answer or into the disk that it sends:
 * one line comes of it, with no reference of a session. */

#include "base/text.h"
#include "fuzzing.h"
#include "io/http_inner.h"
#include "xapi/xapi_inband.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char secret[] = "hunter2hunter2";

/* The longest run that may stand behind "OpaqueRef:". */
static void check_refs(const char *text)
{
    static const char prefix[] = "OpaqueRef:";

    for (const char *p = strstr(text, prefix); p; p = strstr(p, prefix)) {
        size_t len = 0;

        p += sizeof(prefix) - 1;
        while (isalnum((unsigned char)p[len]) || p[len] == '-')
            len++;
        demand(len <= 3 || !strncmp(p, "NULL", 4));
    }
}

static void check_line(const char *text, size_t size)
{
    demand(strnlen(text, size) < size);
    demand(!strchr(text, '\n') && !strchr(text, '\r') && !strchr(text, '\t'));
    demand(!strstr(text, "  "));
}

static void find_answer(const uint8_t *data, size_t len)
{
    char note[XAPI_INBAND_NOTE_SIZE];
    size_t at;

    memset(note, 'x', sizeof(note));
    at = xapi_inband_find(data, len, note);
    demand(at <= len);
    if (at == len)
        return;
    demand(!memcmp(data + at, "HTTP/1.", 7));
    check_line(note, sizeof(note));
    check_refs(note);
}

static void read_note(const uint8_t *data, size_t len)
{
    struct http_reply *reply = calloc(1, sizeof(*reply));
    struct http_note *n = calloc(1, sizeof(*n));
    struct err e = {0};

    demand(reply && n);
    reply->status = 200;
    http_note_add(n, (const char *)data, len / 2);
    http_note_add(n, (const char *)data + len / 2, len - len / 2);
    demand(n->total == len && n->len <= sizeof(n->raw));
    http_note_finish(n, reply);
    check_line(reply->note, sizeof(reply->note));
    for (const char *p = reply->note; *p; p++)
        demand(*p >= 0x20 && *p < 0x7f);
    demand(!http_reply_check(reply, "x", &e) == !reply->late_status);
    free(reply);
    free(n);
}

/* The helpers, each on all of it. */
static void change_text(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1), *out = malloc(len + 1);
    char little[20];

    demand(text && out);
    memcpy(text, data, len);
    text[len] = '\0';
    if (text_decode(out, len + 1, text, strlen(text))) {
        demand(text_is_utf8(out, strlen(out)));
        for (const char *p = out; *p; p++)
            demand((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
    text_copy_cut(little, sizeof(little), text);
    demand(strlen(little) < sizeof(little));
    demand(!text_is_utf8(text, strlen(text)) ||
           text_is_utf8(little, strlen(little)));
    text_hide(text, secret);
    demand(!strstr(text, secret));
    text_hide_refs(text);
    check_refs(text);
    text_from_html(text);
    demand(strlen(text) <= len && !strstr(text, "  "));
    free(text);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    find_answer(data, len);
    read_note(data, len);
    change_text(data, len);
    return 0;
}
