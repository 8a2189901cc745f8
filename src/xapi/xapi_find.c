/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_sr.h"

#include "base/checked.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LISTED_MAX = 8 }; /* uuids in a message */

static int by_uuid(struct xapi *x, const char *class, const char *uuid,
                   char out[XAPI_OPAQUE_SIZE], struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    struct xapi_fault fault;
    char method[32];
    char what[XAPI_WHAT_SIZE];
    int code;

    (void)snprintf(method, sizeof(method), "%s.get_by_uuid", class);
    code = xapi_ask(x, XAPI_NORMAL, method, json_pack("[s]", uuid), &result,
                    &fault, e);
    if (code == 1 && xapi_fault_is(&fault, "UUID_INVALID"))
        return err_set(e, ERR_NOT_FOUND, "%s: the pool has no %s of uuid %s",
                       xapi_name(x), class, uuid);
    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    TRY(code);
    return xapi_json_ref(result, NULL, xapi_what(x, method, what), out, e);
}

/* Appends the uuids of `refs` to the message. */
static int list_uuids(struct xapi *x, const char *class, const json_t *refs,
                      struct err *e)
{
    size_t count = (size_t)min_u64(json_array_size(refs), LISTED_MAX);
    const char *before = "";
    char method[32];

    (void)snprintf(method, sizeof(method), "%s.get_uuid", class);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(json) json_t *result = NULL;
        const char *ref = json_string_value(json_array_get(refs, i));
        struct err ignored;

        if (!ref ||
            xapi_call(x, XAPI_NORMAL, &result, &ignored, method, "s", ref) < 0)
            continue;
        (void)err_append(e, "%s%s", before, json_string_value(result));
        before = ", ";
    }
    if (json_array_size(refs) > LISTED_MAX)
        (void)err_append(e, ", ...");
    return e->code;
}

static int by_label(struct xapi *x, const char *class, const char *label,
                    char out[XAPI_OPAQUE_SIZE], struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    const json_t *refs;
    char method[32];
    char what[XAPI_WHAT_SIZE];
    size_t count;

    (void)snprintf(method, sizeof(method), "%s.get_by_name_label", class);
    TRY(xapi_call(x, XAPI_NORMAL, &result, e, method, "s", label));
    (void)xapi_what(x, method, what);
    TRY(xapi_json_list(result, NULL, what, &refs, e));
    count = json_array_size(refs);
    if (count == 1)
        return xapi_json_ref(json_array_get(refs, 0), NULL, what, out, e);
    if (!count)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: the pool has no %s of the name-label \"%s\"",
                       xapi_name(x), class, label);
    (void)err_set(e, ERR_USAGE,
                  "%s: %zu %ss have the name-label \"%s\"; name one by its "
                  "uuid: ",
                  xapi_name(x), count, class, label);
    return list_uuids(x, class, refs, e);
}

int xapi_find(struct xapi *x, const char *class, const char *name,
              char out[XAPI_OPAQUE_SIZE], struct err *e)
{
    char uuid[UUID_TEXT_SIZE];

    if (!uuid_is(name))
        return by_label(x, class, name, out, e);
    /* XAPI knows them in small letters only. */
    for (size_t i = 0; i < UUID_TEXT_SIZE; i++)
        uuid[i] = (char)tolower((unsigned char)name[i]);
    return by_uuid(x, class, uuid, out, e);
}
