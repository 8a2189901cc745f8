/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/delta/leaf_pass.h"

#include "image/digest/digest.h"

static int read_all(const struct leaf_pass *p, struct image **img,
                    struct digest **digest, struct err *e)
{
    struct vhdstream *v = p->v;
    struct leaf_hash whole;

    TRY(p->open(p->open_ctx, img, e));
    TRY(image_retry(img, p->open, p->open_ctx, &v->retry, e));
    TRY(p->begin(p->ctx, (*img)->size, e));
    TRY(operation_pool(v, e));
    TRY(digest_prepare(img, e));
    TRY(image_async(img, v->opt.threads, e));
    TRY(digest_open(digest, img, v->pool, NULL, e));
    digest_watch(*digest, p->line, p->ctx);
    TRY(image_drain(*img, &v->progress, &v->wait, e));
    return digest_finish(*digest, &whole, e);
}

int leaf_pass_run(const struct leaf_pass *p, struct err *e)
{
    struct image *img = NULL;
    struct digest *digest = NULL;
    int code = read_all(p, &img, &digest, e);

    /* What reads ahead is not waited for. */
    if (code < 0)
        cancel_request(p->v->halt);
    image_close(img);
    digest_close(digest);
    if (code < 0)
        cancel_withdraw(p->v->halt);
    return code < 0 ? e->code : 0;
}
