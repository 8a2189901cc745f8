/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "say.h"
#include "vhdstream.h"
#include "watch.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void print_value(const char *key, json_t *value, const char *prefix)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s%s:", prefix, key);
    for (char *p = name; *p; p++)
        if (*p == '_')
            *p = ' ';
    (void)printf("%-24s ", name);
    if (json_is_string(value))
        print_text("%s", json_string_value(value));
    else if (json_is_integer(value))
        (void)printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    else if (json_is_real(value))
        (void)printf("%.3f\n", json_real_value(value));
    else
        (void)printf("%s\n", json_is_true(value) ? "yes" : "no");
}

static void print_array(json_t *array, const char *prefix);

/* The object's members as lines; inner objects one level deeper. */
static void print_object(json_t *object, const char *prefix)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char deeper[64];

        if (!json_is_object(value) && !json_is_array(value)) {
            print_value(key, value, prefix);
            continue;
        }
        (void)snprintf(deeper, sizeof(deeper), "%.30s%.30s ", prefix, key);
        if (json_is_array(value))
            print_array(value, deeper);
        else
            print_object(value, deeper);
    }
}

/* Their members, numbered. */
static void print_array(json_t *array, const char *prefix)
{
    json_t *value;
    size_t i;

    json_array_foreach(array, i, value)
    {
        char deeper[64];

        (void)snprintf(deeper, sizeof(deeper), "%.30s%zu ", prefix, i + 1);
        print_object(value, deeper);
    }
}

static int print_info(const char *result, bool as_json)
{
    json_t *root;

    if (as_json)
        return print_line(result);
    root = json_loads(result, 0, NULL);
    print_object(root, "");
    json_decref(root);
    return print_end();
}

int cmd_info(struct vhdstream *v, struct arguments *a)
{
    struct watch *w = watch_start(v, a);
    int status = vhdstream_info(v, a->places[0]);

    (void)watch_stop(w, false);
    if (status) {
        say("%s", vhdstream_error(v));
        return status;
    }
    return print_info(vhdstream_result(v), a->json);
}
