/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/input.h"

#include "base/mem.h"
#include "copy/pool_input.h"
#include "image/image_open.h"

#include <string.h>
#include <unistd.h>

static int open_source(struct vhdstream *v, const struct place *p,
                       struct source **out, struct err *e)
{
    if (p->kind == PLACE_FILE)
        TRY(source_open_file(out, p->path, &v->wait, e));
    else if (p->kind == PLACE_STDIO)
        TRY(source_open_fd(out, STDIN_FILENO, p->name, &v->wait, e));
    else
        TRY(source_open_http(out, &v->http[SIDE_SRC], p->path, e));
    (*out)->meter = &v->progress.read;
    return 0;
}

static int open_plain(struct vhdstream *v, const struct place *p,
                      struct input *out, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;
    struct image_open_options opt = {
        .from = v->opt.from,
        .suffix = p->suffix,
        .size = v->opt.size,
        .threads = v->opt.threads,
        .notice = &v->notice,
        .halt = v->halt,
    };

    TRY(open_source(v, p, &src, e));
    TRY(image_open(&src, &opt, &out->img, e));
    if (!strcmp(out->img->format, "raw"))
        TRY(image_trim(out->img, &v->wait, e));
    return 0;
}

int input_open(struct vhdstream *v, const struct place *p, struct input *out,
               struct err *e)
{
    if (p->kind == PLACE_XAPI)
        return pool_input_open(v, p, out, e);
    return open_plain(v, p, out, e);
}

int input_finish(struct input *in, struct err *e)
{
    return in->pool ? pool_input_finish(in->pool, e) : 0;
}

void input_close(struct input *in, struct err *why)
{
    image_close(in->img);
    in->img = NULL;
    pool_input_close(in->pool, why);
    in->pool = NULL;
}
