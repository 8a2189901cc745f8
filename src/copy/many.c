/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/many.h"

#include "base/mem.h"
#include "base/thread.h"
#include "copy/many_name.h"
#include "copy/report/report.h"

#include <stdlib.h>
#include <string.h>

/* One copy; `v` is used by the thread that takes it. */
struct many_part {
    struct vhdstream *v;
    const char *source;   /* the caller's; may hold a password */
    char name[NAME_SIZE]; /* of it, for messages */
    char *destination;
};

struct many {
    struct vhdstream *whole;
    pthread_mutex_t lock; /* the user is called by one copy at a time */
    atomic_uint next;     /* the part to be taken next */
    unsigned count;
    struct many_part parts[];
};

/* --- the user's callbacks --------------------------------------------------*/

static void pass_notice(void *ctx, const char *text)
{
    struct many *m = ctx;

    pthread_mutex_lock(&m->lock);
    notice_say(&m->whole->notice, "%s", text);
    pthread_mutex_unlock(&m->lock);
}

static int pass_judgement(void *ctx, const struct vhdstream_certificate *c)
{
    struct many *m = ctx;
    int trust;

    pthread_mutex_lock(&m->lock);
    trust = m->whole->judge(m->whole->judge_ctx, c);
    pthread_mutex_unlock(&m->lock);
    return trust;
}

/* --- opening ---------------------------------------------------------------*/

/* Options are the whole's, and stay its own. */
static int open_part(struct many *m, struct many_part *part, struct err *e)
{
    struct vhdstream *whole = m->whole;

    TRY(mem_alloc(&part->v, sizeof(*part->v), "a transfer", e));
    part->v->opt = whole->opt;
    part->v->cancel = whole->cancel;
    part->v->whole = whole;
    part->v->notice = (struct notice){pass_notice, m};
    part->v->judge = whole->judge ? pass_judgement : NULL;
    part->v->judge_ctx = m;
    return 0;
}

static int refuse_options(const struct options *o, struct err *e)
{
    const char *name = o->state      ? "state"
                       : o->resume   ? "resume"
                       : o->blocks   ? "blocks"
                       : o->base     ? "base"
                       : o->nparents ? "parent"
                                     : NULL;

    if (!name)
        return 0;
    return err_set(e, ERR_USAGE,
                   "--%s is for one disk, and several are to be copied: copy "
                   "them one by one",
                   name);
}

static int open_parts(struct many *m, const char *const *sources,
                      const char *destination, struct err *e)
{
    TRY(refuse_options(&m->whole->opt, e));
    for (unsigned i = 0; i < m->count; i++) {
        struct many_part *part = &m->parts[i];

        part->source = sources[i];
        TRY(many_name(&part->destination, part->name, sources[i], destination,
                      m->whole->opt.to, m->whole->opt.force, e));
        for (unsigned k = 0; k < i; k++)
            TRY(many_name_differs(part->destination, part->name,
                                  m->parts[k].destination, m->parts[k].name,
                                  e));
        TRY(open_part(m, part, e));
    }
    return 0;
}

int many_open(struct many **out, struct vhdstream *whole,
              const char *const *sources, unsigned count,
              const char *destination, struct err *e)
{
    struct many *m = NULL;
    int code;

    if (!count || count > MANY_MAX)
        return err_set(e, ERR_USAGE, "%u disks: from 1 to %d can be copied",
                       count, MANY_MAX);
    TRY(mem_alloc(&m, sizeof(*m) + count * sizeof(m->parts[0]), "copies", e));
    m->whole = whole;
    m->count = count;
    pthread_mutex_init(&m->lock, NULL);
    code = open_parts(m, sources, destination, e);
    if (code < 0) {
        many_close(m);
        return code;
    }
    *out = m;
    return 0;
}

void many_close(struct many *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->count; i++) {
        if (m->parts[i].v)
            free(m->parts[i].v->result);
        free(m->parts[i].v);
        free(m->parts[i].destination);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* --- running ---------------------------------------------------------------*/

static void *copy_parts(void *arg)
{
    struct many *m = arg;
    unsigned i;

    while ((i = atomic_fetch_add(&m->next, 1)) < m->count) {
        struct many_part *part = &m->parts[i];

        (void)vhdstream_copy(part->v, part->source, part->destination);
    }
    return NULL;
}

/* The caller's thread is one of the jobs; a thread that cannot be had leaves
 * its share to the others. */
static void run_jobs(struct many *m)
{
    pthread_t threads[JOBS_MAX];
    unsigned jobs = m->whole->opt.jobs, started = 0;

    while (started + 1 < jobs && started + 1 < m->count &&
           thread_start(&threads[started], copy_parts, m, NULL) >= 0)
        started++;
    (void)copy_parts(m);
    while (started)
        pthread_join(threads[--started], NULL);
}

void many_progress(const struct many *m, struct vhdstream_progress *out)
{
    *out = (struct vhdstream_progress){0};
    for (unsigned i = 0; i < m->count; i++) {
        struct vhdstream_progress p;

        vhdstream_get_progress(m->parts[i].v, &p);
        out->total += p.total;
        out->done += p.done;
        out->holes += p.holes;
        out->read += p.read;
        out->written += p.written;
    }
}

/* --- what became of them ---------------------------------------------------*/

/* Exit statuses, the worst first: what must be looked at before what can be
 * done again. */
static int badness(int status)
{
    static const int order[] = {75, 1, 2, 4, 5, 6, 3, 7, 130};
    int i = (int)(sizeof(order) / sizeof(*order));

    while (i && order[i - 1] != status)
        i--;
    return i;
}

static json_t *report_part(const struct many_part *part)
{
    const struct err *e = &part->v->err;
    json_t *object = NULL;

    if (part->v->result)
        object = json_loads(part->v->result, 0, NULL);
    if (!object)
        object = json_pack("{s:o, s:o}", "source", report_text(part->name),
                           "destination", report_text(part->destination));
    json_object_set_new(object, "status", json_integer(err_exit(e->code)));
    if (e->code < 0)
        json_object_set_new(object, "error", report_text(e->text));
    return object;
}

int many_run(struct many *m, json_t **result, struct err *e)
{
    const struct vhdstream *worst = m->parts[0].v;
    json_t *copies = json_array();
    unsigned failed = 0;

    run_jobs(m);
    for (unsigned i = 0; i < m->count; i++) {
        const struct vhdstream *v = m->parts[i].v;

        json_array_append_new(copies, report_part(&m->parts[i]));
        failed += v->err.code < 0;
        if (badness(err_exit(v->err.code)) > badness(err_exit(worst->err.code)))
            worst = v;
    }
    *result = json_pack("{s:o, s:i, s:i, s:i}", "copies", copies, "count",
                        (int)m->count, "failed", (int)failed, "status",
                        err_exit(worst->err.code));
    if (!*result)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    if (!failed)
        return 0;
    *e = worst->err;
    return m->count > 1
               ? err_append(e, "; %u of %u copies failed", failed, m->count)
               : e->code;
}
