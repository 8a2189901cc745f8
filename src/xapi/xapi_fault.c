/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_fault.h"

#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void xapi_fault_init(struct xapi_fault *f, const char *code)
{
    f->nparams = 0;
    text_copy_cut(f->code, sizeof(f->code), code);
}

/* Whether the parameter is a ref and nothing else. */
static bool is_ref(const char *param)
{
    return !strncmp(param, "OpaqueRef:", 10) && strlen(param) < 64 &&
           !strpbrk(param, " \t\r\n\"'&?");
}

void xapi_fault_add(struct xapi_fault *f, const char *param)
{
    char *out;

    if (f->nparams == XAPI_PARAMS_MAX)
        return;
    out = f->params[f->nparams];
    text_copy_cut(out, XAPI_PARAM_SIZE, param ? param : "");
    /* A ref inside a longer text, of a URL say, may be anybody's session, and
     * may have been halved by the cut. */
    if (!is_ref(out))
        text_hide_refs(out);
    f->nparams++;
}

static bool looks_like_code(const char *text)
{
    return !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

void xapi_fault_withhold(struct xapi_fault *f, const char *secret)
{
    if (!looks_like_code(f->code))
        text_withhold(f->code, secret);
    for (unsigned i = 0; i < f->nparams; i++)
        text_withhold(f->params[i], secret);
}

bool xapi_fault_is(const struct xapi_fault *f, const char *code)
{
    return !strcmp(f->code, code);
}

bool xapi_fault_is_lacking(const struct xapi_fault *f)
{
    return xapi_fault_is(f, "SR_OPERATION_NOT_SUPPORTED") ||
           xapi_fault_is(f, "UNIMPLEMENTED_IN_SM_BACKEND") ||
           xapi_fault_is(f, "SR_REQUIRES_UPGRADE") ||
           xapi_fault_is(f, "SR_BACKEND_FAILURE_38");
}

struct meaning {
    const char *code;
    enum err_code kind;
    const char *says;
};

/* The codes of XAPI that a transfer can meet. */
static const struct meaning meanings[] = {
    {"SESSION_AUTHENTICATION_FAILED", ERR_AUTH,
     "the pool does not know this user or this password"},
    {"SESSION_INVALID", ERR_AUTH, "the session has ended"},
    {"SESSION_NOT_REGISTERED", ERR_AUTH, "the session has ended"},
    {"RBAC_PERMISSION_DENIED", ERR_AUTH, "the user's role does not allow this"},
    {"HANDLE_INVALID", ERR_NOT_FOUND, "there is no such object (any more)"},
    {"UUID_INVALID", ERR_NOT_FOUND, "there is no object of this uuid"},
    {"VDI_MISSING", ERR_NOT_FOUND, "the SR has lost this VDI"},
    {"SR_BACKEND_FAILURE_44", ERR_NO_SPACE, "the SR has no room for it"},
    {"SR_FULL", ERR_NO_SPACE, "the SR has no room for it"},
    {"SR_BACKEND_FAILURE_79", ERR_NO_SPACE,
     "the SR takes no disk of this size"},
    {"VDI_TOO_LARGE", ERR_NO_SPACE, "the disk is too large for it"},
    {"VDI_IN_USE", ERR_TEMPORARY, "the VDI is in use"},
    {"SR_BACKEND_FAILURE_24", ERR_TEMPORARY, "the VDI is in use"},
    {"SR_BACKEND_FAILURE_46", ERR_TEMPORARY,
     "the VDI cannot be attached: it is in use, or its SR has lost it"},
    {"OTHER_OPERATION_IN_PROGRESS", ERR_TEMPORARY,
     "another operation holds it"},
    {"DEVICE_ATTACH_TIMEOUT", ERR_TEMPORARY, "attaching the VDI took too long"},
    {"DEVICE_DETACH_TIMEOUT", ERR_TEMPORARY, "detaching the VDI took too long"},
    {"DEVICE_DETACH_REJECTED", ERR_TEMPORARY, "the VDI could not be detached"},
    {"HOST_IS_SLAVE", ERR_TEMPORARY, "the host is not the pool's master"},
    {"HOST_OFFLINE", ERR_TEMPORARY, "the host is down"},
    {"HOST_NOT_LIVE", ERR_TEMPORARY, "the host is down"},
    {"HOST_DISABLED", ERR_TEMPORARY, "the host is disabled"},
    {"HOST_STILL_BOOTING", ERR_TEMPORARY, "the host is starting"},
    {"CANNOT_CONTACT_HOST", ERR_TEMPORARY,
     "the master does not reach the host"},
    {"HOST_CANNOT_ATTACH_NETWORK", ERR_TEMPORARY, "the host lacks a network"},
    {"NO_HOSTS_AVAILABLE", ERR_TEMPORARY,
     "no host of the pool has the SR plugged"},
    {"SR_HAS_NO_PBDS", ERR_TEMPORARY, "no host of the pool has the SR plugged"},
    {"SR_NOT_ATTACHED", ERR_TEMPORARY,
     "no host of the pool has the SR plugged"},
    {"TOO_BUSY", ERR_TEMPORARY, "the server is too busy"},
    {"TOO_MANY_PENDING_TASKS", ERR_TEMPORARY, "the server is too busy"},
    {"TASK_CANCELLED", ERR_FAILED,
     "by someone, or since its host was started anew"},
    {"VDI_IO_ERROR", ERR_FAILED, "the server met an error on the disk"},
    {"VDI_READONLY", ERR_FAILED, "the VDI is read-only"},
    {"VDI_INCOMPATIBLE_TYPE", ERR_UNSUPPORTED,
     "VDIs of this type do not take part"},
    {"SR_OPERATION_NOT_SUPPORTED", ERR_UNSUPPORTED,
     "SRs of this type cannot do it"},
    {"UNIMPLEMENTED_IN_SM_BACKEND", ERR_UNSUPPORTED,
     "the SR cannot do it with this disk"},
    {"SR_REQUIRES_UPGRADE", ERR_UNSUPPORTED,
     "the SR cannot do it with this disk"},
    {"SR_BACKEND_FAILURE_38", ERR_UNSUPPORTED,
     "the SR cannot do it with this disk"},
    {"MESSAGE_METHOD_UNKNOWN", ERR_UNSUPPORTED,
     "the server is too old (or new) for this call"},
    {"MESSAGE_PARAMETER_COUNT_MISMATCH", ERR_UNSUPPORTED,
     "the server is too old (or new) for this call"},
    {"LICENCE_RESTRICTION", ERR_FAILED, "the pool's licence does not allow it"},
};

/* What a backend prints when the array or the file system is full. */
static bool speaks_of_space(const struct xapi_fault *f)
{
    for (unsigned i = 0; i < f->nparams; i++)
        if (strcasestr(f->params[i], "insufficient space") ||
            strcasestr(f->params[i], "no space left"))
            return true;
    return false;
}

static struct meaning backend_failure(const struct xapi_fault *f)
{
    if (speaks_of_space(f))
        return (struct meaning){f->code, ERR_NO_SPACE, "the SR is full"};
    return (struct meaning){f->code, ERR_FAILED,
                            "the SR's storage backend failed"};
}

static struct meaning meaning_of(const struct xapi_fault *f)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (xapi_fault_is(f, meanings[i].code))
            return meanings[i];
    if (!strncmp(f->code, "SR_BACKEND_FAILURE", 18))
        return backend_failure(f);
    return (struct meaning){f->code, ERR_FAILED, "the server failed"};
}

bool xapi_fault_is_busy(const struct xapi_fault *f)
{
    static const char *const busy[] = {
        "VDI_IN_USE",
        "OTHER_OPERATION_IN_PROGRESS",
        "SR_BACKEND_FAILURE_24",
        "DEVICE_DETACH_TIMEOUT",
        "DEVICE_DETACH_REJECTED",
        "TOO_BUSY",
        "TOO_MANY_PENDING_TASKS",
    };

    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
        if (xapi_fault_is(f, busy[i]))
            return true;
    return false;
}

enum err_code xapi_fault_kind(const struct xapi_fault *f)
{
    return meaning_of(f).kind;
}

/* Whether the parameters of this fault may name a session that is not ours. */
static bool names_session(const struct xapi_fault *f)
{
    return !strncmp(f->code, "SESSION_INVALID", 15) ||
           !strncmp(f->code, "SESSION_NOT", 11) ||
           (f->nparams && !strcmp(f->params[0], "session"));
}

void xapi_fault_text(const struct xapi_fault *f, const char *session,
                     char out[XAPI_FAULT_TEXT_SIZE])
{
    const char *before = ": ";
    size_t used;

    (void)snprintf(out, XAPI_FAULT_TEXT_SIZE - 1, "%s (%s", meaning_of(f).says,
                   f->code);
    for (unsigned i = 0; i < f->nparams && !names_session(f); i++) {
        if (!*f->params[i])
            continue;
        used = strlen(out);
        (void)snprintf(out + used, XAPI_FAULT_TEXT_SIZE - 1 - used, "%s%s",
                       before, f->params[i]);
        before = ", ";
    }
    text_hide(out, session);
    used = strlen(out);
    out[used] = ')';
    out[used + 1] = '\0';
}

/* Cut to `most` bytes each, so that all have room. */
static char *list_text(const struct xapi_fault *f, const char *session,
                       size_t most)
{
    json_t *list = json_array();
    char param[XAPI_PARAM_SIZE];
    char *text;

    json_array_append_new(list, json_string(f->code));
    for (unsigned i = 0; i < f->nparams && !names_session(f); i++) {
        text_copy_cut(param, most, f->params[i]);
        text_hide(param, session);
        json_array_append_new(list, json_string(param));
    }
    text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

void xapi_fault_say(const struct xapi_fault *f, const char *session,
                    struct err *e)
{
    for (size_t most = XAPI_PARAM_SIZE; *f->code && most >= 16; most /= 2) {
        char *text = list_text(f, session, most);
        bool fits = text && strlen(text) < sizeof(e->said);

        if (fits)
            (void)snprintf(e->said, sizeof(e->said), "%s", text);
        free(text);
        if (fits)
            return;
    }
}

int xapi_fault_set(const struct xapi_fault *f, const char *session,
                   const char *what, struct err *e)
{
    char text[XAPI_FAULT_TEXT_SIZE];

    xapi_fault_text(f, session, text);
    (void)err_set(e, xapi_fault_kind(f), "%s: %s", what, text);
    if (e)
        xapi_fault_say(f, session, e);
    return xapi_fault_kind(f);
}
