/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "say.h"
#include "vhdstream.h"
#include "watch.h"

#include <jansson.h>

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_mends(json_t *root, const char *key, const char *word)
{
    size_t i;
    json_t *m;

    json_array_foreach(json_object_get(root, key), i, m)
    {
        print_text("%s:%" JSON_INTEGER_FORMAT ": %s: %s [%s]",
                   text_of(root, "place"),
                   json_integer_value(json_object_get(m, "offset")), word,
                   text_of(m, "text"), text_of(m, "id"));
    }
}

static void print_undo(json_t *root, bool dry)
{
    print_text("%s: %s back to what it was before the repair, by %s",
               text_of(root, "place"), dry ? "can be taken" : "taken",
               text_of(root, "undone"));
}

static void print_repair(json_t *root, bool quiet)
{
    bool dry = json_is_true(json_object_get(root, "dry_run"));

    if (quiet)
        return;
    if (text_of(root, "undone")) {
        print_undo(root, dry);
        return;
    }
    print_mends(root, "mended", dry ? "would be mended" : "mended");
    print_mends(root, "left", "left");
    if (text_of(root, "backup"))
        print_text("%s: what was overwritten is in %s", text_of(root, "place"),
                   text_of(root, "backup"));
    else if (!json_array_size(json_object_get(root, "mended")))
        print_text("%s: nothing was mended", text_of(root, "place"));
}

static int print_result(const char *result, const struct arguments *a)
{
    json_t *root;

    if (a->json)
        return print_line(result);
    root = json_loads(result, 0, NULL);
    print_repair(root, a->quiet);
    json_decref(root);
    return print_end();
}

int cmd_repair(struct vhdstream *v, struct arguments *a)
{
    struct watch *w = watch_start(v, a);
    int status = vhdstream_repair(v, a->places[0]);
    int printed = 0;

    (void)watch_stop(w, false);
    if (vhdstream_result(v))
        printed = print_result(vhdstream_result(v), a);
    if (status)
        say("%s", vhdstream_error(v));
    return status ? status : printed;
}
