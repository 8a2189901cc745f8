/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ARGUMENTS_H
#define VHDSTREAM_ARGUMENTS_H

/* The command line: one table of verbs, one of options. Parsing, --help and the
 * checks of the man pages all read these. */

#include <stdbool.h>
#include <stdio.h>

struct vhdstream;

enum verb_bit {
    VERB_COPY = 1,
    VERB_INFO = 2,
    VERB_CHECK = 4,
    VERB_REPAIR = 8,
    VERB_DIGEST = 16,
    VERB_COMPARE = 32,
    VERB_MAP = 64,
    VERB_CLEAN = 128,
    VERB_MERGE = 256,
    VERB_MOVE = VERB_COPY | VERB_MERGE, /* writes a disk */
    VERB_HASH = VERB_MOVE | VERB_DIGEST,
    VERB_CHAIN = VERB_CHECK | VERB_MAP, /* with parents only when asked to */
    VERB_LONG = VERB_HASH | VERB_COMPARE | VERB_MAP, /* may take long */
    VERB_IMAGE = VERB_LONG | VERB_INFO,
    VERB_SOURCE = VERB_IMAGE | VERB_CHECK, /* takes any place */
    VERB_POOL = VERB_SOURCE | VERB_CLEAN,  /* may log in */
    VERB_ALL = VERB_POOL | VERB_REPAIR,
};

enum {
    WORDS_MAX = 1025
}; /* a chain of as many disks as it may have, and what
      becomes of it */

/* What the program itself acts on; all else goes to the library. */
struct arguments {
    const struct verb *verb;
    const char *words[WORDS_MAX]; /* all places, as they were given */
    int nwords;
    const char *places[2]; /* of them: the source and the destination */
    char rooms[2][1024];   /* for places that the environment completes */
    int nplaces;
    bool json, quiet, verbose, help, version;
    int progress;    /* 1 wanted, -1 unwanted, 0: where it makes sense */
    int progress_fd; /* -1: none */
    const char *password_file[2]; /* of source and destination */
    int password_fd[2];           /* -1: none */
    bool own_password[2]; /* given for this side alone: --src-..., --dst-... */
    bool has_user[2];
    bool insecure[2];
    bool has_cacert[2];
    const char *os_cloud[2]; /* of clouds.yaml, or NULL */
};

struct verb {
    const char *name;
    enum verb_bit bit;
    const char *places; /* as in the usage line */
    int nplaces; /* at least, where these end in dots or have some within */
    const char *summary;
    int (*run)(struct vhdstream *v, struct arguments *a);
};

/* The verbs, ended by one without a name. */
extern const struct verb verbs[];

/* Parses argv, handing the library's options to v. 0, or an exit status after
 * having said on stderr what is wrong. */
int arguments_parse(int argc, char **argv, struct vhdstream *v,
                    struct arguments *a);

/* --help: of all, or of one verb. */
void help_print(FILE *out, const struct verb *verb);

#endif
