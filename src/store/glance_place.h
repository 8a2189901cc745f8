/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_GLANCE_PLACE_H
#define VHDSTREAM_GLANCE_PLACE_H

/* Images in Glance, as users write them:
 *
 *     glance://[HOST[:PORT]]/IMAGE         by TLS
 *     glance+http://[HOST[:PORT]]/IMAGE    in cleartext
 *
 * IMAGE is an id or a name, percent-decoded. Without a host the catalogue of
 * Keystone tells where Glance is. */

#include "base/err.h"
#include "base/host_port.h"
#include "io/source.h" /* NAME_SIZE */

#include <stdbool.h>

enum { GLANCE_NAME_SIZE = 256 * 4, GLANCE_PORT = 9292 };

struct glance_place {
    bool tls;
    bool has_host;
    struct host_port host;      /* with a port, always */
    char ref[GLANCE_NAME_SIZE]; /* decoded; "": none */
    char name[NAME_SIZE];       /* as it was written, for messages */
};

/* Whether `text` has one of the two schemes. */
bool glance_place_is(const char *text);

/* ERR_USAGE with a sentence that shows the form. */
int glance_place_parse(struct glance_place *out, const char *text,
                       struct err *e);

#endif
