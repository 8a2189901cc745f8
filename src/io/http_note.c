/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/checked.h"
#include "io/http_inner.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void http_note_add(struct http_note *n, const char *data, size_t len)
{
    size_t room = sizeof(n->raw) - n->len;
    size_t take = (size_t)min_u64(len, room);

    memcpy(n->raw + n->len, data, take);
    n->len += take;
    n->total += len;
}

bool http_note_is_head(const struct http_note *n)
{
    return n->len >= 7 && !memcmp(n->raw, "HTTP/1.", 7);
}

/* The text of a body as one line, written from left to right. */
struct line {
    char *out;
    size_t len, size;
    bool gap; /* white space is due before the next character */
};

static void put(struct line *l, char c)
{
    if (isspace((unsigned char)c)) {
        l->gap = l->len > 0;
        return;
    }
    if (l->gap && l->len + 1 < l->size)
        l->out[l->len++] = ' ';
    l->gap = false;
    if (l->len + 1 < l->size)
        l->out[l->len++] = c >= 0x20 && c < 0x7f ? c : '?';
}

/* The character that stands at `p` as an entity, and the entity's length. */
static char entity(const char *p, size_t len, size_t *used)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"&lt;", '<'},   {"&gt;", '>'},   {"&amp;", '&'},
                 {"&quot;", '"'}, {"&#39;", '\''}, {"&apos;", '\''},
                 {"&nbsp;", ' '}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].name);

        if (len >= n && !memcmp(p, known[i].name, n)) {
            *used = n;
            return known[i].c;
        }
    }
    *used = 1;
    return *p;
}

/* Length of the tag that begins at `p`, 0 when it is none. */
static size_t tag_len(const char *p, size_t len)
{
    const char *end;

    if (len < 2 || !p[1] ||
        (!isalpha((unsigned char)p[1]) && !strchr("/!?", p[1])))
        return 0;
    end = memchr(p, '>', len);
    return end ? (size_t)(end - p) + 1 : len;
}

static void put_text(struct line *l, const char *p, size_t len)
{
    while (len) {
        size_t used = *p == '<' ? tag_len(p, len) : 0;

        if (used)
            put(l, ' ');
        else
            put(l, entity(p, len, &used));
        p += used;
        len -= used;
    }
}

/* Length of the first line with its end. */
static size_t line_len(const char *p, size_t len)
{
    const char *end = memchr(p, '\n', len);

    return end ? (size_t)(end - p) + 1 : len;
}

/* Length of a head: up to and with its empty line. */
static size_t head_len(const char *p, size_t len)
{
    size_t at = 0;

    while (at < len) {
        size_t n = line_len(p + at, len - at);
        bool blank = p[at] == '\n' || p[at] == '\r';

        at += n;
        if (blank)
            break;
    }
    return at;
}

/* The number in "HTTP/1.1 500 ..."; 0 when it is none. */
static int late_status(const char *p, size_t len)
{
    int status = 0;

    if (len < 12)
        return 0;
    for (size_t i = 9; i < 12; i++) {
        if (!isdigit((unsigned char)p[i]))
            return 0;
        status = status * 10 + (p[i] - '0');
    }
    return status;
}

void http_note_finish(const struct http_note *n, struct http_reply *reply)
{
    struct line l = {.out = reply->note, .size = sizeof(reply->note)};
    size_t at = 0;

    if (http_note_is_head(n)) {
        size_t first = line_len(n->raw, n->len);

        reply->late_status = late_status(n->raw, n->len);
        put_text(&l, n->raw, first);
        put(&l, ' ');
        at = head_len(n->raw, n->len);
    }
    put_text(&l, n->raw + at, n->len - at);
    reply->note[l.len] = '\0';
}

int http_status_code(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return ERR_AUTH;
    case 404:
    case 410:
        return ERR_NOT_FOUND;
    case 413:
    case 507:
        return ERR_NO_SPACE;
    case 408:
    case 429:
        return ERR_TEMPORARY;
    case 501:
    case 505:
        return ERR_FAILED;
    default:
        return status >= 500 && status < 600 ? ERR_TEMPORARY : ERR_FAILED;
    }
}

int http_reply_check(const struct http_reply *reply, const char *name,
                     struct err *e)
{
    const char *colon = *reply->note ? ": " : "";
    char place[NAME_SIZE];

    if (reply->late_status)
        return err_set(e, http_status_code(reply->late_status),
                       "%s: the server failed after it had answered %d%s%s",
                       name, reply->status, colon, reply->note);
    if (reply->status >= 200 && reply->status < 300)
        return 0;
    if (*reply->location) {
        http_url_redact(reply->location, place, sizeof(place));
        return err_set(e, ERR_FAILED,
                       "%s: the server answered %d, which points to %s", name,
                       reply->status, place);
    }
    return err_set(e, http_status_code(reply->status),
                   "%s: the server answered %d%s%s", name, reply->status, colon,
                   reply->note);
}
