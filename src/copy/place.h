/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_PLACE_H
#define VHDSTREAM_PLACE_H

/* Where a disk is or shall be: the places of the command line. */

#include "base/err.h"
#include "image/format.h"
#include "xapi/xapi_place.h"

enum place_kind {
    PLACE_FILE,  /* text is the path */
    PLACE_STDIO, /* "-" */
    PLACE_HTTP,  /* text is the URL */
    PLACE_XAPI,  /* xapi says where */
};

struct place {
    enum place_kind kind;
    char *text;                  /* owned */
    struct xapi_place xapi;      /* PLACE_XAPI */
    const struct format *suffix; /* what the name says; NULL: nothing */
};

/* ERR_USAGE for what is no place. */
int place_parse(const char *text, struct place *out, struct err *e);
void place_free(struct place *p);
void place_cleanup(struct place *p);

#endif
