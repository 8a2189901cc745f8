/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/check.h"
#include "copy/operation.h"
#include "copy/place.h"
#include "copy/report/report.h"
#include "image/vhd/vhd_backup.h"
#include "image/vhd/vhd_repair.h"
#include "image/vhd/vhd_rewrite.h"

#include <inttypes.h>

/* Where the work is done, and what came of it. */
struct job {
    struct vhdstream *v;
    const struct place *place;
    struct vhd_file file;
    json_t *result;
    bool complete; /* the result is one, whatever the verdict on the disk */
};

static json_t *mends(const struct vhd_mend *list, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++) {
        json_t *object = json_object();

        json_object_set_new(object, "id",
                            json_string(vhd_finding_name(list[i].id)));
        json_object_set_new(object, "offset",
                            json_integer((json_int_t)list[i].offset));
        json_object_set_new(object, "text", report_text(list[i].text));
        json_array_append_new(array, object);
    }
    return array;
}

/* The byte ranges that are, or would be, written. */
static json_t *ranges(const struct vhd_patches *p)
{
    json_t *array = json_array();

    for (int i = 0; i < p->count; i++)
        json_array_append_new(array,
                              json_pack("{s:I, s:I}", "offset",
                                        (json_int_t)p->list[i].offset, "length",
                                        (json_int_t)p->list[i].len));
    return array;
}

/* Whatever fails from here on, the backup is there. */
static int write_patches(struct job *job, const struct vhd_patches *p,
                         struct err *e)
{
    FREE char *backup = NULL;
    int result;

    TRY(vhd_file_back_up(&job->file, p, &backup, e));
    json_object_set_new(job->result, "backup", report_text(backup));
    result = vhd_file_patch(&job->file, p, e);
    if (result < 0)
        return err_append(e,
                          "; not all was written: `vhdstream repair %s --undo "
                          "%s` takes it back",
                          job->place->name, backup);
    return 0;
}

static int open_file(struct job *job, struct err *e)
{
    const struct options *o = &job->v->opt;
    enum vhd_file_use use = o->dry_run ? VHD_FILE_READ
                            : o->force ? VHD_FILE_FORCE
                                       : VHD_FILE_CHANGE;

    return vhd_file_open(&job->file, job->place->path, use, &job->v->wait, e);
}

static int mend(struct job *job, struct err *e)
{
    CLEANUP(vhd_repair) struct vhd_repair r = {0};

    TRY(open_file(job, e));
    TRY(vhd_repair_plan(job->file.src, &r, e));
    json_object_set_new(job->result, "mended", mends(r.mends, r.nmends));
    json_object_set_new(job->result, "left", mends(r.left, r.nleft));
    json_object_set_new(job->result, "written", ranges(&r.patches));
    check_report(job->result, &r.after);
    if (r.patches.count && !job->v->opt.dry_run)
        TRY(write_patches(job, &r.patches, e));
    job->complete = true;
    return check_verdict(job->place->name, &r.after, e);
}

static int undo(struct job *job, struct err *e)
{
    CLEANUP(vhd_patches) struct vhd_patches p = {0};
    CLEANUP(source) struct source *backup = NULL;
    uint64_t size_after;

    TRY(source_open_file(&backup, job->v->opt.undo, &job->v->wait, e));
    TRY(vhd_backup_read(backup, &p, &size_after, e));
    TRY(open_file(job, e));
    TRY(vhd_file_check_undo(&job->file, &p, size_after, e));
    json_object_set_new(job->result, "undone", report_text(job->v->opt.undo));
    json_object_set_new(job->result, "written", ranges(&p));
    return job->v->opt.dry_run ? 0 : vhd_file_undo(&job->file, &p, e);
}

int repair_run(struct vhdstream *v, const char *file, json_t **result,
               struct err *e)
{
    CLEANUP(place) struct place p = {0};
    struct job job = {.v = v, .place = &p, .file = {.fd = -1}};
    int code;

    TRY(place_parse(&p, file, "source", e));
    if (p.kind != PLACE_FILE)
        return err_set(e, ERR_USAGE,
                       "%s: only a file can be mended; copy the disk to one",
                       p.name);
    job.result = json_object();
    if (!job.result)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    json_object_set_new(job.result, "place", report_text(p.name));
    json_object_set_new(job.result, "dry_run", json_boolean(v->opt.dry_run));
    code = v->opt.undo ? undo(&job, e) : mend(&job, e);
    vhd_file_close(&job.file);
    if (code < 0 && !job.complete)
        json_decref(job.result);
    else
        *result = job.result;
    return code;
}
