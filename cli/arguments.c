/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"

#include "say.h"
#include "vhdstream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { SRC = 1, DST = 2, BOTH = SRC | DST };

typedef int handler(struct arguments *a, int sides, const char *value);

struct cli_option {
    const char *name;
    char letter;
    const char *value; /* what it takes, for --help; NULL: a switch */
    unsigned verbs;
    bool sided; /* also as --src-NAME and --dst-NAME */
    bool library;
    handler *handle; /* NULL where the library alone acts on it */
    const char *help;
};

static int fd_of(const char *text)
{
    char *end;
    long fd = strtol(text, &end, 10);

    return *end || end == text || fd < 0 || fd > 65535 ? -1 : (int)fd;
}

static int handle_json(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->json = true;
    return 0;
}

static int handle_quiet(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->quiet = true;
    return 0;
}

static int handle_verbose(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->verbose = true;
    return 0;
}

static int handle_help(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->help = true;
    return 0;
}

static int handle_version(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->version = true;
    return 0;
}

static int handle_progress(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->progress = 1;
    return 0;
}

static int handle_no_progress(struct arguments *a, int sides, const char *value)
{
    (void)sides, (void)value;
    a->progress = -1;
    return 0;
}

static int handle_progress_fd(struct arguments *a, int sides, const char *value)
{
    (void)sides;
    a->progress_fd = fd_of(value);
    if (a->progress_fd < 0)
        return say_usage("--progress-fd %s: expected a descriptor's number",
                         value);
    if (fcntl(a->progress_fd, F_GETFD) < 0)
        return say_usage("--progress-fd %s: %m", value);
    return 0;
}

static int handle_user(struct arguments *a, int sides, const char *value)
{
    (void)value;
    for (int i = 0; i < 2; i++)
        a->has_user[i] |= (sides & (1 << i)) != 0;
    return 0;
}

static int handle_cacert(struct arguments *a, int sides, const char *value)
{
    (void)value;
    for (int i = 0; i < 2; i++)
        a->has_cacert[i] |= (sides & (1 << i)) != 0;
    return 0;
}

static int handle_os_cloud(struct arguments *a, int sides, const char *value)
{
    for (int i = 0; i < 2; i++)
        if (sides & (1 << i))
            a->os_cloud[i] = value;
    return 0;
}

static int handle_insecure(struct arguments *a, int sides, const char *value)
{
    (void)value;
    for (int i = 0; i < 2; i++)
        a->insecure[i] |= (sides & (1 << i)) != 0;
    return 0;
}

static int handle_password_file(struct arguments *a, int sides,
                                const char *value)
{
    for (int i = 0; i < 2; i++) {
        if (!(sides & (1 << i)))
            continue;
        a->password_file[i] = value;
        a->own_password[i] = sides != BOTH;
    }
    return 0;
}

static int handle_password_fd(struct arguments *a, int sides, const char *value)
{
    int fd = fd_of(value);

    if (fd < 0)
        return say_usage("--password-fd %s: expected a descriptor's number",
                         value);
    for (int i = 0; i < 2; i++) {
        if (!(sides & (1 << i)))
            continue;
        a->password_fd[i] = fd;
        a->own_password[i] = sides != BOTH;
    }
    return 0;
}

/* clang-format off */
static const struct cli_option cli_options[] = {
    {"from", 0, "FORMAT", VERB_SOURCE, false, true, NULL,
     "the source is: raw, vhd, vhd-fixed, tar, tgz, tzst"},
    {"to", 0, "FORMAT", VERB_MOVE, false, true, NULL,
     "write this: raw, vhd, vhd-fixed, tar, tgz, tzst"},
    {"level", 0, "N", VERB_MOVE, false, true, NULL,
     "1, fast, to 9, dense (2; tzst: 3); auto: bytes vary"},
    {"threads", 0, "N", VERB_SOURCE, false, true, NULL,
     "threads to work with; 0: none (default: the cores)"},
    {"name-label", 0, "NAME", VERB_MOVE, false, true, NULL,
     "name of the new VDI or image"},
    {"description", 0, "TEXT", VERB_MOVE, false, true, NULL,
     "description of the new VDI or image"},
    {"other-config", 0, "KEY=VALUE", VERB_MOVE, false, true, NULL,
     "for other_config of the new VDI; again: another"},
    {"size", 0, "BYTES", VERB_SOURCE, false, true, NULL,
     "length of a raw or fixed disk in a pipe"},
    {"any-member", 0, NULL, VERB_SOURCE, false, true, NULL,
     "an archive's VHD may have any name"},
    {"size-from", 0, "WHAT", VERB_IMAGE, false, true, NULL,
     "a VHD's size: current (default) or chs"},
    {"parent", 0, "PATH", VERB_CHAIN | VERB_COPY | VERB_DIGEST | VERB_INFO,
     false, true, NULL,
     "parent of a child; again: that one's parent"},
    {"chain", 0, NULL, VERB_CHAIN | VERB_COPY, false, true, NULL,
     "a child is taken with its parents"},
    {"base", 0, "REF", VERB_COPY, false, true, NULL,
     "a delta: only what differs from this VDI"},
    {"force-base", 0, NULL, VERB_MOVE, false, true, NULL,
     "take a base that is not the delta's own"},
    {"keep-parent", 0, NULL, VERB_COPY, false, true, NULL,
     "copy the difference alone: a child stays a child"},
    {"azure", 0, NULL, VERB_MOVE, false, true, NULL,
     "write a fixed VHD of whole MiB, as Azure wants it"},
    {"digest", 0, NULL, VERB_MOVE | VERB_INFO, false, true, NULL,
     "the digest, too: taken; info: read in an image"},
    {"verify", 0, NULL, VERB_MOVE, false, true, NULL,
     "read the copy back and compare its digest"},
    {"jobs", 0, "N", VERB_COPY, false, true, NULL,
     "of several sources: copy so many at once (2)"},
    {"stats", 0, NULL, VERB_MOVE, false, true, NULL,
     "how long each stage was at work; what is slowest"},
    {"plain", 0, NULL, VERB_MOVE, false, true, NULL,
     "no digest.json in an image"},
    {"blocks", 0, "FILE", VERB_HASH, false, true, NULL,
     "write the digest of each block to this file"},
    {"dry-run", 0, NULL, VERB_REPAIR | VERB_CLEAN, false, true, NULL,
     "say what would be done, and do nothing"},
    {"older-than", 0, "TIME", VERB_CLEAN, false, true, NULL,
     "what is left so long: 30m, 12h, 1d (default), 2w"},
    {"undo", 0, "BACKUP", VERB_REPAIR, false, true, NULL,
     "take a repair back, by the backup that it made"},
    {"image", 0, "FILE.svg", VERB_MAP, false, true, NULL,
     "draw the disk and its file"},
    {"quick", 0, NULL, VERB_MAP, false, true, NULL,
     "by the tables alone: zeros are not told"},
    {"snapshot", 0, NULL, VERB_LONG | VERB_CHECK, false, true, NULL,
     "a VDI in use: copy a snapshot of it"},
    {"force", 0, NULL, VERB_HASH | VERB_MAP | VERB_REPAIR | VERB_CLEAN, false,
     true, NULL, "replace, mend or remove what is spared otherwise"},
    {"timeout", 0, "SECONDS", VERB_POOL, false, true, NULL,
     "give up when no byte moves so long (default: 300)"},
    {"state", 0, "FILE", VERB_MOVE, false, true, NULL,
     "keep here what it takes to go on after a break"},
    {"resume", 0, NULL, VERB_MOVE, false, true, NULL,
     "go on with the transfer of the state file"},
    {"retries", 0, "N", VERB_SOURCE, false, true, NULL,
     "tries again after what may pass (default: 5)"},
    {"retry-delay", 0, "SECONDS", VERB_SOURCE, false, true, NULL,
     "pause before the first; it doubles (default: 2)"},
    {"limit-rate", 0, "RATE", VERB_SOURCE, false, true, NULL,
     "move at most so many bytes a second (K, M, G: 1024)"},
    {"memory", 0, "BYTES", VERB_COPY, false, true, NULL,
     "for the map of a chain's sectors (default: 48M)"},
    {"json", 0, NULL, VERB_ALL, false, false, handle_json,
     "print the result as one JSON object"},
    {"progress", 0, NULL, VERB_LONG, false, false, handle_progress,
     "show the progress bar, terminal or not"},
    {"no-progress", 0, NULL, VERB_LONG, false, false, handle_no_progress,
     "never show it"},
    {"progress-fd", 0, "FD", VERB_LONG, false, false, handle_progress_fd,
     "write progress as JSON lines to this descriptor"},
    {"user", 0, "NAME", VERB_POOL, true, true, handle_user,
     "who logs in (default: USER@ of the place, or root)"},
    {"password-file", 0, "FILE", VERB_POOL, true, false, handle_password_file,
     "the password, or user and password on two lines"},
    {"password-fd", 0, "FD", VERB_POOL, true, false, handle_password_fd,
     "descriptor to read the password from"},
    {"os-cloud", 0, "NAME", VERB_SOURCE, true, false, handle_os_cloud,
     "for Glance: a cloud of clouds.yaml (or OS_CLOUD)"},
    {"cacert", 0, "FILE", VERB_POOL, true, true, handle_cacert,
     "CA certificates to believe"},
    {"pin", 0, "PIN", VERB_POOL, true, true, NULL,
     "[HOST=]sha256:HEX of a certificate to believe"},
    {"insecure", 0, NULL, VERB_POOL, true, true, handle_insecure,
     "believe any certificate: nothing is safe then"},
    {"quiet", 'q', NULL, VERB_ALL, false, false, handle_quiet,
     "errors only"},
    {"verbose", 'v', NULL, VERB_MOVE, false, false, handle_verbose,
     "say what was moved, and how fast"},
    {"help", 'h', NULL, VERB_ALL, false, false, handle_help,
     "print this"},
    {"version", 0, NULL, VERB_ALL, false, false, handle_version,
     "print the version"},
};
/* clang-format on */

enum { NOPTIONS = sizeof(cli_options) / sizeof(cli_options[0]) };

static const struct cli_option *find_long(const char *name, size_t len,
                                          int *sides)
{
    *sides = BOTH;
    for (int i = 0; i < NOPTIONS; i++)
        if (strlen(cli_options[i].name) == len &&
            !memcmp(cli_options[i].name, name, len))
            return &cli_options[i];
    if (len < 5 || (memcmp(name, "src-", 4) && memcmp(name, "dst-", 4)))
        return NULL;
    *sides = name[0] == 's' ? SRC : DST;
    for (int i = 0; i < NOPTIONS; i++)
        if (cli_options[i].sided && strlen(cli_options[i].name) == len - 4 &&
            !memcmp(cli_options[i].name, name + 4, len - 4))
            return &cli_options[i];
    return NULL;
}

static const struct cli_option *find_letter(char letter)
{
    for (int i = 0; i < NOPTIONS; i++)
        if (cli_options[i].letter == letter)
            return &cli_options[i];
    return NULL;
}

static int check_verb(const struct cli_option *o, const struct arguments *a)
{
    if (!a->verb && o->handle != handle_help && o->handle != handle_version)
        return say_usage("--%s: the verb comes before its options", o->name);
    if (a->verb && !(o->verbs & a->verb->bit))
        return say_usage("--%s has no meaning for %s", o->name, a->verb->name);
    return 0;
}

static int apply(const struct cli_option *o, int sides, const char *value,
                 struct vhdstream *v, struct arguments *a)
{
    char name[32];

    if (o->handle) {
        int status = o->handle(a, sides, value);

        if (status)
            return status;
    }
    if (!o->library)
        return 0;
    (void)snprintf(name, sizeof(name), "%s%s",
                   sides == BOTH  ? ""
                   : sides == SRC ? "src-"
                                  : "dst-",
                   o->name);
    if (vhdstream_set(v, name, value))
        return say_usage("%s", vhdstream_error(v));
    return 0;
}

/* One "--name", "--name=value" or "--name value"; moves *i past it. */
static int parse_long(int argc, char **argv, int *i, struct vhdstream *v,
                      struct arguments *a)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const char *value = equals ? equals + 1 : NULL;
    const struct cli_option *o;
    int sides;

    o = find_long(name, len, &sides);
    if (!o)
        return say_usage("--%.*s: no such option", (int)len, name);
    if (check_verb(o, a))
        return VHDSTREAM_USAGE;
    if (!o->value && value)
        return say_usage("--%s takes no value", o->name);
    if (o->value && !value) {
        if (*i + 1 >= argc)
            return say_usage("--%s needs a value: %s", o->name, o->value);
        value = argv[++*i];
    }
    return apply(o, sides, value, v, a);
}

static int parse_letters(const char *letters, struct vhdstream *v,
                         struct arguments *a)
{
    for (; *letters; letters++) {
        const struct cli_option *o = find_letter(*letters);
        int status;

        if (!o)
            return say_usage("-%c: no such option", *letters);
        status = check_verb(o, a);
        if (!status)
            status = apply(o, BOTH, NULL, v, a);
        if (status)
            return status;
    }
    return 0;
}

static int take_word(const char *word, struct arguments *a)
{
    if (!a->verb) {
        for (const struct verb *verb = verbs; verb->name; verb++)
            if (!strcmp(verb->name, word))
                a->verb = verb;
        return a->verb ? 0 : say_usage("%s: no such verb", word);
    }
    if (a->nwords ==
        (strstr(a->verb->places, "...") ? WORDS_MAX : a->verb->nplaces))
        return say_usage("%s: one place too many for %s", word, a->verb->name);
    a->words[a->nwords++] = word;
    return 0;
}

/* Those that others complete, or have a password for. */
static void take_places(struct arguments *a)
{
    a->nplaces = a->nwords < 2 ? a->nwords : 2;
    for (int i = 0; i < a->nplaces; i++)
        a->places[i] = a->words[a->nwords - a->nplaces + i];
}

int arguments_parse(int argc, char **argv, struct vhdstream *v,
                    struct arguments *a)
{
    bool words_only = false;

    *a = (struct arguments){.progress_fd = -1, .password_fd = {-1, -1}};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int status;

        if (words_only || arg[0] != '-' || !arg[1])
            status = take_word(arg, a);
        else if (!strcmp(arg, "--"))
            status = !(words_only = true);
        else if (arg[1] == '-')
            status = parse_long(argc, argv, &i, v, a);
        else
            status = parse_letters(arg + 1, v, a);
        if (status)
            return status;
    }
    if (a->help || a->version)
        return 0;
    if (!a->verb)
        return say_usage("a verb is missing");
    if (a->nwords < a->verb->nplaces)
        return say_usage("%s needs %s", a->verb->name, a->verb->places);
    take_places(a);
    return 0;
}

static void print_option(FILE *out, const struct cli_option *o)
{
    char left[64];

    (void)snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
                   o->letter ? o->letter : ' ', o->letter ? ", " : "  ",
                   o->name, o->value ? " " : "", o->value ? o->value : "");
    (void)fprintf(out, "  %-26s %s\n", left, o->help);
}

static void print_options(FILE *out, unsigned bits)
{
    for (int i = 0; i < NOPTIONS; i++)
        if (cli_options[i].verbs & bits)
            print_option(out, &cli_options[i]);
}

static void print_places(FILE *out)
{
    (void)fputs(
        "\nPlaces:\n"
        "  PATH, file:PATH                 a file or a block device\n"
        "  -                               standard input or output\n"
        "  xapi://[USER@]HOST/vdi/REF      a VDI, by uuid or name-label\n"
        "  xapi://[USER@]HOST/sr/REF       a new VDI in this SR (`default`: "
        "the pool's)\n"
        "  glance://[HOST]/IMAGE           an image in OpenStack's Glance, by "
        "id "
        "or name\n"
        "  https://...                     GET as a source, PUT as a "
        "destination\n",
        out);
}

void help_print(FILE *out, const struct verb *verb)
{
    if (verb) {
        (void)fprintf(out, "vhdstream %s [OPTIONS] %s\n%s\n\nOptions:\n",
                      verb->name, verb->places, verb->summary);
        print_options(out, verb->bit);
        if (verb->bit & VERB_MOVE)
            (void)fprintf(out, "  --user to --insecure also as --src-... and "
                               "--dst-..., for one side of a copy.\n");
        if (verb->bit & VERB_SOURCE)
            print_places(out);
        return;
    }
    (void)fputs("vhdstream moves virtual disks between XAPI pools, files, "
                "pipes and servers.\n\nVerbs:\n",
                out);
    for (verb = verbs; verb->name; verb++)
        (void)fprintf(out, "  %-7s %-19s %s\n", verb->name, verb->places,
                      verb->summary);
    print_places(out);
    (void)fputs("\n`vhdstream VERB --help` lists a verb's options.\n", out);
}
