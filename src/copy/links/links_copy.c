/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/links/links_copy.h"

#include "base/mem.h"
#include "copy/report/report.h"
#include "copy/store_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct links_copy {
    struct vhdstream *v;
    struct place src, dst;
    struct links *links;
    struct output out;
    struct links_made made;
    double start;
};

static int check_options(const struct vhdstream *v, struct err *e)
{
    const struct options *o = &v->opt;
    const char *odd = o->base          ? "base"
                      : o->keep_parent ? "keep-parent"
                      : o->digest      ? "digest"
                      : o->blocks      ? "blocks"
                      : o->state       ? "state"
                      : o->snapshot    ? "snapshot"
                      : o->azure       ? "azure"
                      : o->stats       ? "stats"
                      : o->resume      ? "resume"
                                       : NULL;

    if (!odd)
        return 0;
    return err_set(e, ERR_USAGE,
                   "--chain and --%s: a chain is several disks, and the other "
                   "is for one",
                   odd);
}

static int to_image(struct links_copy *c, struct err *e)
{
    c->out.several = true;
    TRY(output_prepare(c->v, &c->dst, &c->out, e));
    if (c->v->opt.verify)
        return err_set(e, ERR_USAGE,
                       "--chain and --verify: it is for a chain that is "
                       "rebuilt in a pool; vhdstream check reads an image");
    if (c->v->opt.size > 0)
        return err_set(e, ERR_USAGE,
                       "--chain and --size: it is for a chain that is rebuilt "
                       "in a pool; in an image each link keeps its own");
    if (c->out.format->pack == PACK_NONE)
        return err_set(
            e, ERR_USAGE,
            "--chain: %s is to be %s, which holds one disk; a tar or "
            "tgz holds a chain",
            c->dst.name, c->out.format->name);
    TRY(links_open(&c->links, c->v, &c->src, e));
    if (!c->links->count)
        return err_set(e, ERR_USAGE,
                       "--chain: %s is an image already, and comes through a "
                       "pipe",
                       c->src.name);
    return links_to_image(c->v, c->links, &c->out, &c->made, e);
}

static int to_pool(struct links_copy *c, struct err *e)
{
    const char *slash = strrchr(c->src.name, '/');
    char label[NAME_SIZE];

    (void)snprintf(label, sizeof(label), "%s",
                   c->src.kind == PLACE_FILE ? slash ? slash + 1 : c->src.name
                                             : "vhdstream import");
    label[format_stem_len(label)] = '\0';
    TRY(links_open(&c->links, c->v, &c->src, e));
    return links_to_pool(c->v, c->links, &c->dst, label, &c->made, e);
}

static int report(const struct links_copy *c, json_t **result, struct err *e)
{
    const struct progress *p = &c->v->progress;
    json_t *snapshots = json_array();

    *result = json_object();
    json_object_set_new(*result, "source", report_text(c->src.name));
    json_object_set_new(*result, "destination", report_text(c->dst.name));
    json_object_set_new(
        *result, "format",
        report_text(c->out.format ? c->out.format->name : "vhd"));
    json_object_set_new(*result, "virtual_size",
                        json_integer((json_int_t)c->made.size));
    json_object_set_new(*result, "data",
                        json_integer((json_int_t)c->made.data));
    json_object_set_new(*result, "links", json_integer(c->links->count));
    json_object_set_new(*result, "read", json_integer((json_int_t)p->read));
    json_object_set_new(*result, "written",
                        json_integer((json_int_t)p->written));
    json_object_set_new(*result, "seconds", json_real(wait_now() - c->start));
    if (c->made.count)
        json_object_set_new(*result, "uuid", json_string(c->made.uuids[0]));
    if (c->out.store)
        json_object_set_new(*result, "uuid",
                            json_string(store_output_id(c->out.store)));
    if (c->v->opt.verify)
        json_object_set_new(*result, "verified", json_true());
    for (unsigned i = 1; i < c->made.count; i++)
        json_array_append_new(snapshots, json_string(c->made.uuids[i]));
    if (c->made.count)
        json_object_set(*result, "snapshots", snapshots);
    json_decref(snapshots);
    return *result ? 0
                   : err_set(e, ERR_NO_SPACE, "out of memory for the result");
}

int links_copy_run(struct vhdstream *v, const char *source,
                   const char *destination, json_t **result, struct err *e)
{
    struct links_copy c = {.v = v, .start = wait_now()};
    int code = check_options(v, e);

    if (code >= 0)
        code = place_parse(&c.src, source, "source", e);
    if (code >= 0)
        code = place_parse(&c.dst, destination, "destination", e);
    if (place_is_remote(&c.dst) || !place_is_remote(&c.src))
        operation_limit_output(v);
    if (code >= 0)
        code = c.dst.kind == PLACE_XAPI ? to_pool(&c, e) : to_image(&c, e);
    if (code >= 0)
        code = report(&c, result, e);
    if (code < 0)
        cancel_request(v->halt);
    output_close(&c.out, code < 0 ? e : NULL);
    links_close(c.links);
    free(c.made.uuids);
    place_cleanup(&c.src);
    place_cleanup(&c.dst);
    return code < 0 ? e->code : 0;
}
