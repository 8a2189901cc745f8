/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/check_chain.h"

#include "base/mem.h"
#include "copy/check.h"
#include "copy/report/report.h"
#include "image/chain/chain_roll.h"
#include "image/image_open.h"
#include "io/tar_source.h"

#include <stdio.h>
#include <stdlib.h>

struct check_chain {
    struct chain_roll *roll;
    unsigned count;
    bool may_be_alone;     /* what a delta's image looks like, too */
    bool is_known;         /* of each so far it is known what it is */
    struct err broken;     /* what is wrong with the chain; code 0: nothing */
    struct err first;      /* error in a member; likewise */
    struct vhd_report sum; /* severities and untold of all */
    json_t *members, *findings;
};

bool check_chain_may_come(const struct vhdstream *v, const struct input *in)
{
    unsigned rank;

    return in->archive && !v->opt.nparents &&
           chain_name_rank(tar_source_member(in->archive), &rank);
}

/* --- one member -----------------------------------------------------------*/

static void add_up(struct vhd_report *sum, const struct vhd_report *r)
{
    for (int s = 0; s <= VHD_ERROR; s++)
        sum->severities[s] += r->severities[s];
    sum->untold += r->untold;
}

static void describe(struct check_chain *c, const char *member,
                     const struct vhd_report *r, bool raw, uint64_t size)
{
    json_t *object = json_object();

    json_object_set_new(object, "member", report_text(member));
    if (raw)
        json_object_set_new(object, "virtual_size",
                            json_integer((json_int_t)size));
    else
        check_report_counts(object, r);
    check_report_disk(object, r);
    json_array_append_new(c->members, object);
    check_report_findings(c->findings, r, member);
}

/* Its place in the chain, as long as there can be one. */
static void enrol(struct check_chain *c, const char *member,
                  const struct chain_member *m)
{
    unsigned rank = 1;

    (void)chain_name_rank(member, &rank);
    c->may_be_alone = !c->count && !rank;
    if (c->is_known && !c->broken.code)
        (void)chain_roll_add_read(c->roll, member, m, &rank, &c->broken);
}

static void enrol_vhd(struct check_chain *c, const char *member,
                      const struct vhd_report *r)
{
    const struct chain_member m = {
        .size = r->footer.current_size,
        .has_parent = r->footer.type == VHD_DIFFERENCING,
        .is_vhd = true,
        .uuid = r->footer.uuid,
        .parent = r->parent_uuid,
    };

    c->is_known &= r->is_vhd && !r->severities[VHD_ERROR];
    enrol(c, member, &m);
}

static void enrol_raw(struct check_chain *c, const char *member, uint64_t size)
{
    const struct chain_member m = {.size = size};

    enrol(c, member, &m);
}

static int check_member(struct check_chain *c, struct input *in,
                        struct source **src, enum disk disk,
                        struct vhd_report *r, struct err *e)
{
    const char *member = tar_source_member(in->archive);
    uint64_t size = (uint64_t)in->archive->size;
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof(name), "%s", (*src)->name);
    if (disk != DISK_RAW)
        TRY(vhd_check(src, size, r, e));
    if (disk == DISK_RAW)
        enrol_raw(c, member, size);
    else
        enrol_vhd(c, member, r);
    c->count++;
    describe(c, member, r, disk == DISK_RAW, size);
    add_up(&c->sum, r);
    if (!c->first.code)
        (void)check_verdict(name, r, &c->first);
    return 0;
}

/* --- all of them ----------------------------------------------------------*/

static int check_next(struct check_chain *c, struct input *in, struct err *e)
{
    CLEANUP(vhd_report) struct vhd_report r = {0};
    struct source *src = in->archive;
    int code = check_member(c, in, &src, input_member_disk(in), &r, e);

    source_close(src);
    return code;
}

static int check_all(struct check_chain *c, struct vhdstream *v,
                     struct input *in, struct source **src, enum disk disk,
                     struct vhd_report *r, struct err *e)
{
    int more;

    TRY(check_member(c, in, src, disk, r, e));
    source_close(*src);
    *src = NULL;
    while ((more = tar_source_next(in->archive, e)) > 0)
        TRY(check_next(c, in, e));
    TRY(more);
    if (c->count == 1 && c->may_be_alone && !v->opt.chain)
        return 0;
    if (c->is_known && !c->broken.code)
        (void)chain_roll_check(c->roll, &c->broken);
    return 1;
}

int check_chain_run(struct vhdstream *v, struct input *in, struct source **src,
                    enum disk disk, struct vhd_report *r,
                    struct check_chain **out, struct err *e)
{
    CLEANUP(check_chain) struct check_chain *c = NULL;
    int several;

    TRY(mem_alloc(&c, sizeof(*c), "a chain", e));
    c->is_known = true;
    c->members = json_array();
    c->findings = json_array();
    TRY(chain_roll_open(&c->roll, tar_source_archive(in->archive),
                        v->opt.any_member, e));
    tar_source_apart(in->archive);
    in->is_chain = true;
    several = check_all(c, v, in, src, disk, r, e);
    TRY(several);
    if (several) {
        *out = c;
        c = NULL;
    }
    return several;
}

/* --- the result -----------------------------------------------------------*/

int check_chain_tell(struct check_chain *c, const char *name, json_t **result,
                     struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(object, "place", report_text(name));
    json_object_set_new(object, "read_as", json_string("stream"));
    check_report_counts(object, &c->sum);
    if (c->broken.code) {
        json_object_set_new(object, "verdict", json_string("broken"));
        json_object_set_new(object, "chain_broken",
                            report_text(c->broken.text));
    }
    json_object_set(object, "findings", c->findings);
    json_object_set(object, "members", c->members);
    if (!object || !c->members || !c->findings)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    *result = object;
    if (c->first.code)
        return err_set(e, c->first.code, "%s", c->first.text);
    return c->broken.code ? err_set(e, c->broken.code, "%s", c->broken.text)
                          : 0;
}

void check_chain_close(struct check_chain *c)
{
    if (!c)
        return;
    chain_roll_close(c->roll);
    json_decref(c->members);
    json_decref(c->findings);
    free(c);
}

void check_chain_cleanup(struct check_chain **c)
{
    check_chain_close(*c);
    *c = NULL;
}
