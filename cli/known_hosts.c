/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "known_hosts.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES_MAX = 65536, LINE_SIZE = 512 };

static const char file_name[] = "known_hosts";

/* --- the place -------------------------------------------------------------*/

/* As the XDG specification has it, a path that is not absolute is none. */
static bool folder_path(char out[KNOWN_PATH_MAX], bool with_own)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *own = with_own ? "/vhdstream" : "";
    int len;

    if (config && *config == '/')
        len = snprintf(out, KNOWN_PATH_MAX, "%s%s", config, own);
    else if (home && *home == '/')
        len = snprintf(out, KNOWN_PATH_MAX, "%s/.config%s", home, own);
    else
        return false;
    return len > 0 && len < KNOWN_PATH_MAX;
}

bool known_hosts_path(char out[KNOWN_PATH_MAX])
{
    size_t len;

    if (!folder_path(out, true))
        return false;
    len = strlen(out);
    return snprintf(out + len, KNOWN_PATH_MAX - len, "/%s", file_name) <
           (int)(KNOWN_PATH_MAX - len);
}

/* The folder, made where it is not there; -1 and errno. */
static int open_folder(void)
{
    char path[KNOWN_PATH_MAX];

    if (!folder_path(path, false))
        return -1;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    (void)folder_path(path, true);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* --- reading ---------------------------------------------------------------*/

/* Who may write to the file decides whom the user trusts. */
static bool is_ours(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        say("%s: not a regular file; it is not used", path);
        return false;
    }
    if ((st.st_uid == geteuid() || st.st_uid == 0) &&
        !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return true;
    say("%s: others may write to it (chmod 600); it is not used", path);
    return false;
}

/* NULL: there is none, or none that counts. */
static FILE *open_file(void)
{
    char path[KNOWN_PATH_MAX];
    FILE *file;
    int fd;

    if (!known_hosts_path(path))
        return NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            say("%s: %m; it is not used", path);
        return NULL;
    }
    file = is_ours(fd, path) ? fdopen(fd, "r") : NULL;
    if (!file)
        close(fd);
    return file;
}

/* Whether the line is about this host; the sum in it, or "". */
static bool take_line(char *line, const char *host, const char **sum)
{
    char *rest;
    const char *name = strtok_r(line, " \t\r\n", &rest);

    if (!name || *name == '#' || strcasecmp(name, host) != 0)
        return false;
    *sum = strtok_r(NULL, " \t\r\n", &rest);
    if (!*sum)
        *sum = "";
    return true;
}

enum known known_hosts_look(const char *host, const char *sum, unsigned *line)
{
    enum known found = KNOWN_NOT;
    FILE *file = open_file();
    char text[LINE_SIZE];
    const char *known;

    if (!file)
        return KNOWN_NOT;
    for (unsigned n = 1; n <= LINES_MAX && fgets(text, sizeof(text), file); n++)
        if (take_line(text, host, &known)) {
            bool same = !strcasecmp(known, sum);

            found = same ? KNOWN_SAME : KNOWN_OTHER;
            *line = n;
            if (same)
                break;
        }
    (void)fclose(file);
    return found;
}

/* --- adding ----------------------------------------------------------------*/

static bool copy_lines(FILE *to)
{
    FILE *from = open_file();
    char text[LINE_SIZE];
    size_t len = 0;

    if (!from)
        return true;
    while (fgets(text, sizeof(text), from) && fputs(text, to) >= 0)
        len = strlen(text);
    if (len && text[len - 1] != '\n')
        (void)fputc('\n', to);
    len = (size_t)ferror(from);
    (void)fclose(from);
    return !len && !ferror(to);
}

static bool write_file(int fd, const char *host, const char *sum)
{
    FILE *file = fdopen(fd, "w");
    bool written;

    if (!file) {
        close(fd);
        return false;
    }
    written = copy_lines(file) && fprintf(file, "%s %s\n", host, sum) > 0 &&
              !fflush(file) && !fsync(fd);
    return !fclose(file) && written;
}

/* Under a lock of the folder, so that two runs lose none of their lines. */
static bool replace(int folder, const char *host, const char *sum)
{
    char fresh[64];
    int fd;

    if (flock(folder, LOCK_EX) < 0)
        return false;
    (void)snprintf(fresh, sizeof(fresh), ".%s.%ld", file_name, (long)getpid());
    (void)unlinkat(folder, fresh, 0);
    fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    if (write_file(fd, host, sum) &&
        !renameat(folder, fresh, folder, file_name))
        return !fsync(folder);
    (void)unlinkat(folder, fresh, 0);
    return false;
}

bool known_hosts_add(const char *host, const char *sum)
{
    char path[KNOWN_PATH_MAX];
    int folder = open_folder();
    bool added = folder >= 0 && replace(folder, host, sum);

    if (!added && known_hosts_path(path))
        say("%s: %m: the certificate is trusted for this run only", path);
    else if (!added)
        say("neither XDG_CONFIG_HOME nor HOME names a folder: the certificate "
            "is trusted for this run only");
    if (folder >= 0)
        close(folder);
    return added;
}
