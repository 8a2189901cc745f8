/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "operate.h"
#include "say.h"
#include "vhdstream.h"

#include <jansson.h>

/* The exit status where the two differ. */
enum { DIFFERENT = VHDSTREAM_CORRUPT };

static int call(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_compare(v, a->places[0], a->places[1]);
}

static json_int_t number_of(json_t *root, const char *key)
{
    return json_integer_value(json_object_get(root, key));
}

/* What there is to say of two disks of different size. */
static void print_sizes(json_t *root, const char *const *places)
{
    json_t *sizes = json_object_get(root, "sizes");
    json_int_t a = json_integer_value(json_array_get(sizes, 0));
    json_int_t b = json_integer_value(json_array_get(sizes, 1));

    if (a == b)
        return;
    print_text("%s has %" JSON_INTEGER_FORMAT
               " bytes, %s %" JSON_INTEGER_FORMAT,
               places[0], a, places[1], b);
    if (json_is_true(json_object_get(root, "rest_is_zero")))
        print_text("the first %" JSON_INTEGER_FORMAT
                   " bytes are the same, the rest of %s is zeros",
                   a < b ? a : b, places[a < b]);
}

static void print_comparison(json_t *root, const char *const *places)
{
    json_int_t first = number_of(root, "first_difference");
    json_int_t within = number_of(root, "within");

    if (json_is_true(json_object_get(root, "identical")))
        print_text("%s and %s are identical", places[0], places[1]);
    else if (within > 1)
        print_text("%s and %s differ, first in the %" JSON_INTEGER_FORMAT
                   " bytes from byte %" JSON_INTEGER_FORMAT,
                   places[0], places[1], within, first);
    else
        print_text("%s and %s differ, first at byte %" JSON_INTEGER_FORMAT,
                   places[0], places[1], first);
    print_sizes(root, places);
}

int cmd_compare(struct vhdstream *v, struct arguments *a)
{
    int status = operate(v, a, call);
    json_t *root;

    if (status)
        return status;
    root = json_loads(vhdstream_result(v), 0, NULL);
    if (a->json)
        status = print_line(vhdstream_result(v));
    else if (!a->quiet)
        print_comparison(root, a->places);
    if (!status)
        status = print_end();
    if (!status && !json_is_true(json_object_get(root, "identical")))
        status = DIFFERENT;
    json_decref(root);
    return status;
}
