/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_PLACE_H
#define VHDSTREAM_XAPI_PLACE_H

/* Places in a pool, as users write them:
 *
 *     xapi://[USER@]HOST[:PORT][/]            the pool
 *     xapi://[USER@]HOST[:PORT]/sr/REF        an SR; REF may be "default"
 *     xapi://[USER@]HOST[:PORT]/vdi/REF       a disk
 *     xapi+http://...                         the same without TLS
 *
 * REF is a uuid or a name-label; USER and REF are percent-decoded. */

#include "base/err.h"
#include "base/host_port.h"
#include "io/source.h" /* NAME_SIZE */

#include <stdbool.h>
#include <stddef.h>

enum {
    XAPI_USER_SIZE = 128,
    XAPI_LABEL_SIZE = 512, /* bytes of a name-label that are kept, with NUL */
};

enum xapi_kind {
    XAPI_POOL,
    XAPI_SR,
    XAPI_VDI,
};

struct xapi_place {
    bool tls;
    struct host_port host;
    char user[XAPI_USER_SIZE]; /* "": not said */
    enum xapi_kind kind;
    char ref[XAPI_LABEL_SIZE]; /* decoded; "" for the pool */
    char name[NAME_SIZE];      /* as it was written, for messages */
};

/* Whether `text` has one of the two schemes. */
bool xapi_place_is(const char *text);

/* Parses `text`. ERR_USAGE with a sentence that shows the form; a password
 * inside is refused and never repeated. */
int xapi_place_parse(struct xapi_place *out, const char *text, struct err *e);

#endif
