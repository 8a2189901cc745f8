/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/place.h"

#include "base/mem.h"
#include "io/http.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

/* "s3://..." is a place of a kind that is not there, and no file. */
static bool has_scheme(const char *text)
{
    const char *p = text;

    while (isalnum((unsigned char)*p) || *p == '+')
        p++;
    return p > text && !strncmp(p, "://", 3);
}

static int parse_url(struct place *p, const char *text, struct err *e)
{
    char plain[NAME_SIZE];
    size_t len;

    p->kind = PLACE_HTTP;
    http_url_redact(text, p->name, sizeof(p->name));
    /* The suffix is the path's: the query is not in the redacted form. */
    (void)snprintf(plain, sizeof(plain), "%s", p->name);
    len = strcspn(plain, "?#");
    plain[len] = '\0';
    p->suffix = format_by_suffix(plain);
    return mem_copy_text(&p->path, text, e);
}

static int parse_file(struct place *p, const char *path, struct err *e)
{
    p->kind = PLACE_FILE;
    (void)snprintf(p->name, sizeof(p->name), "%s", path);
    p->suffix = format_by_suffix(path);
    return mem_copy_text(&p->path, path, e);
}

static void parse_standard(struct place *p, bool input)
{
    p->kind = PLACE_FD;
    p->fd = input ? STDIN_FILENO : STDOUT_FILENO;
    (void)snprintf(p->name, sizeof(p->name), "standard %s",
                   input ? "input" : "output");
}

static int parse_descriptor(struct place *p, const char *text, struct err *e)
{
    const char *number = text + strlen("fd:");
    char *end;
    long fd = strtol(number, &end, 10);

    if (!isdigit((unsigned char)*number) || *end || fd > INT_MAX)
        return err_set(e, ERR_USAGE,
                       "%s: fd: takes the number of an open descriptor (a file "
                       "of that name: file:%s)",
                       text, text);
    if (fcntl((int)fd, F_GETFD) < 0)
        return err_set(e, ERR_USAGE, "%s: there is no such open descriptor",
                       text);
    p->kind = PLACE_FD;
    p->fd = (int)fd;
    (void)snprintf(p->name, sizeof(p->name), "descriptor %ld", fd);
    return 0;
}

int place_parse(struct place *out, const char *text, const char *what,
                struct err *e)
{
    struct place p = {0};

    if (!*text)
        return err_set(e, ERR_USAGE, "the %s is empty", what);
    if (!strcmp(text, "-")) {
        parse_standard(&p, *what == 's');
    } else if (starts_with(text, "fd:")) {
        TRY(parse_descriptor(&p, text, e));
    } else if (!strcmp(text, "caller:")) {
        p.kind = PLACE_CALLER;
        (void)snprintf(p.name, sizeof(p.name), "the caller's stream");
    } else if (xapi_place_is(text)) {
        p.kind = PLACE_XAPI;
        TRY(xapi_place_parse(&p.xapi, text, e));
        (void)snprintf(p.name, sizeof(p.name), "%s", p.xapi.name);
    } else if (glance_place_is(text)) {
        p.kind = PLACE_GLANCE;
        TRY(glance_place_parse(&p.glance, text, e));
        (void)snprintf(p.name, sizeof(p.name), "%s", p.glance.name);
    } else if (starts_with(text, "http://") || starts_with(text, "https://")) {
        TRY(parse_url(&p, text, e));
    } else if (starts_with(text, "file:")) {
        TRY(parse_file(&p, text + strlen("file:"), e));
    } else if (has_scheme(text)) {
        return err_set(e, ERR_USAGE,
                       "%s: no such kind of place; there are files, -, fd:N, "
                       "xapi://, xapi+http://, glance://, glance+http://, "
                       "https:// and http:// (a file of that name: file:%s)",
                       text, text);
    } else {
        TRY(parse_file(&p, text, e));
    }
    *out = p;
    return 0;
}

static bool is_descriptor(const char *path)
{
    return starts_with(path, "/dev/fd/") || starts_with(path, "/dev/std") ||
           starts_with(path, "/proc/self/fd/");
}

bool place_is_remote(const struct place *p)
{
    return p->kind == PLACE_XAPI || p->kind == PLACE_HTTP ||
           p->kind == PLACE_GLANCE;
}

bool place_is_lasting(const struct place *p)
{
    struct stat st;

    if (place_is_remote(p))
        return true;
    if (p->kind == PLACE_FD || p->kind == PLACE_CALLER ||
        is_descriptor(p->path))
        return false;
    if (stat(p->path, &st) < 0)
        return errno == ENOENT;
    return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
}

void place_cleanup(struct place *p)
{
    free(p->path);
    p->path = NULL;
}
