/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/place.h"
#include "copy/report/report.h"
#include "image/digest/image_compare.h"

struct pair {
    struct place places[2];
    struct input inputs[2];
    struct compared compared[2];
};

/* What is no pool may be a list of block digests. */
static int open_plain(struct vhdstream *v, struct pair *p, int i, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;
    uint8_t head[CONTENT_HEAD];
    size_t len;

    TRY(input_source(v, i, &p->places[i], &src, e));
    TRY(source_head(&src, head, sizeof(head), &len, e));
    if (!v->opt.from && hash_list_is(head, len))
        return hash_reader_open(&p->compared[i].list, &src, e);
    return input_decode(v, &p->places[i], &src, &p->inputs[i], e);
}

static int open_one(struct vhdstream *v, struct pair *p, int i, struct err *e)
{
    struct input *in = &p->inputs[i];

    in->v = v;
    in->side = i;
    in->place = &p->places[i];
    if (p->places[i].kind == PLACE_XAPI)
        TRY(input_open(v, &p->places[i], in, e));
    else
        TRY(open_plain(v, p, i, e));
    return in->img ? input_complete(v, &p->places[i], in, e) : 0;
}

/* One that was read to its end: so was what stands behind an archive. */
static int finish_one(struct vhdstream *v, struct input *in,
                      const struct compared *c, struct err *e)
{
    if (in->img)
        TRY(input_check_note(v, in, c->has_digest ? &c->digest : NULL, e));
    return input_finish(in, e);
}

static int compare(struct vhdstream *v, struct pair *p, struct comparison *out,
                   struct err *e)
{
    struct compare_options opt = {
        .threads = v->opt.threads,
        .progress = &v->progress,
        .wait = &v->wait,
    };
    int result;

    TRY(open_one(v, p, 0, e));
    TRY(open_one(v, p, 1, e));
    TRY(operation_pool(v, e));
    opt.pool = v->pool;
    for (int i = 0; i < 2; i++)
        p->compared[i].img = p->inputs[i].img;
    result = image_compare(p->compared, &opt, out, e);
    for (int i = 0; i < 2; i++)
        p->inputs[i].img = p->compared[i].img;
    TRY(result);
    if (out->same)
        for (int i = 0; i < 2; i++)
            TRY(finish_one(v, &p->inputs[i], &p->compared[i], e));
    return 0;
}

/* Where the two differ the rest was not read: what still comes is broken off.
 */
static void close_all(struct vhdstream *v, struct pair *p, int result,
                      struct err *e)
{
    struct err left = {0};

    cancel_request(v->halt);
    for (int i = 0; i < 2; i++) {
        input_close(&p->inputs[i], result < 0 ? e : &left);
        hash_reader_close(p->compared[i].list);
        place_cleanup(&p->places[i]);
    }
    if (left.code)
        notice_say(&v->notice, "%s", left.text);
}

static bool is_one_stream(const struct place *a, const struct place *b)
{
    return a->kind == b->kind &&
           (a->kind == PLACE_CALLER || (a->kind == PLACE_FD && a->fd == b->fd));
}

static int parse(struct pair *p, const char *a, const char *b, struct err *e)
{
    TRY(place_parse(&p->places[0], a, "source", e));
    TRY(place_parse(&p->places[1], b, "source", e));
    if (is_one_stream(&p->places[0], &p->places[1]))
        return err_set(e, ERR_USAGE,
                       "%s is one disk, and cannot be compared with itself",
                       p->places[0].name);
    return 0;
}

int compare_run(struct vhdstream *v, const char *a, const char *b,
                json_t **result, struct err *e)
{
    struct pair p = {0};
    struct comparison found = {0};
    int code = parse(&p, a, b, e);

    if (code >= 0)
        code = compare(v, &p, &found, e);
    if (code >= 0)
        code = report_compare(p.places, p.compared, &found, result, e);
    close_all(v, &p, code, e);
    return code < 0 ? e->code : 0;
}
