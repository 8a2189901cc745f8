/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "environment.h"
#include "say.h"
#include "secret.h"
#include "vhdstream.h"

#include <signal.h>

const struct verb verbs[] = {
    {"copy", VERB_COPY, "SOURCE DESTINATION", 2,
     "copy a disk, whatever the format on either side", cmd_copy},
    {"info", VERB_INFO, "PLACE", 1, "say what is there", cmd_info},
    {0},
};

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
    status = environment_apply(v, &a);
    if (!status)
        status = secret_gather(v, &a);
    return status ? status : a.verb->run(v, &a);
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
