/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_records.h"

#include <stdio.h>

enum { METHOD_SIZE = 48 };

static const char *method_of(const char *class, const char *verb,
                             char out[METHOD_SIZE])
{
    (void)snprintf(out, METHOD_SIZE, "%s.%s", class, verb);
    return out;
}

static int hand_out(const char *what, const json_t *all, xapi_record_fn *take,
                    void *ctx, struct err *e)
{
    const json_t *map;
    const char *ref;
    json_t *record;

    TRY(xapi_json_map(all, NULL, what, &map, e));
    json_object_foreach((json_t *)map, ref, record)
    {
        if (!xapi_ref_is(ref))
            return err_set(e, ERR_CORRUPT, "%s: a key is no reference", what);
        TRY(take(ctx, ref, record, e));
    }
    return 0;
}

/* One of a list; what is gone since it was listed is left out. */
static int take_one(struct xapi *x, const char *class, const char *ref,
                    xapi_record_fn *take, void *ctx, struct err *e)
{
    CLEANUP(json) json_t *record = NULL;
    char method[METHOD_SIZE];
    struct xapi_fault fault;
    int code;

    (void)method_of(class, "get_record", method);
    code = xapi_ask(x, XAPI_NORMAL, method, json_pack("[s]", ref), &record,
                    &fault, e);
    if (code == 1 && xapi_fault_is(&fault, "HANDLE_INVALID"))
        return 0;
    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    TRY(code);
    return take(ctx, ref, record, e);
}

static int one_by_one(struct xapi *x, const char *class, xapi_record_fn *take,
                      void *ctx, struct err *e)
{
    CLEANUP(json) json_t *result = NULL;
    char method[METHOD_SIZE];
    char what[XAPI_WHAT_SIZE];
    char ref[XAPI_OPAQUE_SIZE];
    const json_t *refs;

    (void)method_of(class, "get_all", method);
    TRY(xapi_call(x, XAPI_NORMAL, &result, e, method, ""));
    (void)xapi_what(x, method, what);
    TRY(xapi_json_list(result, NULL, what, &refs, e));
    for (size_t i = 0; i < json_array_size(refs); i++) {
        TRY(xapi_json_ref(json_array_get(refs, i), NULL, what, ref, e));
        TRY(take_one(x, class, ref, take, ctx, e));
    }
    return 0;
}

int xapi_records(struct xapi *x, const char *class, xapi_record_fn *take,
                 void *ctx, struct err *e)
{
    CLEANUP(json) json_t *all = NULL;
    char method[METHOD_SIZE];
    char what[XAPI_WHAT_SIZE];
    struct err why = {0};
    int code;

    (void)method_of(class, "get_all_records", method);
    code = xapi_call(x, XAPI_NORMAL, &all, &why, method, "");
    if (code == ERR_CORRUPT)
        return one_by_one(x, class, take, ctx, e);
    if (code < 0) {
        *e = why;
        return code;
    }
    return hand_out(xapi_what(x, method, what), all, take, ctx, e);
}
