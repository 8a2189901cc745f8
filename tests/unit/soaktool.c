/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* For ./dev soak: copies again and again in one process, by the public API
 * alone. A line of stdin is a copy:
 *
 *     SOURCE <tab> DESTINATION [<tab> OPTION[=VALUE]]...
 *
 * and is answered by one on stdout:
 *
 *     STATUS <tab> DESCRIPTORS <tab> THREADS <tab> KIB_RESIDENT <tab> TEXT
 *
 * counted after the copy; TEXT is the error, one line. */

#include "vhdstream.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 16 * 1024 };

static unsigned count_entries(const char *folder)
{
    DIR *d = opendir(folder);
    unsigned n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n - 2; /* "." and ".." */
}

static unsigned long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    char text[128] = "";
    char *second;

    if (f) {
        (void)fgets(text, sizeof(text), f);
        (void)fclose(f);
    }
    second = strchr(text, ' ');
    return second ? strtoul(second, NULL, 10) *
                        (unsigned long)sysconf(_SC_PAGESIZE) / 1024
                  : 0;
}

static int set_option(struct vhdstream *v, char *option)
{
    char *value = strchr(option, '=');

    if (value)
        *value++ = '\0';
    return vhdstream_set(v, option, value);
}

static int copy(struct vhdstream *v, char *line)
{
    char *rest = NULL;
    char *source = strtok_r(line, "\t\n", &rest);
    char *destination = strtok_r(NULL, "\t\n", &rest);
    int status = 0;

    if (!source || !destination)
        return VHDSTREAM_USAGE;
    for (char *o; !status && (o = strtok_r(NULL, "\t\n", &rest));)
        status = set_option(v, o);
    return status ? status : vhdstream_copy(v, source, destination);
}

static int one_copy(char *line)
{
    struct vhdstream *v;
    char *text; /* outlives v, so that its memory does not count */
    int status;

    if (vhdstream_new(&v))
        return VHDSTREAM_NO_SPACE;
    status = copy(v, line);
    text = strdup(vhdstream_error(v));
    vhdstream_free(v);
    /* One descriptor more is that of the count. */
    printf("%d\t%u\t%u\t%lu\t%s\n", status, count_entries("/proc/self/fd") - 1,
           count_entries("/proc/self/task"), resident_kib(), text ? text : "");
    free(text);
    return fflush(stdout);
}

int main(void)
{
    static char line[LINE_SIZE];

    (void)signal(SIGPIPE, SIG_IGN);
    while (fgets(line, sizeof(line), stdin))
        if (one_copy(line))
            return 1;
    return 0;
}
