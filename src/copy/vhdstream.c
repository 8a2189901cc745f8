/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The public interface: include/vhdstream.h says what each call does. */

#include "vhdstream.h"

#include "base/mem.h"
#include "copy/many.h"
#include "copy/operation.h"
#include "copy/store_side.h"
#include "copy/ticker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

PUBLIC const char *vhdstream_version(void)
{
    return VHDSTREAM_VERSION;
}

PUBLIC int vhdstream_new(struct vhdstream **out)
{
    struct vhdstream *v = NULL;

    if (mem_alloc(&v, sizeof(*v), "a transfer", NULL) < 0)
        return VHDSTREAM_NO_SPACE;
    if (cancel_open(&v->cancel, NULL) < 0) {
        free(v);
        return VHDSTREAM_NO_SPACE;
    }
    options_init(&v->opt);
    *out = v;
    return VHDSTREAM_OK;
}

PUBLIC void vhdstream_free(struct vhdstream *v)
{
    if (!v)
        return;
    many_close(v->many);
    options_free(&v->opt);
    cancel_close(v->cancel);
    free(v->result);
    free(v);
}

/* The status for the caller; the failure stays to be asked for. */
static int settle(struct vhdstream *v, int code)
{
    if (code >= 0)
        v->err = (struct err){0};
    return err_exit(code < 0 ? code : 0);
}

PUBLIC int vhdstream_set(struct vhdstream *v, const char *option,
                         const char *value)
{
    return settle(v, options_set(&v->opt, option, value, &v->err));
}

/* The user's judge, asked in the library's words. */
static int judge(void *ctx, const struct http_stranger *who)
{
    static const int beliefs[] = {
        [VHDSTREAM_AS_VERIFIED] = HTTP_AS_VERIFIED,
        [VHDSTREAM_BELIEVE] = HTTP_BELIEVE,
        [VHDSTREAM_CHANGED] = HTTP_CHANGED,
        [VHDSTREAM_ASK_AGAIN] = HTTP_ASK,
    };
    const struct vhdstream *v = ctx;
    char sum[7 + 64 + 1] = "sha256:";
    struct vhdstream_certificate c = {
        .host = who->host,
        .sha256 = sum,
        .problem = who->problem,
        .may_wait = who->may_wait,
    };
    int trust;

    for (size_t i = 0; i < 32; i++)
        (void)snprintf(sum + 7 + 2 * i, 3, "%02x", who->sha256[i]);
    trust = v->judge(v->judge_ctx, &c);
    if (who->may_wait && cancel_requested(v->cancel))
        return HTTP_STOPPED;
    return trust < 0 || trust > VHDSTREAM_ASK_AGAIN ? HTTP_AS_VERIFIED
                                                    : beliefs[trust];
}

/* Who has said whom to believe is not asked. */
static void prepare_trust(struct vhdstream *v, struct http_trust *t)
{
    bool asks = v->judge && !t->npins && !t->cacert && !t->insecure;

    t->judge = asks ? judge : NULL;
    t->judge_ctx = v;
}

static void prepare_side(struct vhdstream *v, int which, struct side *s)
{
    prepare_trust(v, &s->trust);
    v->http[which] = (struct http_config){
        .trust = &s->trust,
        .wait = &v->wait,
        .retry = &v->retry,
        .user = s->password ? s->user : NULL,
        .password = s->password,
        .proxy = s->proxy,
        .no_proxy = s->no_proxy,
    };
}

/* What copies that run together have in common. */
static void prepare_shared(struct vhdstream *v)
{
    v->rate_out = NULL;
    if (v->whole) {
        v->rate_in = v->whole->rate_in;
        v->pool = v->whole->pool;
        return;
    }
    rate_init(&v->rate, v->opt.limit_rate, &v->wait);
    v->rate.stage = operation_stage(v, STAGE_LIMIT);
    v->rate_in = v->opt.limit_rate ? &v->rate : NULL;
}

static void end_shared(struct vhdstream *v)
{
    if (!v->whole) {
        rate_end(&v->rate);
        pool_close(v->pool);
    }
    v->pool = NULL;
}

static int prepare(struct vhdstream *v)
{
    v->err = (struct err){0};
    for (int i = 0; i < NSTAGES; i++)
        v->stages[i] = (struct stage){0};
    many_close(v->many);
    v->many = NULL;
    prepare_shared(v);
    TRY(cancel_open_child(&v->halt, v->cancel, &v->err));
    v->wait = (struct wait){v->halt, v->opt.timeout_s};
    v->verify = v->opt.verify;
    v->retry = (struct retry){
        .max = v->opt.retries,
        .delay_s = v->opt.retry_delay_s,
        .notice = &v->notice,
        .wait = &v->wait,
    };
    prepare_side(v, SIDE_SRC, &v->opt.src);
    prepare_side(v, SIDE_DST, &v->opt.dst);
    v->progress = (struct progress){0};
    free(v->result);
    v->result = NULL;
    return v->teller
               ? ticker_start(&v->ticker, v, v->teller, v->teller_ctx, &v->err)
               : 0;
}

struct stage *operation_stage(struct vhdstream *v, enum stats_stage which)
{
    return v->opt.stats ? &v->stages[which] : NULL;
}

int operation_pool(struct vhdstream *v, struct err *e)
{
    return v->pool ? 0 : pool_open(&v->pool, v->opt.threads, e);
}

void operation_limit_output(struct vhdstream *v)
{
    v->rate_out = v->rate_in;
    v->rate_in = NULL;
}

static void end(struct vhdstream *v)
{
    ticker_stop(v->ticker);
    v->ticker = NULL;
    store_close(v, SIDE_SRC);
    store_close(v, SIDE_DST);
    end_shared(v);
    cancel_close(v->halt);
    v->halt = NULL;
}

static int keep_result(struct vhdstream *v, json_t *result)
{
    v->result = json_dumps(result, JSON_INDENT(2));
    json_decref(result);
    if (!v->result)
        return err_set(&v->err, ERR_NO_SPACE, "out of memory for the result");
    return 0;
}

/* A failure may have more to say than one line: findings, what was done. */
static int conclude(struct vhdstream *v, int code, json_t *result)
{
    end(v);
    if (code < 0 && result && keep_result(v, result) < 0)
        return settle(v, v->err.code);
    return settle(v, code < 0 ? code : keep_result(v, result));
}

PUBLIC int vhdstream_copy(struct vhdstream *v, const char *source,
                          const char *destination)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = copy_run(v, source, destination, &result, &v->err);
    return conclude(v, code, result);
}

static int copy_many(struct vhdstream *v, const char *const *sources,
                     unsigned count, const char *destination, json_t **result)
{
    struct many *m = NULL;

    TRY(operation_pool(v, &v->err));
    TRY(many_open(&m, v, sources, count, destination, &v->err));
    v->many = m;
    return many_run(m, result, &v->err);
}

PUBLIC int vhdstream_copy_many(struct vhdstream *v, const char *const *sources,
                               unsigned count, const char *destination)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = copy_many(v, sources, count, destination, &result);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_merge(struct vhdstream *v, const char *const *places,
                           unsigned count)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = merge_run(v, places, count, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_info(struct vhdstream *v, const char *place)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = info_run(v, place, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_digest(struct vhdstream *v, const char *place)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = digest_run(v, place, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_map(struct vhdstream *v, const char *place,
                         vhdstream_extent_fn *take, void *ctx)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = map_run(v, place, take, ctx, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_compare(struct vhdstream *v, const char *a, const char *b)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = compare_run(v, a, b, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_check(struct vhdstream *v, const char *place)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = check_run(v, place, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_clean(struct vhdstream *v, const char *place)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = clean_run(v, place, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC int vhdstream_repair(struct vhdstream *v, const char *file)
{
    json_t *result = NULL;
    int code = prepare(v);

    if (code >= 0)
        code = repair_run(v, file, &result, &v->err);
    return conclude(v, code, result);
}

PUBLIC const char *vhdstream_error(const struct vhdstream *v)
{
    return v->err.text;
}

PUBLIC const char *vhdstream_refusal(const struct vhdstream *v)
{
    return *v->err.said ? v->err.said : NULL;
}

PUBLIC const char *vhdstream_result(const struct vhdstream *v)
{
    return v->result;
}

PUBLIC const char *vhdstream_status_text(int status)
{
    switch (status) {
    case VHDSTREAM_OK:
        return "done";
    case VHDSTREAM_USAGE:
        return "wrong usage";
    case VHDSTREAM_CORRUPT:
        return "corrupt, or not taken";
    case VHDSTREAM_NOT_FOUND:
        return "not found";
    case VHDSTREAM_AUTH:
        return "authentication or TLS";
    case VHDSTREAM_NO_SPACE:
        return "no space";
    case VHDSTREAM_UNSETTLED:
        return "not settled";
    case VHDSTREAM_TEMPORARY:
        return "temporary";
    case VHDSTREAM_CANCELLED:
        return "cancelled";
    default:
        return "failed";
    }
}

PUBLIC void vhdstream_cancel(struct vhdstream *v)
{
    cancel_request(v->cancel);
}

PUBLIC void vhdstream_get_progress(const struct vhdstream *v,
                                   struct vhdstream_progress *out)
{
    const struct progress *p = &v->progress;
    const struct many *many = v->many;

    if (many) {
        many_progress(many, out);
        return;
    }
    out->total = atomic_load(&p->total);
    out->done = atomic_load(&p->done);
    out->holes = atomic_load(&p->zeros);
    out->read = atomic_load(&p->read);
    out->written = atomic_load(&p->written);
}

PUBLIC void vhdstream_on_progress(struct vhdstream *v,
                                  vhdstream_progress_fn *fn, void *ctx)
{
    v->teller = fn;
    v->teller_ctx = ctx;
}

PUBLIC void vhdstream_on_notice(struct vhdstream *v,
                                void (*fn)(void *ctx, const char *text),
                                void *ctx)
{
    v->notice = (struct notice){fn, ctx};
}

PUBLIC void vhdstream_on_read(struct vhdstream *v, vhdstream_read_fn *fn,
                              void *ctx)
{
    v->reader = fn;
    v->reader_ctx = ctx;
}

PUBLIC void vhdstream_on_write(struct vhdstream *v, vhdstream_write_fn *fn,
                               void *ctx)
{
    v->writer = fn;
    v->writer_ctx = ctx;
}

PUBLIC void vhdstream_on_size(struct vhdstream *v, vhdstream_size_fn *fn,
                              void *ctx)
{
    v->sizer = fn;
    v->sizer_ctx = ctx;
}

PUBLIC void vhdstream_on_certificate(
    struct vhdstream *v,
    int (*fn)(void *ctx, const struct vhdstream_certificate *certificate),
    void *ctx)
{
    v->judge = fn;
    v->judge_ctx = ctx;
}
