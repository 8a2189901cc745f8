/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "operate.h"
#include "say.h"
#include "vhdstream.h"

#include <jansson.h>
#include <string.h>

/* What scripts want of a copy into an SR: the new VDI's uuid, alone; or all of
 * the result. Where it cannot be printed the disk must not be lost all the
 * same.
 */
static int print_disk(const char *result, bool as_json)
{
    json_t *root = json_loads(result, 0, NULL);
    const char *uuid = json_string_value(json_object_get(root, "uuid"));
    int status = 0;

    if (as_json || uuid)
        status = print_line(as_json ? result : uuid);
    if (status && uuid)
        say("the copy is complete: VDI %s", uuid);
    json_decref(root);
    return status;
}

static double number_of(json_t *root, const char *key)
{
    return json_number_value(json_object_get(root, key));
}

/* One line on what was moved, for -v. */
static void say_summary(const char *result)
{
    json_t *root = json_loads(result, 0, NULL);
    double seconds = number_of(root, "seconds");

    say("%s: %s, %.0f bytes of disk, %.0f of them data, %.0f read, %.0f "
        "written, %.1f s, %.0f MB/s",
        json_string_value(json_object_get(root, "destination")),
        json_string_value(json_object_get(root, "format")),
        number_of(root, "virtual_size"), number_of(root, "data"),
        number_of(root, "read"), number_of(root, "written"), seconds,
        number_of(root, "data") / 1e6 / (seconds > 1e-9 ? seconds : 1e-9));
    json_decref(root);
}

/* On stderr, since stdout may be the disk, or has the uuid alone. */
static void say_digest(const char *result)
{
    json_t *root = json_loads(result, 0, NULL);
    const char *digest = json_string_value(json_object_get(root, "digest"));

    if (digest)
        say("%s: digest %s%s",
            json_string_value(json_object_get(root, "destination")), digest,
            json_is_true(json_object_get(root, "verified")) ? ", verified"
                                                            : "");
    json_decref(root);
}

/* A stage that had nothing to do is left out. */
static void say_stages(json_t *stages)
{
    const char *name;
    json_t *stage;

    json_object_foreach(stages, name, stage)
    {
        if (number_of(stage, "busy") > 0)
            say("%-8s %8.2f s at work, %8.2f s waiting, threads: %.0f", name,
                number_of(stage, "busy"), number_of(stage, "waited"),
                number_of(stage, "threads"));
    }
}

static void say_stats(const char *result)
{
    json_t *root = json_loads(result, 0, NULL);
    const char *bound = json_string_value(json_object_get(root, "bound"));

    say_stages(json_object_get(root, "stages"));
    if (bound)
        say("%s", bound);
    json_decref(root);
}

static int print_result(struct vhdstream *v, const struct arguments *a)
{
    if (!a->json && !a->quiet) {
        say_digest(vhdstream_result(v));
        say_stats(vhdstream_result(v));
    }
    if (a->verbose)
        say_summary(vhdstream_result(v));
    return print_disk(vhdstream_result(v), a->json);
}

int move_disk(struct vhdstream *v, struct arguments *a, operation *call)
{
    int status;

    if (!strcmp(a->places[1], "-") && (a->json || a->progress_fd == 1))
        return say_usage("%s and the disk both want standard output",
                         a->json ? "--json" : "--progress-fd");
    status = operate(v, a, call);
    return status ? status : print_result(v, a);
}

static int call_copy(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_copy(v, a->places[0], a->places[1]);
}

int cmd_copy(struct vhdstream *v, struct arguments *a)
{
    return move_disk(v, a, call_copy);
}
