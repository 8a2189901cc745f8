/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "say.h"
#include "secret.h"
#include "vhdstream.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

const struct verb verbs[] = {
    {"copy", VERB_COPY, "SOURCE DESTINATION", 2,
     "copy a disk, whatever the format on either side", cmd_copy},
    {"info", VERB_INFO, "PLACE", 1, "say what is there", cmd_info},
    {0},
};

/* "xapi:///sr/default" is on the host that the environment names. */
static int complete_host(const char **place, char *room, size_t size)
{
    const char *host = getenv("XENSERVER_HOST");
    const char *gap = strstr(*place, ":///");

    if (strncmp(*place, "xapi", 4) || !gap)
        return 0;
    if (!host || !*host)
        return say_usage("%s: no host, and XENSERVER_HOST is not set", *place);
    (void)snprintf(room, size, "%.*s%s%s", (int)(gap + 3 - *place), *place,
                   host, gap + 3);
    *place = room;
    return 0;
}

static int run_verb(struct vhdstream *v, struct arguments *a)
{
    char rooms[2][1024];
    int status = 0;

    for (int i = 0; i < a->nplaces && !status; i++)
        status = complete_host(&a->places[i], rooms[i], sizeof(rooms[i]));
    if (!status)
        status = secret_gather(v, a);
    return status ? status : a->verb->run(v, a);
}

static int run(int argc, char **argv, struct vhdstream *v)
{
    struct arguments a;
    int status = arguments_parse(argc, argv, v, &a);

    if (status)
        return status;
    if (a.version)
        return print_line("vhdstream " VHDSTREAM_VERSION_TEXT);
    if (a.help) {
        help_print(stdout, a.verb);
        return fflush(stdout) ? VHDSTREAM_FAILED : 0;
    }
    return run_verb(v, &a);
}

int main(int argc, char **argv)
{
    struct vhdstream *v;
    int status;

    /* A reader that goes away is an error of the write, with a message. */
    (void)signal(SIGPIPE, SIG_IGN);
    secret_no_core_dumps();
    if (vhdstream_new(&v)) {
        say("out of memory");
        return VHDSTREAM_NO_SPACE;
    }
    status = run(argc, argv, v);
    vhdstream_free(v);
    return status;
}
