/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "environment.h"
#include "say.h"
#include "secret.h"
#include "vhdstream.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILES_WANTED = 4096 };

const struct verb verbs[] = {
    {"copy", VERB_COPY, "SOURCE... DEST", 2,
     "copy a disk, whatever the format on either side", cmd_copy},
    {"merge", VERB_MERGE, "BASE DELTA... OUT", 3,
     "a whole disk of a base and deltas", cmd_merge},
    {"info", VERB_INFO, "PLACE", 1, "say what is there", cmd_info},
    {"check", VERB_CHECK, "PLACE", 1, "say what is wrong with a VHD",
     cmd_check},
    {"repair", VERB_REPAIR, "FILE", 1, "mend what needs no guessing",
     cmd_repair},
    {"map", VERB_MAP, "PLACE", 1, "what is where: data, zeros, holes", cmd_map},
    {"compare", VERB_COMPARE, "A B", 2,
     "whether two disks hold the same, or where not", cmd_compare},
    {"digest", VERB_DIGEST, "PLACE", 1,
     "a hash of the content, whatever the format", cmd_digest},
    {"clean", VERB_CLEAN, "xapi://HOST", 1,
     "remove what killed runs left in a pool", cmd_clean},
    {0},
};

/* Said whatever -q says: who reads the log of a script has to see it. */
static void warn_of_insecure(const struct arguments *a)
{
    for (int i = 0; i < a->nplaces; i++) {
        const char *place = a->places[i];

        if (a->insecure[i] &&
            (!strncmp(place, "xapi://", 7) || !strncmp(place, "https://", 8)))
            say("--insecure: the %s's certificate is not verified; whoever is "
                "on the way can read and change everything, the password, too",
                i ? "destination" : "source");
    }
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
        return print_end();
    }
    status = environment_apply(v, &a);
    if (!status)
        status = secret_gather(v, &a);
    if (status)
        return status;
    warn_of_insecure(&a);
    return a.verb->run(v, &a);
}

/* The first file opened would take a closed stream's number, and get what is
 * printed there. What is opened here instead fails as a closed stream does:
 * standard input cannot be read, the others cannot be written. */
static void fill_closed_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_WRONLY);
        if (fd == STDOUT_FILENO || fd == STDERR_FILENO) {
            close(fd);
            fd = open("/dev/null", O_RDONLY);
        }
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* A chain of disks holds as many files open as it has members. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_WANTED)
        return;
    limit.rlim_cur =
        limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct vhdstream *v;
    int status;

    fill_closed_streams();
    /* A reader that goes away is an error of the write, with a message. */
    (void)signal(SIGPIPE, SIG_IGN);
    secret_no_core_dumps();
    allow_many_files();
    if (vhdstream_new(&v)) {
        say("out of memory");
        return VHDSTREAM_NO_SPACE;
    }
    status = run(argc, argv, v);
    vhdstream_free(v);
    return status;
}
