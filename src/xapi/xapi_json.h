/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_JSON_H
#define VHDSTREAM_XAPI_JSON_H

/*
 * JSON-RPC 2.0 in memory: requests out, answers in. An answer comes from a
 * server that may be anybody: its length, depth and number of values are
 * bounded, and no field is believed to have the type it should have.
 */

#include "base/err.h"
#include "base/mem.h" /* CLEANUP */
#include "xapi/xapi_fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    XAPI_REPLY_MAX = 8 * 1024 * 1024, /* bytes of one answer */
    XAPI_DEPTH_MAX = 32,
    XAPI_VALUES_MAX = 256 * 1024,
    XAPI_OPAQUE_SIZE = 96, /* of a ref, with its NUL: "OpaqueRef:" + uuid */
    XAPI_UUID_SIZE = 37,
};

extern const char xapi_null_ref[]; /* "OpaqueRef:NULL" */

/* For CLEANUP(json). */
void json_cleanup(json_t **value);

/* Whether `ref` has the form of a ref, so that it can stand in a URL. */
bool xapi_ref_is(const char *ref);

/* Whether it names an object: neither XAPI's null ref nor empty. */
bool xapi_ref_is_some(const char *ref);

/* The text of a request, into *out; may hold secrets, so to be freed with
 * mem_free_secret(). `session` (NULL: none) goes before `args`, an array. NULL
 * args mean that making them failed: a text was no UTF-8, or memory ran out. */
int xapi_json_request(char **out, const char *method, const char *session,
                      json_t *args, struct err *e);

/* Parses an answer. 0 and *result (the caller's; JSON null for none), 1 and
 * *fault when the server refused, or ERR_CORRUPT. `what` names the place and
 * the call. */
int xapi_json_reply(json_t **result, struct xapi_fault *fault, const char *text,
                    const char *what, struct err *e);

/* --- typed access ----------------------------------------------------------
 * `what` names the call whose answer `value` is, for the message; `key` is a
 * field of the record `value`, or NULL for the value itself. A type that does
 * not fit is ERR_CORRUPT. */

/* A text into out[size]: a ref, a uuid, a state. One that is longer is an
 * error. */
int xapi_json_word(const json_t *value, const char *key, const char *what,
                   char *out, size_t size, struct err *e);

/* A text for people into out[size], cut where it is longer. */
int xapi_json_label(const json_t *value, const char *key, const char *what,
                    char *out, size_t size, struct err *e);

/* A ref that can stand in a URL. */
int xapi_json_ref(const json_t *value, const char *key, const char *what,
                  char out[XAPI_OPAQUE_SIZE], struct err *e);

/* A number that is not negative; as a text of digits, too. */
int xapi_json_size(const json_t *value, const char *key, const char *what,
                   uint64_t *out, struct err *e);

int xapi_json_bool(const json_t *value, const char *key, const char *what,
                   bool *out, struct err *e);

/* From 0 to 1. */
int xapi_json_fraction(const json_t *value, const char *key, const char *what,
                       double *out, struct err *e);

/* A list, a map; borrowed from `value`. */
int xapi_json_list(const json_t *value, const char *key, const char *what,
                   const json_t **out, struct err *e);
int xapi_json_map(const json_t *value, const char *key, const char *what,
                  const json_t **out, struct err *e);

/* The text under `key` in a map, or "" where there is none. */
const char *xapi_json_in_map(const json_t *map, const char *key);

#endif
