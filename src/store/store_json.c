/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/store_json.h"

#include "base/json_text.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_json_cleanup(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

int store_json_request(char **out, json_t *value, struct err *e)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    int code;

    json_decref(value);
    if (!text)
        return err_set(e, ERR_USAGE,
                       "a text for the server is no UTF-8, or memory ran out");
    code = mem_copy_text(out, text, e);
    explicit_bzero(text, strlen(text));
    free(text);
    return code;
}

int store_json_load(json_t **out, const char *text, const char *name,
                    struct err *e)
{
    json_error_t where;
    json_t *value;

    if (!json_text_is_bounded(text, STORE_DEPTH_MAX, STORE_VALUES_MAX))
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer has more than %d values, or nests "
                       "deeper than %d",
                       name, STORE_VALUES_MAX, STORE_DEPTH_MAX);
    value = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!value)
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer is no JSON (byte %d); is this the "
                       "address of the service's API?",
                       name, where.position);
    *out = value;
    return 0;
}

static int wrong_type(const char *name, const char *key, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "%s: the answer has no %s of the kind that is expected",
                   name, key);
}

/* *text is NULL where there is none. */
static int find_text(const json_t *object, const char *key, const char *name,
                     const char **text, struct err *e)
{
    const json_t *value = json_object_get(object, key);

    *text = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) ||
        strlen(json_string_value(value)) != json_string_length(value))
        return wrong_type(name, key, e);
    *text = json_string_value(value);
    return 0;
}

int store_json_text(const json_t *object, const char *key, const char *name,
                    char *out, size_t size, struct err *e)
{
    const char *text;

    TRY(find_text(object, key, name, &text, e));
    if (text && strlen(text) >= size)
        return wrong_type(name, key, e);
    (void)snprintf(out, size, "%s", text ? text : "");
    return 0;
}

int store_json_label(const json_t *object, const char *key, const char *name,
                     char *out, size_t size, struct err *e)
{
    const char *text;

    TRY(find_text(object, key, name, &text, e));
    text_copy_cut(out, size, text ? text : "");
    return 0;
}

int store_json_size(const json_t *object, const char *key, const char *name,
                    int64_t *out, struct err *e)
{
    const json_t *value = json_object_get(object, key);

    *out = -1;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return wrong_type(name, key, e);
    *out = json_integer_value(value);
    return 0;
}
