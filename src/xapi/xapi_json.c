/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_json.h"

#include "base/json_text.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char xapi_null_ref[] = "OpaqueRef:NULL";

void json_cleanup(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

bool xapi_ref_is(const char *ref)
{
    size_t len = strlen(ref);

    if (!len || len >= XAPI_OPAQUE_SIZE)
        return false;
    for (; *ref; ref++)
        if (!isalnum((unsigned char)*ref) && !strchr(":-._", *ref))
            return false;
    return true;
}

bool xapi_ref_is_some(const char *ref)
{
    return *ref && strcmp(ref, xapi_null_ref) != 0;
}

/* --- requests --------------------------------------------------------------*/

/* jansson's texts are freed by jansson's own free; ours are wiped. */
static int dump(char **out, const json_t *request, struct err *e)
{
    char *text = json_dumps(request, JSON_COMPACT);
    int code;

    if (!text)
        return err_set(e, ERR_NO_SPACE, "out of memory for a request");
    code = mem_copy_text(out, text, e);
    explicit_bzero(text, strlen(text));
    free(text);
    return code;
}

int xapi_json_request(char **out, const char *method, const char *session,
                      json_t *args, struct err *e)
{
    CLEANUP(json) json_t *params = json_array();
    CLEANUP(json) json_t *request = NULL;

    if (!args)
        return err_set(e, ERR_USAGE,
                       "%s: a text for it is no UTF-8, or memory ran out",
                       method);
    if (session)
        (void)json_array_append_new(params, json_string(session));
    (void)json_array_extend(params, args);
    request = json_pack("{s:s, s:s, s:O, s:i}", "jsonrpc", "2.0", "method",
                        method, "params", params, "id", 1);
    if (!request ||
        json_array_size(params) != json_array_size(args) + (session ? 1 : 0))
        return err_set(e, ERR_NO_SPACE, "out of memory for a request");
    return dump(out, request, e);
}

/* --- answers ---------------------------------------------------------------*/

static int load(json_t **out, const char *text, const char *what, struct err *e)
{
    json_error_t where;
    json_t *value;

    if (!json_text_is_bounded(text, XAPI_DEPTH_MAX, XAPI_VALUES_MAX))
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer has more than %d values, or nests "
                       "deeper than %d",
                       what, XAPI_VALUES_MAX, XAPI_DEPTH_MAX);
    value = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!value)
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer is no JSON (byte %d); is this the "
                       "management address of an XAPI host?",
                       what, where.position);
    *out = value;
    return 0;
}

/* 2.0: {"message": CODE, "data": [params]}; 1.0, and what 2.0 raises before it
 * dispatches: [CODE, params]. */
static int read_fault(struct xapi_fault *fault, const json_t *error,
                      const char *what, struct err *e)
{
    const json_t *params = error;
    size_t first = 1;
    const char *code;

    if (json_is_object(error)) {
        code = json_string_value(json_object_get(error, "message"));
        params = json_object_get(error, "data");
        first = 0;
    } else {
        code = json_string_value(json_array_get(error, 0));
    }
    if (!code)
        return err_set(e, ERR_CORRUPT, "%s: an error answer without a code",
                       what);
    xapi_fault_init(fault, code);
    for (size_t i = first; i < json_array_size(params); i++)
        xapi_fault_add(fault, json_string_value(json_array_get(params, i)));
    return 1;
}

int xapi_json_reply(json_t **result, struct xapi_fault *fault, const char *text,
                    const char *what, struct err *e)
{
    CLEANUP(json) json_t *reply = NULL;
    json_t *found;

    TRY(load(&reply, text, what, e));
    found = json_object_get(reply, "error");
    if (found && !json_is_null(found))
        return read_fault(fault, found, what, e);
    found = json_object_get(reply, "result");
    if (!found)
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer has neither a result nor an error",
                       what);
    *result = json_incref(found);
    return 0;
}

/* --- typed access ----------------------------------------------------------*/

static const json_t *at(const json_t *value, const char *key)
{
    return key ? json_object_get(value, key) : value;
}

static int mismatch(const char *key, const char *what, const char *wanted,
                    struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: the server's %s%s is no %s", what,
                   key ? "field " : "answer", key ? key : "", wanted);
}

static int text_at(const json_t *value, const char *key, const char *what,
                   const char **out, struct err *e)
{
    const char *text = json_string_value(at(value, key));

    if (!text)
        return mismatch(key, what, "text", e);
    *out = text;
    return 0;
}

int xapi_json_word(const json_t *value, const char *key, const char *what,
                   char *out, size_t size, struct err *e)
{
    const char *text = NULL;

    TRY(text_at(value, key, what, &text, e));
    if (!text_copy_part(out, size, text, strlen(text)))
        return mismatch(key, what, "text of a sane length", e);
    return 0;
}

int xapi_json_label(const json_t *value, const char *key, const char *what,
                    char *out, size_t size, struct err *e)
{
    const char *text = NULL;

    TRY(text_at(value, key, what, &text, e));
    text_copy_cut(out, size, text);
    return 0;
}

int xapi_json_ref(const json_t *value, const char *key, const char *what,
                  char out[XAPI_OPAQUE_SIZE], struct err *e)
{
    const char *text = NULL;

    TRY(text_at(value, key, what, &text, e));
    if (!xapi_ref_is(text))
        return mismatch(key, what, "reference", e);
    (void)text_copy_part(out, XAPI_OPAQUE_SIZE, text, strlen(text));
    return 0;
}

static bool digits(const char *text, uint64_t *out)
{
    size_t len = text ? strlen(text) : 0;

    /* 19 digits always fit in 64 bits. */
    if (!len || len > 19 || strspn(text, "0123456789") != len)
        return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

int xapi_json_size(const json_t *value, const char *key, const char *what,
                   uint64_t *out, struct err *e)
{
    const json_t *found = at(value, key);

    if (json_is_integer(found) && json_integer_value(found) >= 0) {
        *out = (uint64_t)json_integer_value(found);
        return 0;
    }
    if (digits(json_string_value(found), out))
        return 0;
    return mismatch(key, what, "size", e);
}

int xapi_json_bool(const json_t *value, const char *key, const char *what,
                   bool *out, struct err *e)
{
    const json_t *found = at(value, key);

    if (!json_is_boolean(found))
        return mismatch(key, what, "boolean", e);
    *out = json_is_true(found);
    return 0;
}

int xapi_json_fraction(const json_t *value, const char *key, const char *what,
                       double *out, struct err *e)
{
    const json_t *found = at(value, key);
    double number = json_number_value(found);

    if (!json_is_number(found) || !(number >= 0 && number <= 1))
        return mismatch(key, what, "number from 0 to 1", e);
    *out = number;
    return 0;
}

int xapi_json_list(const json_t *value, const char *key, const char *what,
                   const json_t **out, struct err *e)
{
    const json_t *found = at(value, key);

    if (!json_is_array(found))
        return mismatch(key, what, "list", e);
    *out = found;
    return 0;
}

int xapi_json_map(const json_t *value, const char *key, const char *what,
                  const json_t **out, struct err *e)
{
    const json_t *found = at(value, key);

    if (!json_is_object(found))
        return mismatch(key, what, "map", e);
    *out = found;
    return 0;
}

const char *xapi_json_in_map(const json_t *map, const char *key)
{
    const char *text = json_string_value(json_object_get(map, key));

    return text ? text : "";
}
