/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_GLANCE_INNER_H
#define VHDSTREAM_GLANCE_INNER_H

/* What the glance_*.c files share. */

#include "store/glance.h"
#include "store/keystone.h"

struct glance {
    struct glance_config cfg;
    struct glance_place place; /* cfg has it */
    struct http_client *client;
    enum keystone_way way;
    char base[KEYSTONE_URL_SIZE]; /* of the API, without "/v2" */
    char *token_line;             /* "X-Auth-Token: ...", or NULL: without */
    const char *lines[2];         /* it, for http_source_options */
    bool upload_renewed;          /* since an upload was refused with it */
};

/* A call: the method, and the path behind "/v2". */
struct glance_call {
    const char *method;
    const char *path;
    const char *type; /* of the body; NULL: there is none */
    const char *body;
};

/* Makes it, with the token; one that is refused is renewed once. Any answer is
 * a success: see *reply, and *answer (the caller's). */
int glance_ask(struct glance *g, const struct glance_call *call, char **answer,
               struct http_reply *reply, struct err *e);

/* The same; an answer that is no 2xx is an error. */
int glance_do(struct glance *g, const struct glance_call *call, char **answer,
              struct err *e);

/* The same, for what may be gone: 1, or 0 for a 404. */
int glance_do_if_there(struct glance *g, const struct glance_call *call,
                       char **answer, struct http_reply *reply, struct err *e);

/* The token is refused: another one. ERR_AUTH where there is none. */
int glance_renew(struct glance *g, struct err *e);

/* The record in an answer's text. ERR_CORRUPT. */
int glance_image_parse(const char *answer, const char *name,
                       struct glance_image *out, struct err *e);

/* "/images/ID" */
enum { GLANCE_PATH_SIZE = 80 };
void glance_image_path(const char *id, char path[GLANCE_PATH_SIZE]);

/* "BASE/v2/images/ID/file" into *out. */
int glance_file_url(const struct glance *g, const char *id, char **out,
                    struct err *e);

/* Cuts secrets out of a failure. */
void glance_hide(const struct glance *g, struct err *e);

/* Whether a record's sums are those of what was moved: ERR_CORRUPT. A sum that
 * was not taken, or that the record has not, is not compared. */
int glance_compare(const struct glance_image *img, uint64_t len,
                   const char *md5, const char *sum, const char *algorithm,
                   const char *name, struct err *e);

#endif
