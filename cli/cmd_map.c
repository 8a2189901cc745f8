/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "operate.h"
#include "picture.h"
#include "say.h"
#include "vhdstream.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What cannot be opened has no table, not even an empty one. */
static int print_row(void *ctx, const struct vhdstream_extent *x)
{
    bool *begun = ctx;

    if (!*begun)
        (void)printf("%16s %16s  %s\n", "start", "length", "kind");
    *begun = true;
    return printf("%16" PRIu64 " %16" PRIu64 "  %s\n", x->start, x->length,
                  x->kind) < 0;
}

/* One object, begun here and ended by print_rest: the extents are more than
 * anybody wants to keep in memory. */
static int print_json(void *ctx, const struct vhdstream_extent *x)
{
    bool *begun = ctx;
    const char *before = *begun ? ",\n" : "{\n  \"extents\": [\n";

    *begun = true;
    return printf("%s    {\"start\": %" PRIu64 ", \"length\": %" PRIu64
                  ", \"kind\": \"%s\"}",
                  before, x->start, x->length, x->kind) < 0;
}

/* The members of the result, after the extents. */
static void print_rest(const char *result)
{
    (void)fputs("\n  ],", stdout);
    put_json(strchr(result, '{') + 1);
    (void)putchar('\n');
}

static int call(struct vhdstream *v, const struct arguments *a)
{
    bool begun = false;

    return vhdstream_map(v, a->places[0], a->json ? print_json : print_row,
                         &begun);
}

int cmd_map(struct vhdstream *v, struct arguments *a)
{
    json_t *root;
    int status;

    /* The bar would run through the table. */
    if (!a->progress && isatty(STDOUT_FILENO))
        a->progress = -1;
    status = operate(v, a, call);
    if (ferror(stdout))
        return print_end();
    if (status)
        return status;
    if (a->json) {
        print_rest(vhdstream_result(v));
    } else if (isatty(STDOUT_FILENO) && !a->quiet) {
        root = json_loads(vhdstream_result(v), 0, NULL);
        picture_print(root);
        json_decref(root);
    }
    return print_end();
}
