/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_async.h"

#include "xapi/xapi_task.h"

#include <stdio.h>
#include <string.h>

enum { METHOD_ROOM = 48 };

/* task.get_result: "<value>OpaqueRef:...</value>", as XML in every dialect. */
static int read_result(const struct xapi_task *t, char ref[XAPI_OPAQUE_SIZE],
                       struct err *e)
{
    static const char method[] = "task.get_result", open[] = "<value>";
    CLEANUP(json) json_t *result = NULL;
    char text[2 * XAPI_OPAQUE_SIZE], what[XAPI_WHAT_SIZE];
    char *from = text;

    TRY(xapi_call(t->x, XAPI_FIRM, &result, e, method, "s", t->ref));
    TRY(xapi_json_word(result, NULL, xapi_what(t->x, method, what), text,
                       sizeof(text), e));
    if (!strncmp(text, open, strlen(open)))
        from += strlen(open);
    from[strcspn(from, "<")] = '\0';
    if (strlen(from) >= XAPI_OPAQUE_SIZE || !xapi_ref_is(from) ||
        !xapi_ref_is_some(from))
        return err_set(e, ERR_CORRUPT, "%s: the task's result is no reference",
                       what);
    memcpy(ref, from, strlen(from) + 1);
    return 0;
}

/* The user wants no more. What the task has made by then is told. */
static int stop(const struct xapi_task *t, char ref[XAPI_OPAQUE_SIZE],
                bool *lost, struct err *e)
{
    CLEANUP(json) json_t *ignored = NULL;
    struct xapi_verdict verdict;
    struct err why = {0};

    (void)xapi_call(t->x, XAPI_CLEANUP, &ignored, &why, "task.cancel", "s",
                    t->ref);
    *lost =
        xapi_task_wait(t, XAPI_FIRM, xapi_settle_s(t->x), &verdict, &why) < 0 ||
        verdict.status == XAPI_GONE ||
        (verdict.status == XAPI_SUCCESS && read_result(t, ref, &why) < 0);
    return e->code;
}

static int settle(const struct xapi_task *t, const char *method,
                  char ref[XAPI_OPAQUE_SIZE], bool *lost,
                  struct xapi_fault *fault, struct err *e)
{
    char text[XAPI_VERDICT_TEXT_SIZE];
    struct xapi_verdict verdict;
    int code = xapi_task_wait(t, XAPI_NORMAL, xapi_settle_s(t->x), &verdict, e);

    if (code == ERR_CANCELLED)
        return stop(t, ref, lost, e);
    *lost = code < 0 || verdict.status == XAPI_GONE;
    TRY(code);
    if (verdict.status == XAPI_SUCCESS) {
        *lost = read_result(t, ref, e) < 0;
        return *lost ? e->code : 0;
    }
    if (verdict.status == XAPI_FAILURE) {
        *fault = verdict.fault;
        return 1;
    }
    xapi_verdict_text(t->x, &verdict, text);
    return err_set(e, xapi_verdict_code(&verdict), "%s: %s: %s",
                   xapi_name(t->x), method, text);
}

int xapi_async(struct xapi *x, const char *method, json_t *args,
               char ref[XAPI_OPAQUE_SIZE], bool *lost, struct xapi_fault *fault,
               struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_task task = {.x = x};
    char async[METHOD_ROOM], what[XAPI_WHAT_SIZE];
    int code;

    ref[0] = '\0';
    (void)snprintf(async, sizeof(async), "Async.%s", method);
    code = xapi_ask(x, XAPI_FIRM, async, args, &result, fault, e);
    *lost = code == ERR_TEMPORARY || code == ERR_CORRUPT || code == ERR_FAILED;
    if (code)
        return code;
    *lost =
        xapi_json_ref(result, NULL, xapi_what(x, async, what), task.ref, e) < 0;
    if (*lost)
        return e->code;
    code = settle(&task, method, ref, lost, fault, e);
    xapi_task_drop(&task, false);
    return code;
}
