/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/check.h"

#include "base/mem.h"
#include "copy/check_chain.h"
#include "copy/input.h"
#include "copy/operation.h"
#include "copy/report/report.h"

#include <inttypes.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *finding(const struct vhd_finding *f, const char *member)
{
    json_t *object = json_object();

    if (member)
        json_object_set_new(object, "member", report_text(member));
    json_object_set_new(object, "id", json_string(vhd_finding_name(f->id)));
    json_object_set_new(object, "severity",
                        json_string(vhd_severity_name(f->severity)));
    json_object_set_new(object, "offset", number(f->offset));
    json_object_set_new(object, "text", report_text(f->text));
    return object;
}

void check_report_counts(json_t *object, const struct vhd_report *r)
{
    json_object_set_new(object, "verdict",
                        json_string(r->severities[VHD_ERROR]     ? "broken"
                                    : r->severities[VHD_WARNING] ? "usable"
                                                                 : "sound"));
    json_object_set_new(object, "errors", number(r->severities[VHD_ERROR]));
    json_object_set_new(object, "warnings", number(r->severities[VHD_WARNING]));
    json_object_set_new(object, "notes", number(r->severities[VHD_NOTE]));
    json_object_set_new(object, "not_listed", number(r->untold));
}

void check_report_findings(json_t *findings, const struct vhd_report *r,
                           const char *member)
{
    for (uint32_t i = 0; i < r->count; i++)
        json_array_append_new(findings, finding(&r->findings[i], member));
}

void check_report_disk(json_t *object, const struct vhd_report *r)
{
    if (!r->is_vhd)
        return;
    json_object_set_new(object, "virtual_size", number(r->footer.current_size));
    json_object_set_new(object, "vhd", report_footer(&r->footer));
}

void check_report(json_t *object, const struct vhd_report *r)
{
    json_t *findings = json_array();

    check_report_counts(object, r);
    check_report_findings(findings, r, NULL);
    json_object_set_new(object, "findings", findings);
}

int check_verdict(const char *name, const struct vhd_report *r, struct err *e)
{
    uint64_t errors = r->severities[VHD_ERROR];
    const struct vhd_finding *f = r->findings;

    if (!errors)
        return 0;
    while (f->severity != VHD_ERROR)
        f++;
    return err_set(
        e, ERR_CORRUPT,
        "%s: %" PRIu64 " error%s, the first at byte %" PRIu64 " (%s)", name,
        errors, errors > 1 ? "s" : "", f->offset, vhd_finding_name(f->id));
}

/* A disk's parents are looked for where its file is; in an archive or behind a
 * URL only by the user's word. */
static int check_parents(struct vhdstream *v, const struct place *p,
                         struct source **src, struct vhd_report *r,
                         struct err *e)
{
    const struct vhd_lineage_options opt = {
        .path = p->kind == PLACE_FILE ? p->path : NULL,
        .parents = (const char *const *)v->opt.parents,
        .nparents = v->opt.nparents,
        .wait = &v->wait,
    };
    bool chain = v->opt.chain || v->opt.nparents;

    if (r->severities[VHD_ERROR])
        return 0;
    if (!r->is_vhd || r->footer.type != VHD_DIFFERENCING) {
        if (v->opt.nparents)
            return err_set(e, ERR_USAGE,
                           "--parent %s: %s is no differencing disk, so it has "
                           "no parent",
                           v->opt.parents[0], p->name);
        return 0;
    }
    if (source_is_seekable(*src))
        return vhd_check_parents(src, &opt, chain, r, e);
    if (!chain)
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "%s: the parents of a disk that comes as a stream are not "
                   "checked; copy it to a file",
                   p->name);
}

static int refuse_raw(const struct place *p, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "%s: a raw disk, in which nothing can be checked; say "
                   "--from vhd if it is a VHD",
                   p->name);
}

static int tell(const struct place *p, const struct vhd_report *r,
                json_t **result, struct err *e)
{
    json_t *object = json_object();

    json_object_set_new(object, "place", report_text(p->name));
    json_object_set_new(object, "read_as",
                        json_string(r->stream ? "stream" : "file"));
    check_report_disk(object, r);
    check_report(object, r);
    if (!object)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    *result = object;
    return check_verdict(p->name, r, e);
}

/* All that is at the place: one disk, or what *chain has gathered. */
static int look(struct vhdstream *v, const struct place *p, struct input *in,
                struct source **src, struct vhd_report *r,
                struct check_chain **chain, struct err *e)
{
    uint64_t len = v->opt.size > 0 ? (uint64_t)v->opt.size : 0;
    enum disk disk;

    TRY(input_open_bytes(v, p, in, src, &disk, e));
    if (check_chain_may_come(v, in)) {
        int more = check_chain_run(v, in, src, disk, r, chain, e);

        TRY(more);
        return more               ? 0
               : disk == DISK_RAW ? refuse_raw(p, e)
                                  : input_finish(in, e);
    }
    if (disk == DISK_RAW)
        return refuse_raw(p, e);
    TRY(vhd_check(src, len, r, e));
    TRY(check_parents(v, p, src, r, e));
    return input_finish(in, e);
}

int check_run(struct vhdstream *v, const char *place, json_t **result,
              struct err *e)
{
    CLEANUP(place) struct place p = {0};
    CLEANUP(vhd_report) struct vhd_report r = {0};
    CLEANUP(check_chain) struct check_chain *chain = NULL;
    struct source *src = NULL;
    struct input in = {0};
    int code;

    TRY(place_parse(&p, place, "source", e));
    code = look(v, &p, &in, &src, &r, &chain, e);
    if (code < 0)
        cancel_request(v->halt);
    source_close(src);
    input_close(&in, code < 0 ? e : NULL);
    TRY(code);
    return chain ? check_chain_tell(chain, p.name, result, e)
                 : tell(&p, &r, result, e);
}
