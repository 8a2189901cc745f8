/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "operate.h"
#include "say.h"
#include "vhdstream.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { PART_SIZE = 1024 };

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static json_int_t number_of(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "SR "nfs", 53687091200 bytes, " of a disk. */
static void format_disk(json_t *item, char out[PART_SIZE])
{
    out[0] = '\0';
    if (json_object_get(item, "sr"))
        (void)snprintf(
            out, PART_SIZE, "SR \"%s\", %" JSON_INTEGER_FORMAT " bytes, ",
            text_of(item, "sr_name"), number_of(item, "virtual_size"));
}

static void format_maker(json_t *item, char out[PART_SIZE])
{
    json_int_t age = number_of(item, "age");

    if (!json_object_get(item, "run"))
        (void)snprintf(out, PART_SIZE, "of unknown age and maker");
    else
        (void)snprintf(out, PART_SIZE,
                       "%" JSON_INTEGER_FORMAT " d %" JSON_INTEGER_FORMAT
                       " h %" JSON_INTEGER_FORMAT " min old, of run %s on %s",
                       age / 86400, age / 3600 % 24, age / 60 % 60,
                       text_of(item, "run"), text_of(item, "host"));
}

static void format_fate(json_t *item, char out[PART_SIZE])
{
    const char *fate = text_of(item, "fate"), *why = text_of(item, "why");
    const char *command = text_of(item, "command");

    if (!strcmp(fate, "removed"))
        (void)snprintf(out, PART_SIZE, "removed");
    else if (!strcmp(fate, "removable"))
        (void)snprintf(out, PART_SIZE, "would be removed");
    else if (!strcmp(fate, "spared"))
        (void)snprintf(out, PART_SIZE, "spared: %s", why);
    else if (*command)
        (void)snprintf(out, PART_SIZE, "not removed: %s; remove it with: %s",
                       why, command);
    else
        (void)snprintf(out, PART_SIZE,
                       "not removed: %s; XAPI forgets a task 65 minutes after "
                       "its end",
                       why);
}

static void print_item(json_t *item)
{
    char disk[PART_SIZE], maker[PART_SIZE], fate[PART_SIZE];

    format_disk(item, disk);
    format_maker(item, maker);
    format_fate(item, fate);
    print_text("%s %s \"%s\", %s%s: %s", text_of(item, "what"),
               text_of(item, "uuid"), text_of(item, "name_label"), disk, maker,
               fate);
}

static void print_sum(json_t *root)
{
    json_int_t failed = number_of(root, "not_removed");
    bool dry = json_is_true(json_object_get(root, "dry_run"));

    if (!json_array_size(json_object_get(root, "items"))) {
        print_text("%s: nothing there is of an unfinished run",
                   text_of(root, "place"));
        return;
    }
    (void)printf("%" JSON_INTEGER_FORMAT " %s, %" JSON_INTEGER_FORMAT " spared",
                 number_of(root, dry ? "removable" : "removed"),
                 dry ? "would be removed" : "removed",
                 number_of(root, "spared"));
    if (failed)
        (void)printf(", %" JSON_INTEGER_FORMAT " not removed", failed);
    (void)putchar('\n');
}

static int print_result(const char *result, const struct arguments *a)
{
    json_t *root, *item;
    size_t i;

    if (a->json)
        return print_line(result);
    root = json_loads(result, 0, NULL);
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        if (!a->quiet || !strcmp(text_of(item, "fate"), "not_removed"))
            print_item(item);
    }
    if (!a->quiet)
        print_sum(root);
    json_decref(root);
    return print_end();
}

static int call(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_clean(v, a->places[0]);
}

int cmd_clean(struct vhdstream *v, struct arguments *a)
{
    int status = operate(v, a, call);
    int printed = 0;

    if (vhdstream_result(v))
        printed = print_result(vhdstream_result(v), a);
    return status ? status : printed;
}
