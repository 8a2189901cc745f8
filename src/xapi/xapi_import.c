/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_import.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

struct import {
    struct sink base;
    struct xapi_transfer t;
    struct xapi_disk *disk;
    struct xapi_import how;
    bool failed; /* our own word: whatever the task says, it is no success */
};

static bool is_open(const struct import *im)
{
    return im->how.length == XAPI_LENGTH_OPEN;
}

/* --- writing ---------------------------------------------------------------*/

static int failed_already(const struct import *im, struct err *e)
{
    return err_set(e, ERR_FAILED, "%s: the transfer has failed already",
                   im->base.name);
}

static int check_room(const struct import *im, size_t len, struct err *e)
{
    if (im->failed)
        return failed_already(im, e);
    if (len <= im->how.length - im->base.pos)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: more is written than the %" PRIu64 " bytes promised",
                   im->base.name, im->how.length);
}

static int import_write(struct sink *s, const void *buf, size_t len,
                        struct err *e)
{
    struct import *im = (struct import *)s;
    int code = check_room(im, len, e);

    if (code < 0) {
        im->failed = true;
        return code;
    }
    im->disk->touched = true;
    if (!http_stream_write(im->t.stream, buf, len, e))
        return 0;
    im->failed = true;
    return xapi_transfer_explain(&im->t, e);
}

/* --- the verdict -----------------------------------------------------------*/

static int check_all_written(const struct import *im, struct err *e)
{
    if (im->failed)
        return failed_already(im, e);
    if (im->base.pos == im->how.length || is_open(im))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: %" PRIu64 " bytes were written of the %" PRIu64
                   " promised",
                   im->base.name, im->base.pos, im->how.length);
}

/* The answer ends when the disk is detached, so that takes as long. */
static int end_stream(struct import *im, struct err *e)
{
    unsigned settle_s = xapi_settle_s(im->t.x);

    if (!is_open(im))
        TRY(http_stream_flush(im->t.stream, e));
    if (im->t.wait.timeout_s && im->t.wait.timeout_s < settle_s)
        im->t.wait.timeout_s = settle_s;
    return http_stream_finish(im->t.stream, e);
}

static int refuse(const struct import *im, bool told, struct err *e)
{
    char text[XAPI_VERDICT_TEXT_SIZE];

    xapi_verdict_text(im->t.x, &im->t.verdict, text);
    (void)err_set(e, xapi_transfer_blame(&im->t, told),
                  "%s: all %" PRIu64 " bytes were sent%s; %s", im->base.name,
                  im->base.pos,
                  told ? "" : ", but the server has not confirmed them", text);
    xapi_verdict_say(im->t.x, &im->t.verdict, e);
    return xapi_transfer_blame(&im->t, told);
}

/* The stream ended well; now the task, and what came in the answer. */
static int judge(struct import *im, struct err *e)
{
    const struct http_reply *reply = http_stream_reply(im->t.stream);
    bool told = reply->late_status || *reply->note;
    char note[HTTP_NOTE_SIZE];

    TRY(xapi_transfer_settle(&im->t, e));
    if (im->t.verdict.status != XAPI_SUCCESS)
        return refuse(im, told, e);
    if (!told)
        return 0;
    text_copy_cut(note, sizeof(note), reply->note);
    text_hide_refs(note);
    return err_set(e, ERR_FAILED,
                   "%s: all %" PRIu64 " bytes were sent; the server's task "
                   "says success, but its answer: %s",
                   im->base.name, im->base.pos, note);
}

static int import_finish(struct sink *s, struct err *e)
{
    struct import *im = (struct import *)s;

    TRY(check_all_written(im, e));
    im->failed = true;
    if (end_stream(im, e) < 0)
        return xapi_transfer_explain(&im->t, e);
    TRY(judge(im, e));
    im->failed = false;
    xapi_transfer_end(&im->t);
    return 0;
}

static void import_close(struct sink *s, struct err *why)
{
    struct import *im = (struct import *)s;

    (void)why;
    xapi_transfer_end(&im->t);
    free(im);
}

static const struct sink_ops import_ops = {
    .write = import_write,
    .finish = import_finish,
    .close = import_close,
};

/* --- opening ---------------------------------------------------------------*/

const char *xapi_import_task(const struct sink *s)
{
    return ((const struct import *)s)->t.task.ref;
}

int xapi_import_break(struct sink *s, uint64_t *sure, struct err *e)
{
    struct import *im = (struct import *)s;
    uint64_t certain = s->pos > XAPI_ON_THE_WAY ? s->pos - XAPI_ON_THE_WAY : 0;

    im->failed = true;
    TRY(xapi_transfer_break(&im->t, e));
    if (!is_open(im) && im->t.reached >= 0)
        certain = min_u64(certain,
                          (uint64_t)(im->t.reached * (double)im->how.length));
    *sure = certain;
    return 0;
}

int xapi_import_open(struct sink **out, struct xapi_disk *disk,
                     const struct xapi_import *how, struct err *e)
{
    struct xapi_request req = {
        .import = true, .format = how->format, .length = how->length};
    struct xapi *x = disk->x;
    struct import *im = NULL;
    int code;

    if (how->length > INT64_MAX && how->length != XAPI_LENGTH_OPEN)
        return err_set(e, ERR_NO_SPACE, "%s: no disk is so large",
                       xapi_name(x));
    TRY(mem_alloc(&im, sizeof(*im), "an import", e));
    code = xapi_transfer_open(&im->t, x, &disk->vdi, &req, e);
    if (code < 0) {
        free(im);
        return code;
    }
    sink_init(&im->base, &import_ops, xapi_name(x));
    im->how = *how;
    im->disk = disk;
    *out = &im->base;
    return 0;
}
