/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/report.h"

/* The map is enough: no block is read, and what is still to come is broken off.
 */
static int look(struct vhdstream *v, const struct place *p, struct input *in,
                json_t **result, struct err *e)
{
    TRY(input_open(v, p, in, e));
    TRY(input_trim(v, in, e));
    TRY(report_info(p, in, result, e));
    if (in->img->has_parent || !image_can_reblock(in->img))
        return 0;
    TRY(image_reblock(&in->img, e));
    report_sizes(in->img, *result);
    return 0;
}

int info_run(struct vhdstream *v, const char *place, json_t **result,
             struct err *e)
{
    CLEANUP(place) struct place p = {0};
    struct input in = {0};
    int code;

    TRY(place_parse(&p, place, "source", e));
    code = look(v, &p, &in, result, e);
    cancel_request(v->halt);
    input_close(&in, code < 0 ? e : NULL);
    return code;
}
