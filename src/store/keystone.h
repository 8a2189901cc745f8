/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_KEYSTONE_H
#define VHDSTREAM_KEYSTONE_H

/* Keystone's Identity API, version 3: credentials in, a token and the place of
 * Glance out. */

#include "io/http.h"
#include "store/cloud.h"

#include <stdbool.h>

enum {
    KEYSTONE_TOKEN_SIZE = 16 * 1024,
    KEYSTONE_URL_SIZE = 1024,
};

/* How one gets in. */
enum keystone_way {
    KEYSTONE_NONE,       /* without a token */
    KEYSTONE_GIVEN,      /* with the token as it was given */
    KEYSTONE_TOKEN,      /* with one that Keystone gives for that */
    KEYSTONE_PASSWORD,   /* for user and password */
    KEYSTONE_CREDENTIAL, /* for an application credential */
};

/* Which way the settings lead. `asks_catalogue`: the token as it is would not
 * do. ERR_USAGE where something is missing, which is named. */
int keystone_choose(const struct cloud *c, bool asks_catalogue,
                    enum keystone_way *way, struct err *e);

struct keystone_grant {
    char *token;                      /* the caller's: mem_free_secret() */
    char endpoint[KEYSTONE_URL_SIZE]; /* of Glance, from the catalogue; "" where
                                         it was not asked for */
};

/* Logs in by one of the last three ways. Without `tls_only` the address may be
 * http://. ERR_AUTH, ERR_NOT_FOUND (no Glance in the catalogue), and what calls
 * fail with. */
int keystone_login(struct http_client *client, const struct cloud *c,
                   enum keystone_way way, bool asks_catalogue, bool tls_only,
                   struct keystone_grant *out, struct err *e);

/* --- its parts -------------------------------------------------------------*/

/* The request's text; secret. */
int keystone_request(const struct cloud *c, enum keystone_way way, char **out,
                     struct err *e);

/* The URL of Glance in the answer's text. */
int keystone_find_image(const char *answer, const struct cloud *c,
                        const char *name, char url[KEYSTONE_URL_SIZE],
                        struct err *e);

#endif
