/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "secret.h"

#include "arguments.h"
#include "ask.h"
#include "say.h"
#include "vhdstream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SECRET_MAX = 1024 };

/* One side's credentials; wiped at the end. */
struct secret {
    char user[SECRET_MAX];
    char password[SECRET_MAX];
    bool has_user, has_password;
};

static const char *const side_names[] = {"src", "dst"};

void secret_no_core_dumps(void)
{
    struct rlimit none = {0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

/* Everything that fd gives, at most SECRET_MAX - 1 bytes. */
static int read_text(int fd, const char *name, char text[SECRET_MAX])
{
    size_t have = 0;
    ssize_t got;

    while ((got = read(fd, text + have, SECRET_MAX - have)) > 0) {
        have += (size_t)got;
        if (have == SECRET_MAX) {
            say("%s: more than %d bytes are no password", name, SECRET_MAX);
            return VHDSTREAM_USAGE;
        }
    }
    if (got < 0) {
        say("%s: %m", name);
        return VHDSTREAM_FAILED;
    }
    text[have] = '\0';
    return 0;
}

/* One line: the password. Two: the user first, as xe's -pwf has them. */
static int split_lines(char text[SECRET_MAX], const char *name,
                       struct secret *s)
{
    char *rest;
    char *first = strtok_r(text, "\r\n", &rest);
    char *second = first ? strtok_r(NULL, "\r\n", &rest) : NULL;

    if (!first) {
        say("%s: no password in it", name);
        return VHDSTREAM_USAGE;
    }
    if (second) {
        (void)snprintf(s->user, sizeof(s->user), "%s", first);
        s->has_user = true;
    }
    (void)snprintf(s->password, sizeof(s->password), "%s",
                   second ? second : first);
    s->has_password = true;
    return 0;
}

static int from_fd(int fd, const char *name, struct secret *s)
{
    char text[SECRET_MAX];
    int status = read_text(fd, name, text);

    if (!status)
        status = split_lines(text, name, s);
    explicit_bzero(text, sizeof(text));
    return status;
}

static int from_file(const char *path, struct secret *s)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status;

    if (fd < 0) {
        say("%s: %m", path);
        return errno == ENOENT ? VHDSTREAM_NOT_FOUND : VHDSTREAM_FAILED;
    }
    status = from_fd(fd, path, s);
    close(fd);
    return status;
}

static int too_long(const char *name)
{
    say("%s: more than %d bytes are no user and no password", name,
        SECRET_MAX - 1);
    return VHDSTREAM_USAGE;
}

/* An empty variable counts as none. */
static int copy_variable(const char *name, char out[SECRET_MAX], bool *found)
{
    const char *value = getenv(name);

    *found = value && *value;
    if (!*found)
        return 0;
    if (strlen(value) >= SECRET_MAX)
        return too_long(name);
    (void)snprintf(out, SECRET_MAX, "%s", value);
    return 0;
}

/* User and password of the environment. The password is overwritten there at
 * once, whether it will be needed or not: others can read it. */
static int take_environment(struct secret *s)
{
    static const char password[] = "XENSERVER_PASSWORD";
    char *value = getenv(password);
    int status = copy_variable("XENSERVER_USER", s->user, &s->has_user);

    if (!status)
        status = copy_variable(password, s->password, &s->has_password);
    if (value)
        explicit_bzero(value, strlen(value));
    (void)unsetenv(password);
    return status;
}

static int ask(const char *place, struct secret *s)
{
    char prompt[NAME_MAX + 32], line[SECRET_MAX];
    int got, status;

    (void)snprintf(prompt, sizeof(prompt), "Password for %.*s: ", NAME_MAX,
                   place);
    got = ask_hidden(prompt, line, sizeof(line));
    if (got > 0)
        return 128 + got;
    if (got == ASK_NO_TERMINAL) {
        say("%s: no password; give --password-file, --password-fd or "
            "XENSERVER_PASSWORD",
            place);
        return VHDSTREAM_AUTH;
    }
    status = split_lines(line, "the terminal", s);
    explicit_bzero(line, sizeof(line));
    return status;
}

/* "xapi://USER:PASSWORD@HOST" is refused by the library, which does not repeat
 * it; here it may not be shown, either. */
static bool holds_password(const char *place)
{
    const char *start = strstr(place, "://");
    const char *at =
        start ? memrchr(start + 3, '@', strcspn(start + 3, "/")) : NULL;

    return at && memchr(start + 3, ':', (size_t)(at - start - 3));
}

/* A pool always; a web server only where the password was given for it alone,
 * so that no pool's password ever goes to one. */
static bool needs_secret(const struct arguments *a, int side)
{
    const char *place = a->places[side];

    if (!strncmp(place, "xapi:", 5) || !strncmp(place, "xapi+http:", 10))
        return true;
    return a->own_password[side] &&
           (!strncmp(place, "http://", 7) || !strncmp(place, "https://", 8));
}

static void fill_in(struct secret *s, const struct secret *from)
{
    if (!s->has_user) {
        memcpy(s->user, from->user, sizeof(s->user));
        s->has_user = from->has_user;
    }
    if (!s->has_password) {
        memcpy(s->password, from->password, sizeof(s->password));
        s->has_password = from->has_password;
    }
}

static int find(const struct arguments *a, int side, const struct secret *env,
                struct secret *s)
{
    int status = 0;

    if (a->password_fd[side] >= 0)
        status = from_fd(a->password_fd[side], "--password-fd", s);
    else if (a->password_file[side])
        status = from_file(a->password_file[side], s);
    if (status)
        return status;
    fill_in(s, env);
    if (s->has_password || holds_password(a->places[side]))
        return 0;
    return ask(a->places[side], s);
}

static int hand_over(struct vhdstream *v, const struct arguments *a, int side,
                     const struct secret *s)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "%s-password", side_names[side]);
    if (vhdstream_set(v, name, s->password))
        return say_usage("%s", vhdstream_error(v));
    (void)snprintf(name, sizeof(name), "%s-user", side_names[side]);
    if (s->has_user && !a->has_user[side] && vhdstream_set(v, name, s->user))
        return say_usage("%s", vhdstream_error(v));
    return 0;
}

/* The descriptor of both sides can be read once only. */
static bool shares_fd(const struct arguments *a, int side)
{
    return side == 1 && a->password_fd[1] >= 0 &&
           a->password_fd[0] == a->password_fd[1] && needs_secret(a, 0);
}

int secret_gather(struct vhdstream *v, struct arguments *a)
{
    struct secret s = {0}, env = {0};
    int status = take_environment(&env);

    for (int side = 0; side < 2 && side < a->nplaces && !status; side++) {
        if (!needs_secret(a, side))
            continue;
        if (!shares_fd(a, side)) {
            explicit_bzero(&s, sizeof(s));
            status = find(a, side, &env, &s);
        }
        if (!status)
            status = hand_over(v, a, side, &s);
    }
    explicit_bzero(&s, sizeof(s));
    explicit_bzero(&env, sizeof(env));
    return status;
}
