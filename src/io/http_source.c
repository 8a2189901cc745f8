/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "io/http_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REDIRECTS_MAX = 10,
    LINES_MAX = 8,   /* header lines of a request */
    ETAG_SIZE = 256, /* a longer one is taken for none */
    STEP = 2 << 20,  /* bytes between two breaks that count as progress */
};

struct http_source {
    struct source base;
    const struct http_config *cfg;
    struct http_config here; /* of the stream: without credentials after another
                                origin */
    struct http_source_options opt;
    char *url; /* where it began; may hold secrets */
    struct http_stream *stream;
    char etag[ETAG_SIZE]; /* strong; "": none */
    uint64_t at;          /* bytes received */
    uint64_t broke;       /* of them at the last break */
    bool fixed;           /* the server cannot give the rest alone */
};

static void http_source_close(struct source *s)
{
    struct http_source *h = (struct http_source *)s;

    http_stream_close(h->stream);
    mem_free_secret(h->url);
    free(h);
}

static void http_source_cleanup(struct http_source **h)
{
    if (*h)
        http_source_close(&(*h)->base);
}

/* --- one request, behind all redirects -------------------------------------*/

static bool is_redirect(const struct http_reply *reply)
{
    switch (reply->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return *reply->location;
    default:
        return false;
    }
}

/* A request on its way from host to host. */
struct errand {
    struct http_source *h;
    bool away;        /* after another origin */
    bool asked_again; /* with lines that are new */
    char *url;
    char name[NAME_SIZE];
    uint64_t from; /* byte */
};

static int open_stream(struct errand *x, bool refused, struct err *e)
{
    struct http_source *h = x->h;
    const char *const *more = NULL;
    const char *lines[LINES_MAX + 3];
    char range[64], match[ETAG_SIZE + 16];
    size_t n = 0;

    http_stream_cleanup(&h->stream);
    if (h->opt.lines && !x->away)
        TRY(h->opt.lines(h->opt.ctx, refused, &more, e));
    while (more && *more && n < LINES_MAX)
        lines[n++] = *more++;
    if (x->from) {
        (void)snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-",
                       x->from);
        lines[n++] = range;
    }
    if (x->from && *h->etag) {
        (void)snprintf(match, sizeof(match), "If-Match: %s", h->etag);
        lines[n++] = match;
    }
    lines[n] = NULL;
    return http_get_open(&h->stream, &h->here, x->url, x->name, lines, e);
}

/* Changes to where the answer points. */
static int follow(struct errand *x, struct err *e)
{
    const char *to = http_stream_reply(x->h->stream)->location;
    char *next = NULL;

    if (http_url_is_tls(x->url) && !http_url_is_tls(to))
        return err_set(e, ERR_FAILED,
                       "%s: redirected from https to http, which is refused",
                       x->name);
    if (!http_url_same_origin(x->url, to)) {
        x->h->here.user = x->h->here.password = NULL;
        x->away = true;
    }
    TRY(mem_copy_text(&next, to, e));
    mem_free_secret(x->url);
    x->url = next;
    return 0;
}

static void name_errand(struct errand *x)
{
    if (x->h->opt.name && !x->away)
        (void)snprintf(x->name, sizeof(x->name), "%s", x->h->opt.name);
    else
        http_url_redact(x->url, x->name, sizeof(x->name));
}

static int run_errand(struct errand *x, struct err *e)
{
    struct http_source *h = x->h;

    for (int hops = 0;; hops++) {
        const struct http_reply *reply;

        name_errand(x);
        TRY(open_stream(x, false, e));
        reply = http_stream_reply(h->stream);
        if (reply->status == 401 && h->opt.lines && !x->asked_again) {
            x->asked_again = true;
            TRY(open_stream(x, true, e));
            reply = http_stream_reply(h->stream);
        }
        if (!is_redirect(reply))
            return 0;
        if (hops == REDIRECTS_MAX)
            return err_set(e, ERR_FAILED, "%s: more than %d redirects", x->name,
                           REDIRECTS_MAX);
        TRY(follow(x, e));
    }
}

/* Opens h->stream from byte `from` on; any status is a success here. */
static int reach(struct http_source *h, uint64_t from, char name[NAME_SIZE],
                 struct err *e)
{
    struct errand x = {.h = h, .from = from};
    int code = mem_copy_text(&x.url, h->url, e);

    http_stream_cleanup(&h->stream);
    h->here = *h->cfg;
    if (code >= 0)
        code = run_errand(&x, e);
    (void)snprintf(name, NAME_SIZE, "%s", x.name);
    mem_free_secret(x.url);
    return code;
}

/* --- the rest after a break ------------------------------------------------*/

static bool can_go_on(const struct http_source *h)
{
    return h->cfg->retry && h->at && !h->fixed && (h->opt.steady || *h->etag);
}

/* Whether "bytes FROM-LAST/TOTAL" is what was asked for. */
static bool is_the_rest(const struct http_source *h)
{
    char text[128];
    uint64_t from, last, total;

    if (http_stream_reply(h->stream)->status != 206 ||
        !http_stream_header(h->stream, "Content-Range", text, sizeof(text)) ||
        sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &last,
               &total) != 3)
        return false;
    return from == h->at && last + 1 == total &&
           (h->base.size < 0 || total == (uint64_t)h->base.size);
}

/* 1: the stream goes on at h->at; 0: the server has not the rest alone. */
static int ask_for_rest(struct http_source *h, struct err *e)
{
    const struct http_reply *reply;
    char name[NAME_SIZE];

    TRY(reach(h, h->at, name, e));
    if (is_the_rest(h))
        return 1;
    reply = http_stream_reply(h->stream);
    if (reply->status == 412)
        return err_set(e, ERR_FAILED,
                       "%s: has changed on the server since the download began",
                       name);
    if (reply->status / 100 == 2 || reply->status == 416)
        return 0;
    TRY(http_reply_check(reply, name, e));
    return 0;
}

/* After a break, *e: 1 when the rest comes now, else a failure that stays. */
static int go_on(struct http_source *h, struct err *e)
{
    const struct err broken = *e;
    int there;

    if (h->at - h->broke >= STEP)
        retry_progress(h->cfg->retry);
    h->broke = h->at;
    do {
        TRY(retry_pause(h->cfg->retry, e));
        there = ask_for_rest(h, e);
    } while (there == ERR_TEMPORARY);
    if (there)
        return there;
    h->fixed = true;
    *e = broken;
    return broken.code;
}

static int64_t http_source_read(struct source *s, void *buf, size_t len,
                                struct err *e)
{
    struct http_source *h = (struct http_source *)s;
    struct err local = {0};
    int64_t got;

    e = e ? e : &local;
    while ((got = http_stream_read(h->stream, buf, len, e)) == ERR_TEMPORARY) {
        if (!can_go_on(h))
            return got;
        TRY(go_on(h, e));
    }
    if (got > 0)
        h->at += (uint64_t)got;
    return got;
}

static const struct source_ops http_source_ops = {
    .read = http_source_read,
    .close = http_source_close,
};

/* --- opening ---------------------------------------------------------------*/

/* A weak one does not promise the same bytes. */
static void note_etag(struct http_source *h)
{
    if (!http_stream_header(h->stream, "ETag", h->etag, sizeof(h->etag)) ||
        h->etag[0] != '"')
        h->etag[0] = '\0';
}

int source_open_http_with(struct source **out, const struct http_config *cfg,
                          const char *url,
                          const struct http_source_options *opt, struct err *e)
{
    CLEANUP(http_source) struct http_source *h = NULL;
    const struct http_reply *reply;
    char name[NAME_SIZE];

    TRY(mem_alloc(&h, sizeof(*h), "an HTTP source", e));
    h->cfg = cfg;
    h->opt = *opt;
    TRY(mem_copy_text(&h->url, url, e));
    TRY(reach(h, 0, name, e));
    reply = http_stream_reply(h->stream);
    TRY(http_reply_check(reply, name, e));
    if (reply->status != 200)
        return err_set(e, ERR_FAILED, "%s: the server answered %d, not 200",
                       name, reply->status);
    source_init(&h->base, &http_source_ops, name, reply->length);
    h->opt.name = opt->name ? h->base.name : NULL;
    note_etag(h);
    *out = &h->base;
    h = NULL;
    return 0;
}

int source_open_http(struct source **out, const struct http_config *cfg,
                     const char *url, struct err *e)
{
    static const struct http_source_options plain = {0};

    return source_open_http_with(out, cfg, url, &plain, e);
}
