/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_export.h"

#include "base/checked.h"
#include "base/mem.h"
#include "xapi/xapi_inband.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD = 4096,        /* XAPI's second answer fits into it */
    BUFFER = 64 * 1024, /* for reads that are smaller than it */
    FOOTER = 512,       /* the last bytes of a VHD */
};

struct export
{
    struct source base;
    struct xapi_transfer t;
    enum xapi_format format;
    uint64_t disk_size;
    uint64_t received; /* bytes of the body */
    bool whole;        /* the server's word was good: nothing is held back */
    size_t start, end; /* of the bytes in buffer that were not handed out */
    uint8_t buffer[BUFFER];
};

/* --- the end of the body ---------------------------------------------------*/

/* Bytes of the body that are in front of an answer put into it; its text in
 * `note`. All of them: there is none. */
static uint64_t find_answer(const struct export *x,
                            char note[XAPI_INBAND_NOTE_SIZE])
{
    size_t held = x->end - x->start;

    return x->received - held +
           xapi_inband_find(x->buffer + x->start, held, note);
}

static bool ends_as_vhd(const struct export *x)
{
    return x->end - x->start >= FOOTER &&
           !memcmp(x->buffer + x->end - FOOTER, "conectix", 8);
}

static int not_as_promised(const struct export *x, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: the server's task says success, but it sent %" PRIu64
                   " bytes of a disk of %" PRIu64,
                   x->base.name, x->received, x->disk_size);
}

static int says_otherwise(const struct export *x, uint64_t data,
                          const char *note, struct err *e)
{
    return err_set(e, ERR_FAILED,
                   "%s: the server's task says success, but its answer broke "
                   "off after %" PRIu64 " bytes with: %s",
                   x->base.name, data, note);
}

/* The task says success: what was sent has to agree with it. The content of a
 * raw disk may look like anything, so its length alone counts. */
static int accept_body(struct export *x, struct err *e)
{
    char note[XAPI_INBAND_NOTE_SIZE];
    uint64_t data;

    if (x->format == XAPI_RAW && x->received == x->disk_size) {
        x->whole = true;
        return 0;
    }
    if (x->format == XAPI_VHD && ends_as_vhd(x)) {
        x->whole = true;
        return 0;
    }
    data = find_answer(x, note);
    if (data < x->received)
        return says_otherwise(x, data, note, e);
    if (x->format == XAPI_RAW)
        return not_as_promised(x, e);
    x->whole = true; /* the decoder will say where it was cut */
    return 0;
}

static void add_hint(const struct export *x, struct err *e)
{
    const struct xapi_fault *fault = &x->t.verdict.fault;

    if (xapi_fault_is(fault, "VDI_IN_USE") ||
        xapi_fault_is(fault, "SR_BACKEND_FAILURE_24") ||
        xapi_fault_is(fault, "SR_BACKEND_FAILURE_46"))
        (void)err_append(e, "; a disk in use is copied with --snapshot");
}

static int refuse_body(struct export *x, struct err *e)
{
    char text[XAPI_VERDICT_TEXT_SIZE];
    char note[XAPI_INBAND_NOTE_SIZE];
    uint64_t data = find_answer(x, note);
    bool told = data < x->received;

    xapi_verdict_text(x->t.x, &x->t.verdict, text);
    (void)err_set(e, xapi_transfer_blame(&x->t, told),
                  "%s: the %s after %" PRIu64 " bytes%s; %s", x->base.name,
                  told ? "export broke off" : "connection ended", data,
                  told ? "" : " without a word of the server", text);
    xapi_verdict_say(x->t.x, &x->t.verdict, e);
    add_hint(x, e);
    return e->code;
}

static int judge(struct export *x, struct err *e)
{
    TRY(xapi_transfer_settle(&x->t, e));
    if (x->t.verdict.status == XAPI_SUCCESS)
        return accept_body(x, e);
    return refuse_body(x, e);
}

/* --- reading ---------------------------------------------------------------*/

static int64_t receive(struct export *x, void *buf, size_t len, struct err *e)
{
    int64_t got = http_stream_read(x->t.stream, buf, len, e);

    if (got < 0)
        return xapi_transfer_explain(&x->t, e);
    x->received += (uint64_t)got;
    return got;
}

/* Bytes of the buffer that may be handed out. */
static size_t ready(const struct export *x)
{
    size_t have = x->end - x->start;

    if (x->whole)
        return have;
    return have > HELD ? have - HELD : 0;
}

static size_t hand_out(struct export *x, void *buf, size_t len)
{
    size_t now = (size_t)min_u64(len, ready(x));

    memcpy(buf, x->buffer + x->start, now);
    x->start += now;
    return now;
}

static int refill(struct export *x, struct err *e)
{
    int64_t got;

    memmove(x->buffer, x->buffer + x->start, x->end - x->start);
    x->end -= x->start;
    x->start = 0;
    got = receive(x, x->buffer + x->end, BUFFER - x->end, e);
    TRY(got);
    x->end += (size_t)got;
    return got ? 0 : judge(x, e);
}

/* A large read goes past the buffer: only what is held back is copied. The
 * count handed out, which may be 0 before the end. */
static int64_t read_past(struct export *x, uint8_t *buf, size_t len,
                         struct err *e)
{
    size_t have = x->end - x->start;
    int64_t got = receive(x, buf + have, len - have, e);
    size_t keep;

    TRY(got);
    if (!got) {
        TRY(judge(x, e));
        return 0;
    }
    memcpy(buf, x->buffer + x->start, have);
    have += (size_t)got;
    keep = (size_t)min_u64(have, HELD);
    memcpy(x->buffer, buf + have - keep, keep);
    x->start = 0;
    x->end = keep;
    return (int64_t)(have - keep);
}

static int64_t export_read(struct source *s, void *buf, size_t len,
                           struct err *e)
{
    struct export *x = (struct export *)s;

    for (;;) {
        size_t now = hand_out(x, buf, len);

        if (now || x->whole)
            return (int64_t)now;
        if (len >= BUFFER) {
            int64_t got = read_past(x, buf, len, e);

            if (got)
                return got;
        } else {
            TRY(refill(x, e));
        }
    }
}

static void export_close(struct source *s)
{
    struct export *x = (struct export *)s;

    xapi_transfer_end(&x->t);
    free(x);
}

static const struct source_ops export_ops = {
    .read = export_read,
    .close = export_close,
};

/* --- opening ---------------------------------------------------------------*/

static int check_request(const struct xapi *x, enum xapi_format format,
                         const char *base, struct err *e)
{
    if (format == XAPI_CHUNKED || (base && format != XAPI_VHD))
        return err_set(e, ERR_USAGE,
                       "%s: XAPI exports as raw or as VHD, and differences as "
                       "VHD only",
                       xapi_name(x));
    if (base && !xapi_ref_is(base))
        return err_set(e, ERR_USAGE, "%s: the base is no ref and no uuid",
                       xapi_name(x));
    return 0;
}

int xapi_export_open(struct source **out, struct xapi *x,
                     const struct xapi_vdi *vdi, enum xapi_format format,
                     const char *base, struct err *e)
{
    struct xapi_request req = {.format = format, .base = base};
    struct export *ex = NULL;
    int code;

    TRY(check_request(x, format, base, e));
    TRY(mem_alloc(&ex, sizeof(*ex), "an export", e));
    code = xapi_transfer_open(&ex->t, x, vdi, &req, e);
    if (code < 0) {
        free(ex);
        return code;
    }
    ex->format = format;
    ex->disk_size = vdi->size;
    source_init(&ex->base, &export_ops, xapi_name(x),
                format == XAPI_RAW ? (int64_t)vdi->size : -1);
    *out = &ex->base;
    return 0;
}
