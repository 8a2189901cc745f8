/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_vdi.h"

#include "base/mem.h"
#include "xapi/xapi_task.h"
#include "xapi/xapi_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* --- reading ---------------------------------------------------------------*/

static int read_record(struct xapi_vdi *vdi, const json_t *record,
                       const char *what, struct err *e)
{
    TRY(xapi_json_word(record, "uuid", what, vdi->uuid, sizeof(vdi->uuid), e));
    TRY(xapi_json_label(record, "name_label", what, vdi->label,
                        sizeof(vdi->label), e));
    TRY(xapi_json_size(record, "virtual_size", what, &vdi->size, e));
    TRY(xapi_json_size(record, "physical_utilisation", what, &vdi->used, e));
    TRY(xapi_json_bool(record, "read_only", what, &vdi->read_only, e));
    TRY(xapi_json_bool(record, "is_a_snapshot", what, &vdi->is_snapshot, e));
    if (!json_is_object(json_object_get(record, "sm_config")))
        return err_set(e, ERR_CORRUPT, "%s: the VDI has no sm_config", what);
    return xapi_json_ref(record, "SR", what, vdi->sr.ref, e);
}

int xapi_vdi_read(struct xapi *x, const char *ref, struct xapi_vdi *out,
                  struct err *e)
{
    static const char method[] = "VDI.get_record";
    CLEANUP(json) json_t *record = NULL;
    struct xapi_vdi vdi = {0};
    char what[XAPI_WHAT_SIZE];

    TRY(xapi_call(x, XAPI_NORMAL, &record, e, method, "s", ref));
    (void)xapi_what(x, method, what);
    (void)snprintf(vdi.ref, sizeof(vdi.ref), "%s", ref);
    TRY(read_record(&vdi, record, what, e));
    TRY(xapi_sr_read(x, vdi.sr.ref, &vdi.sr, e));
    vdi.takes_vhd =
        xapi_sr_vdi_takes_vhd(&vdi.sr, json_object_get(record, "sm_config"));
    *out = vdi;
    return 0;
}

int xapi_vdi_find(struct xapi *x, const char *name, struct xapi_vdi *out,
                  struct err *e)
{
    char ref[XAPI_OPAQUE_SIZE];

    TRY(xapi_find(x, "VDI", name, ref, e));
    return xapi_vdi_read(x, ref, out, e);
}

/* --- destroying ------------------------------------------------------------*/

/* One question whose refusal with HANDLE_INVALID says that the VDI is gone: 1;
 * 0 when it is there and the call was carried out. */
static int ask_about(struct xapi *x, const char *method, const char *ref,
                     struct xapi_fault *fault, struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    int code = xapi_ask(x, XAPI_CLEANUP, method, json_pack("[s]", ref), &result,
                        fault, e);

    if (code == 1 && !xapi_fault_is(fault, "HANDLE_INVALID"))
        return xapi_refuse(x, fault, method, e);
    return code;
}

int xapi_vdi_exists(struct xapi *x, const char *ref, bool *out, struct err *e)
{
    struct xapi_fault fault;
    int gone = ask_about(x, "VDI.get_uuid", ref, &fault, e);

    TRY(gone);
    *out = !gone;
    return 0;
}

/* How long a failure to destroy is worth another try. */
enum patience {
    NONE,
    SHORT, /* the pool is not reached, or is in trouble */
    LONG,  /* the VDI is in use: it takes minutes to detach one */
};

static enum patience patience_with(int code, const struct xapi_fault *fault)
{
    if (xapi_fault_is_busy(fault))
        return LONG;
    return code == ERR_TEMPORARY ? SHORT : NONE;
}

/* One attempt: 1 gone, else 0 with *e and *more. */
static int destroy_once(struct xapi *x, const char *ref, enum patience *more,
                        struct err *e)
{
    struct xapi_fault fault = {0};
    int code = ask_about(x, "VDI.destroy", ref, &fault, e);
    bool exists = true;

    if (code == 1)
        return 1;
    *more = patience_with(code, &fault);
    if (code < 0)
        return 0;
    code = xapi_vdi_exists(x, ref, &exists, e);
    *more = SHORT;
    if (!code && exists)
        (void)err_set(e, ERR_FAILED,
                      "%s: VDI.destroy succeeded, but the VDI is still there",
                      xapi_name(x));
    return !exists;
}

int xapi_vdi_destroy(struct xapi *x, const char *ref, struct err *e)
{
    double start = wait_now();
    double settle = xapi_settle_s(x);
    double limits[] = {[NONE] = 0, [SHORT] = 120, [LONG] = settle};
    unsigned pause_ms = 0;

    for (;;) {
        enum patience more = NONE;
        struct err why = {0};

        if (destroy_once(x, ref, &more, &why))
            return 0;
        if (more == NONE || wait_now() - start >= limits[more] ||
            wait_now() - start >= settle) {
            *e = why;
            return why.code;
        }
        (void)xapi_pause(x, XAPI_CLEANUP, &pause_ms, NULL);
    }
}

/* --- marks -----------------------------------------------------------------*/

static const char *const mark_keys[] = {XAPI_MARK_RUN, XAPI_MARK_DISK,
                                        XAPI_MARK_PROGRAM, XAPI_MARK_HOST,
                                        XAPI_MARK_START};

enum { MARKS = sizeof(mark_keys) / sizeof(mark_keys[0]), TRIES = 5 };

json_t *xapi_marks(const struct xapi *x, const char *disk)
{
    char host[64] = "";
    char start[32] = "";
    time_t now = time(NULL);
    struct tm utc;

    if (gethostname(host, sizeof(host) - 1) ||
        !text_is_utf8(host, strlen(host)))
        (void)snprintf(host, sizeof(host), "unknown");
    if (gmtime_r(&now, &utc))
        (void)strftime(start, sizeof(start), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", XAPI_MARK_RUN, xapi_run(x),
                     XAPI_MARK_DISK, disk, XAPI_MARK_PROGRAM,
                     "vhdstream " VHDSTREAM_VERSION, XAPI_MARK_HOST, host,
                     XAPI_MARK_START, start);
}

int xapi_vdi_mark(struct xapi *x, const char *ref, const char *disk,
                  struct err *e)
{
    CLEANUP(json) json_t *marks = xapi_marks(x, disk);

    for (int i = 0; i < MARKS; i++) {
        CLEANUP(json) json_t *result = NULL;

        TRY(xapi_call(x, XAPI_FIRM, &result, e, "VDI.add_to_other_config",
                      "sss", ref, mark_keys[i],
                      xapi_json_in_map(marks, mark_keys[i])));
    }
    return 0;
}

static int remove_mark(struct xapi *x, const char *ref, const char *key,
                       struct err *e)
{
    CLEANUP(json) json_t *result = NULL;

    return xapi_call(x, XAPI_CLEANUP, &result, e,
                     "VDI.remove_from_other_config", "ss", ref, key);
}

/* The disk is whole by now: this is worth more than one try. */
int xapi_vdi_unmark(struct xapi *x, const char *ref, struct err *e)
{
    unsigned pause_ms = 0;

    for (int i = 0, tries = 0; i < MARKS;) {
        struct err why = {0};
        int code = remove_mark(x, ref, mark_keys[i], &why);

        if (!code) {
            i++;
            continue;
        }
        if (code != ERR_TEMPORARY || ++tries == TRIES) {
            *e = why;
            return code;
        }
        (void)xapi_pause(x, XAPI_CLEANUP, &pause_ms, NULL);
    }
    return 0;
}
