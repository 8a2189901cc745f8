/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/digest_note.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/report.h"
#include "image/encoder.h"

/* The map is enough: no block is read, and what is still to come is broken off;
 * but for a digest. */
/* The digest stands at the very end of an image. */
static int read_note(struct vhdstream *v, struct input *in, json_t *result,
                     struct err *e)
{
    struct digest_note n;
    int known;

    if (!v->opt.digest || !in->tail.archive)
        return 0;
    TRY(image_drain(in->img, &v->progress, &v->wait, e));
    TRY(input_check_note(v, in, NULL, e));
    known = digest_note_read(&in->tail, in->img->name, NULL, &n, e);
    if (known > 0)
        report_add_note(&n, result);
    return known;
}

static int look(struct vhdstream *v, const struct place *p, struct input *in,
                json_t **result, struct err *e)
{
    TRY(input_open(v, p, in, e));
    TRY(input_trim(v, in, e));
    TRY(report_info(p, in, result, e));
    if (!in->img->has_parent && image_can_reblock(in->img)) {
        TRY(image_reblock(&in->img, e));
        report_sizes(in->img, *result);
    }
    return read_note(v, in, *result, e);
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
