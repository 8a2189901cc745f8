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

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t number_of(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* As compilers have it: place, byte, severity, sentence, name. */
static void print_finding(const char *place, json_t *f)
{
    const char *member = text_of(f, "member");

    print_text("%s%s%s:%" JSON_INTEGER_FORMAT ": %s: %s [%s]", place,
               member ? ": " : "", member ? member : "", number_of(f, "offset"),
               text_of(f, "severity"), text_of(f, "text"), text_of(f, "id"));
}

/* The last line, where there are no errors: those are said on stderr. */
static void print_verdict(json_t *root)
{
    size_t members = json_array_size(json_object_get(root, "members"));
    char chain[64] = "";
    bool stream = !strcmp(text_of(root, "read_as"), "stream");
    json_int_t warnings = number_of(root, "warnings");
    json_int_t notes = number_of(root, "notes");

    if (members > 1)
        (void)snprintf(chain, sizeof(chain), ", a chain of %zu disks", members);
    print_text("%s: %s (%" JSON_INTEGER_FORMAT " warning%s, "
               "%" JSON_INTEGER_FORMAT " note%s)%s%s",
               text_of(root, "place"), text_of(root, "verdict"), warnings,
               warnings == 1 ? "" : "s", notes, notes == 1 ? "" : "s", chain,
               stream ? ", as far as one pass over a stream can tell" : "");
}

static void print_findings(json_t *root, bool quiet)
{
    json_int_t more = number_of(root, "not_listed");
    size_t i;
    json_t *f;

    json_array_foreach(json_object_get(root, "findings"), i, f)
    {
        if (!quiet || !strcmp(text_of(f, "severity"), "error"))
            print_finding(text_of(root, "place"), f);
    }
    if (more && !quiet)
        print_text("%s: %" JSON_INTEGER_FORMAT " more findings like these",
                   text_of(root, "place"), more);
    if (strcmp(text_of(root, "verdict"), "broken") && !quiet)
        print_verdict(root);
}

static int print_result(const char *result, const struct arguments *a)
{
    json_t *root;

    if (a->json)
        return print_line(result);
    root = json_loads(result, 0, NULL);
    print_findings(root, a->quiet);
    json_decref(root);
    return print_end();
}

int cmd_check(struct vhdstream *v, struct arguments *a)
{
    struct watch *w = watch_start(v, a);
    int status = vhdstream_check(v, a->places[0]);
    int printed = 0;

    (void)watch_stop(w, false);
    if (vhdstream_result(v))
        printed = print_result(vhdstream_result(v), a);
    if (status)
        say("%s", vhdstream_error(v));
    return status ? status : printed;
}
