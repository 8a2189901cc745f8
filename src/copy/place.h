/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_PLACE_H
#define VHDSTREAM_PLACE_H

/* Where a disk is or shall be: the places of the command line. */

#include "base/err.h"
#include "image/format.h"
#include "store/glance_place.h"
#include "xapi/xapi_place.h"

enum place_kind {
    PLACE_FILE,   /* path */
    PLACE_FD,     /* "-", "fd:N": fd is open */
    PLACE_CALLER, /* "caller:": functions of the library's user */
    PLACE_HTTP,   /* path is the URL */
    PLACE_XAPI,   /* xapi says where */
    PLACE_GLANCE, /* glance says where */
};

struct place {
    enum place_kind kind;
    char *path;                  /* owned; as given, without "file:" */
    int fd;                      /* PLACE_FD; stays the caller's */
    char name[NAME_SIZE];        /* for messages; holds no secret */
    struct xapi_place xapi;      /* PLACE_XAPI */
    struct glance_place glance;  /* PLACE_GLANCE */
    const struct format *suffix; /* what the name says; NULL: nothing */
};

/* ERR_USAGE for what is no place. `what` is "source" or "destination". */
int place_parse(struct place *out, const char *text, const char *what,
                struct err *e);
/* Whether what is there can be read, or written, a second time from its
 * beginning: no pipe, terminal or open descriptor. A path at which nothing is
 * yet counts as such. */
bool place_is_lasting(const struct place *p);

/* Whether it is reached by the network. */
bool place_is_remote(const struct place *p);

void place_cleanup(struct place *p);

#endif
