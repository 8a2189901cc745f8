/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_FAULT_H
#define VHDSTREAM_XAPI_FAULT_H

/* A failure as XAPI names it, in an RPC answer or in a task: a code and its
 * parameters. Fixed in size: what is longer is cut. */

#include "base/err.h"

#include <stdbool.h>

enum {
    XAPI_CODE_SIZE = 64,
    XAPI_PARAMS_MAX = 4,
    XAPI_PARAM_SIZE = 256,
};

struct xapi_fault {
    char code[XAPI_CODE_SIZE]; /* "": none */
    unsigned nparams;
    char params[XAPI_PARAMS_MAX][XAPI_PARAM_SIZE];
};

void xapi_fault_init(struct xapi_fault *f, const char *code);

/* One more parameter; NULL stands for one that is no text; those beyond
 * XAPI_PARAMS_MAX are dropped. Refs inside a longer text are cut out. */
void xapi_fault_add(struct xapi_fault *f, const char *param);

bool xapi_fault_is(const struct xapi_fault *f, const char *code);

/* Whether waiting may help: the object is in use, or held by another
 * operation. */
bool xapi_fault_is_busy(const struct xapi_fault *f);

/* Whether the SR, or this kind of disk in it, has no such operation: as XAPI
 * says it, which keeps sm's own word for that (error 38) to itself as a rule.
 */
bool xapi_fault_is_lacking(const struct xapi_fault *f);

/* Empties what may tell `secret`, where this answers a login with it. */
void xapi_fault_withhold(struct xapi_fault *f, const char *secret);

/* What the user can do about it. */
enum err_code xapi_fault_kind(const struct xapi_fault *f);

/* "SENTENCE (CODE: PARAMS)" into out, without the refs of sessions: `session`,
 * or NULL, is ours. */
enum { XAPI_FAULT_TEXT_SIZE = 640 };
void xapi_fault_text(const struct xapi_fault *f, const char *session,
                     char out[XAPI_FAULT_TEXT_SIZE]);

/* Has e->said say it: [CODE, PARAMS...] as JSON, without those refs. */
void xapi_fault_say(const struct xapi_fault *f, const char *session,
                    struct err *e);

/* "WHAT: SENTENCE (CODE: PARAMS)" as an error of its kind, which says it. */
int xapi_fault_set(const struct xapi_fault *f, const char *session,
                   const char *what, struct err *e);

#endif
