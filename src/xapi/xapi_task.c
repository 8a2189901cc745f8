/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_task.h"

#include "base/mem.h"
#include "xapi/xapi_marks.h"

#include <stdio.h>
#include <string.h>

enum {
    PAUSE_MIN_MS = 100,
    TELL_AFTER = 4, /* looks that failed in a row */
    PAUSE_MAX_MS = 2000,
};

/* Destroys a task of ours that nobody waits for. */
static void discard(struct xapi *x, const char *ref)
{
    struct xapi_task task = {.x = x};

    (void)snprintf(task.ref, sizeof(task.ref), "%s", ref);
    xapi_task_drop(&task, true);
}

/* The answer to task.create was lost: a task of this label and description is
 * the one that it made. */
static void discard_lost(struct xapi *x, const char *label,
                         const char *description)
{
    CLEANUP(json) json_t *refs = NULL;
    struct err ignored;

    if (xapi_call(x, XAPI_CLEANUP, &refs, &ignored, "task.get_by_name_label",
                  "s", label) < 0)
        return;
    for (size_t i = 0; i < json_array_size(refs); i++) {
        CLEANUP(json) json_t *text = NULL;
        const char *ref = json_string_value(json_array_get(refs, i));

        if (ref && xapi_ref_is(ref) &&
            !xapi_call(x, XAPI_CLEANUP, &text, &ignored,
                       "task.get_name_description", "s", ref) &&
            json_is_string(text) &&
            !strcmp(json_string_value(text), description))
            discard(x, ref);
    }
}

static int create(struct xapi *x, const char *label, const char *description,
                  char ref[XAPI_OPAQUE_SIZE], struct err *e)
{
    static const char method[] = "task.create";
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    char what[XAPI_WHAT_SIZE];
    int code =
        xapi_ask(x, XAPI_FIRM, method, json_pack("[ss]", label, description),
                 &result, &fault, e);

    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    if (!code)
        code = xapi_json_ref(result, NULL, xapi_what(x, method, what), ref, e);
    if (code < 0)
        discard_lost(x, label, description);
    return code;
}

/* task.create takes no other_config. Older servers let only a pool's
 * operators write it: a refusal is none of the transfer's. */
static int mark(struct xapi_task *t, struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    int64_t now;
    int code;

    TRY(xapi_clock(t->x, XAPI_FIRM, &now, NULL, e));
    code = xapi_ask(
        t->x, XAPI_FIRM, "task.set_other_config",
        json_pack("[so]", t->ref, xapi_marks(t->x, XAPI_MADE_TASK, NULL, now)),
        &result, &fault, e);
    if (code)
        return code < 0 ? code : 0;
    return xapi_beat_start(t->x, &t->beat, "task", t->ref, e);
}

int xapi_task_create(struct xapi_task *out, struct xapi *x, const char *label,
                     const char *name, struct err *e)
{
    char whole[XAPI_LABEL_SIZE + 32];
    char description[2 * UUID_TEXT_SIZE + 32];
    char id[UUID_TEXT_SIZE];
    struct uuid fresh;

    TRY(uuid_make(&fresh, e));
    uuid_format(&fresh, id);
    (void)snprintf(whole, sizeof(whole), "%s%s", label, name);
    (void)snprintf(description, sizeof(description), "vhdstream %s, run %s", id,
                   xapi_run(x));
    TRY(create(x, whole, description, out->ref, e));
    out->x = x;
    if (!mark(out, e))
        return 0;
    xapi_task_drop(out, true);
    return e->code;
}

/* --- looking ---------------------------------------------------------------*/

static enum xapi_status status_of(const char *word)
{
    if (!strcmp(word, "success"))
        return XAPI_SUCCESS;
    if (!strcmp(word, "failure"))
        return XAPI_FAILURE;
    if (!strcmp(word, "cancelled"))
        return XAPI_TASK_CANCELLED;
    return XAPI_PENDING; /* "cancelling" as well: the copy goes on */
}

static int read_record(const json_t *record, const char *what,
                       struct xapi_verdict *out, struct err *e)
{
    char status[32];
    const json_t *info;

    TRY(xapi_json_word(record, "status", what, status, sizeof(status), e));
    TRY(xapi_json_fraction(record, "progress", what, &out->progress, e));
    TRY(xapi_json_list(record, "error_info", what, &info, e));
    out->status = status_of(status);
    out->reached = out->status == XAPI_PENDING ? out->progress : -1;
    xapi_fault_init(&out->fault, "");
    for (size_t i = 0; i < json_array_size(info); i++) {
        const char *word = json_string_value(json_array_get(info, i));

        if (i == 0)
            xapi_fault_init(&out->fault, word ? word : "");
        else
            xapi_fault_add(&out->fault, word);
    }
    return 0;
}

int xapi_task_look(const struct xapi_task *t, enum xapi_mode mode,
                   struct xapi_verdict *out, struct err *e)
{
    static const char method[] = "task.get_record";
    CLEANUP(json) json_t *record = NULL;
    struct xapi_fault fault;
    char what[XAPI_WHAT_SIZE];
    int code = xapi_ask(t->x, mode, method, json_pack("[s]", t->ref), &record,
                        &fault, e);

    if (code == 1 && xapi_fault_is(&fault, "HANDLE_INVALID")) {
        *out = (struct xapi_verdict){.status = XAPI_GONE, .reached = -1};
        return 0;
    }
    if (code == 1)
        return xapi_refuse(t->x, &fault, method, e);
    TRY(code);
    return read_record(record, xapi_what(t->x, method, what), out, e);
}

/* XAPI's steps are whole percents; less is what xapi_keep.c adds. */
static const double progress_least = 0.005;

/* --- waiting ---------------------------------------------------------------*/

int xapi_pause(struct xapi *x, enum xapi_mode mode, unsigned *pause_ms,
               struct err *e)
{
    unsigned ms = *pause_ms ? *pause_ms + *pause_ms / 2 : PAUSE_MIN_MS;

    *pause_ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    return wait_sleep(xapi_wait(x, mode), *pause_ms, e);
}

static int not_learnt(const struct xapi_task *t, unsigned limit_s,
                      const struct err *why, const struct xapi_verdict *v,
                      struct err *e)
{
    if (why->code)
        return err_set(e, ERR_UNSETTLED,
                       "%s: the verdict of the server's task could not be "
                       "learnt in %u seconds: %s",
                       xapi_name(t->x), limit_s, why->text);
    return err_set(e, ERR_UNSETTLED,
                   "%s: the verdict of the server's task could not be learnt: "
                   "it has been pending at %.0f %% for %u seconds",
                   xapi_name(t->x), v->progress * 100, limit_s);
}

/* A pool that cannot be asked for a while may be restarting. */
static bool may_pass(int code)
{
    return code == ERR_TEMPORARY || code == ERR_FAILED;
}

/* Once for each time that the pool is away. */
static void tell_waiting(const struct xapi_task *t, unsigned failed,
                         unsigned limit_s, const struct err *why)
{
    if (failed == TELL_AFTER)
        notice_say(xapi_notice(t->x),
                   "%s; the verdict of the server's task is waited for, %u "
                   "seconds at most",
                   why->text, limit_s);
}

static bool is_in_vain(const struct xapi_task *t, unsigned limit_s)
{
    return limit_s < xapi_settle_s(t->x) && xapi_is_out_of_reach(t->x);
}

int xapi_task_wait(const struct xapi_task *t, enum xapi_mode mode,
                   unsigned limit_s, struct xapi_verdict *out, struct err *e)
{
    double since = wait_now();
    double progress = -1;
    unsigned pause_ms = 0, failed = 0;

    *out = (struct xapi_verdict){.status = XAPI_PENDING, .reached = -1};
    for (;;) {
        struct err why = {0};
        int code = xapi_task_look(t, mode, out, &why);

        if (code < 0 && !may_pass(code)) {
            *e = why;
            return code;
        }
        failed = code < 0 ? failed + 1 : 0;
        tell_waiting(t, failed, limit_s, &why);
        if (!code && out->status != XAPI_PENDING) {
            out->reached = progress;
            return 0;
        }
        if (!code && out->progress > progress + progress_least) {
            progress = out->progress;
            since = wait_now();
        }
        if (wait_now() - since >= limit_s || is_in_vain(t, limit_s))
            return not_learnt(t, limit_s, &why, out, e);
        TRY(xapi_pause(t->x, mode, &pause_ms, e));
    }
}

/* --- judging ---------------------------------------------------------------*/

void xapi_verdict_text(struct xapi *x, const struct xapi_verdict *v,
                       char out[XAPI_VERDICT_TEXT_SIZE])
{
    static const char *const words[] = {
        [XAPI_PENDING] = "the server's task is still pending",
        [XAPI_SUCCESS] = "the server's task says success",
        [XAPI_FAILURE] = "the server's task failed",
        [XAPI_TASK_CANCELLED] = "the server's task was cancelled",
        [XAPI_GONE] = "the server has lost the task and its verdict",
    };
    char cause[XAPI_FAULT_TEXT_SIZE];

    if (!v->fault.code[0]) {
        (void)snprintf(out, XAPI_VERDICT_TEXT_SIZE, "%s", words[v->status]);
        return;
    }
    xapi_session_fault_text(x, &v->fault, cause);
    (void)snprintf(out, XAPI_VERDICT_TEXT_SIZE, "%s: %s", words[v->status],
                   cause);
}

void xapi_verdict_say(struct xapi *x, const struct xapi_verdict *v,
                      struct err *e)
{
    if (e && v->fault.code[0])
        xapi_session_fault_say(x, &v->fault, e);
}

int xapi_verdict_code(const struct xapi_verdict *v)
{
    switch (v->status) {
    case XAPI_SUCCESS:
        return 0;
    case XAPI_FAILURE:
        return xapi_fault_kind(&v->fault);
    case XAPI_TASK_CANCELLED:
        return ERR_FAILED;
    default:
        return ERR_UNSETTLED;
    }
}

/* --- the end ---------------------------------------------------------------*/

void xapi_task_drop(struct xapi_task *t, bool untouched)
{
    CLEANUP(json) json_t *status = NULL;
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    struct err ignored;

    if (!t->ref[0])
        return;
    xapi_beat_stop(t->x, &t->beat);
    if (untouched)
        (void)xapi_ask(t->x, XAPI_CLEANUP, "task.set_status",
                       json_pack("[ss]", t->ref, "cancelled"), &status, &fault,
                       &ignored);
    (void)xapi_ask(t->x, XAPI_CLEANUP, "task.destroy", json_pack("[s]", t->ref),
                   &result, &fault, &ignored);
    t->ref[0] = '\0';
}
