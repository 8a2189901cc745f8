/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "operate.h"
#include "say.h"
#include "vhdstream.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* --- several sources -------------------------------------------------------*/

static bool is_for_many(const struct arguments *a)
{
    const char *last = a->places[1];
    size_t len = strlen(last);
    struct stat st;

    return a->nwords > 2 || (!strstr(last, "://") &&
                             ((len && last[len - 1] == '/') ||
                              (!stat(last, &st) && S_ISDIR(st.st_mode))));
}

static int call_copy_many(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_copy_many(v, a->words, (unsigned)a->nwords - 1,
                               a->places[1]);
}

/* Of each copy a line, in the order of the sources: so a failed one has its
 * own, too. */
static int print_copy(json_t *copy, bool as_json)
{
    const char *uuid = json_string_value(json_object_get(copy, "uuid"));
    const char *error = json_string_value(json_object_get(copy, "error"));
    const char *place = json_string_value(json_object_get(copy, "destination"));
    char *text;
    int status;

    if (!as_json && (uuid || (place && !strncmp(place, "xapi", 4))))
        return print_line(error || !uuid ? "-" : uuid);
    if (!as_json)
        return 0;
    text = json_dumps(copy, JSON_COMPACT);
    status = print_line(text ? text : "{}");
    free(text);
    return status;
}

/* `said` is the failure that counts for all, which was said already. */
static void say_copy(json_t *copy, const char *said, const struct arguments *a)
{
    const char *error = json_string_value(json_object_get(copy, "error"));
    char *text = json_dumps(copy, 0);

    if (error)
        say("not copied: %s",
            json_string_value(json_object_get(copy, "source")));
    else if (text && !a->json && !a->quiet) {
        say_digest(text);
        say_stats(text);
    }
    if (error && strncmp(said, error, strlen(error)) != 0)
        say("%s", error);
    if (!error && text && a->verbose)
        say_summary(text);
    free(text);
}

static int print_copies(const char *result, const char *said,
                        const struct arguments *a)
{
    json_t *root = json_loads(result, 0, NULL);
    json_t *copies = json_object_get(root, "copies"), *copy;
    int status = 0;
    size_t i;

    json_array_foreach(copies, i, copy)
    {
        say_copy(copy, said, a);
        if (!status)
            status = print_copy(copy, a->json);
    }
    if (a->json && !status && json_object_del(root, "copies") == 0)
        status = print_copy(root, true);
    json_decref(root);
    return status;
}

static int copy_many(struct vhdstream *v, struct arguments *a)
{
    int status, printed = 0;

    /* What the environment has completed. */
    a->words[a->nwords - 2] = a->places[0];
    status = operate(v, a, call_copy_many);
    if (vhdstream_result(v))
        printed = print_copies(vhdstream_result(v), vhdstream_error(v), a);
    return status ? status : printed;
}

static int call_copy(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_copy(v, a->places[0], a->places[1]);
}

int cmd_copy(struct vhdstream *v, struct arguments *a)
{
    if (is_for_many(a))
        return copy_many(v, a);
    return move_disk(v, a, call_copy);
}
