/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "operate.h"
#include "say.h"
#include "vhdstream.h"

#include <jansson.h>

static int call(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_digest(v, a->places[0]);
}

/* As sha256sum and blksum print it. */
static int print_digest(const char *result, const char *place)
{
    json_t *root = json_loads(result, 0, NULL);

    print_text("%s  %s", json_string_value(json_object_get(root, "digest")),
               place);
    json_decref(root);
    return print_end();
}

int cmd_digest(struct vhdstream *v, struct arguments *a)
{
    int status = operate(v, a, call);

    if (status)
        return status;
    if (a->json)
        return print_line(vhdstream_result(v));
    return print_digest(vhdstream_result(v), a->places[0]);
}
