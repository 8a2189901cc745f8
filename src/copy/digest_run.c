/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/hashing.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/place.h"
#include "copy/report/report.h"
#include "image/encoder.h"

struct look {
    struct place place;
    struct input in;
    struct hashing hashing;
};

static int take(struct vhdstream *v, struct look *l, struct err *e)
{
    struct image **img = &l->in.img;

    TRY(hashing_prepare(v, true, &l->hashing, e));
    TRY(input_open(v, &l->place, &l->in, e));
    TRY(input_complete(v, &l->place, &l->in, e));
    TRY(hashing_fit(&l->hashing, img, e));
    TRY(image_async(img, v->opt.threads, e));
    TRY(hashing_begin(v, &l->hashing, img, e));
    TRY(image_drain(*img, &v->progress, &v->wait, e));
    TRY(hashing_end(&l->hashing, e));
    TRY(input_check_note(v, &l->in, &l->hashing.result, e));
    TRY(input_finish(&l->in, e));
    return hashing_finish(&l->hashing, e);
}

int digest_run(struct vhdstream *v, const char *place, json_t **result,
               struct err *e)
{
    struct look l = {0};
    double start = wait_now();
    int code;

    TRY(place_parse(&l.place, place, "source", e));
    code = take(v, &l, e);
    if (code >= 0)
        code = report_digest(&l.place, &l.in, &l.hashing, &v->progress,
                             wait_now() - start, result, e);
    if (code < 0)
        cancel_request(v->halt);
    input_close(&l.in, code < 0 ? e : NULL);
    hashing_close(&l.hashing, code < 0 ? e : NULL);
    place_cleanup(&l.place);
    return code < 0 ? e->code : 0;
}
