/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STORE_JSON_H
#define VHDSTREAM_STORE_JSON_H

/* JSON of stores. An answer comes from a server that may be anybody: its
 * length, depth and number of values are bounded, and no field is believed to
 * have the type it should have. */

#include "base/err.h"
#include "base/mem.h" /* CLEANUP */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_ANSWER_MAX = 4 * 1024 * 1024, /* bytes: catalogues are long */
    STORE_DEPTH_MAX = 32,
    STORE_VALUES_MAX = 128 * 1024,
};

/* For CLEANUP(store_json). */
void store_json_cleanup(json_t **value);

/* The text of a request into *out, to be freed with mem_free_secret(). Takes
 * over `value`; NULL means that making it failed: a text was no UTF-8, or
 * memory ran out. */
int store_json_request(char **out, json_t *value, struct err *e);

/* Parses an answer. ERR_CORRUPT; `name` is the place. */
int store_json_load(json_t **out, const char *text, const char *name,
                    struct err *e);

/* A text field into out[size], "" where it is missing or null. Another type, or
 * one that does not fit, is ERR_CORRUPT. */
int store_json_text(const json_t *object, const char *key, const char *name,
                    char *out, size_t size, struct err *e);

/* A text for people, cut where it does not fit. */
int store_json_label(const json_t *object, const char *key, const char *name,
                     char *out, size_t size, struct err *e);

/* A number of bytes, -1 where it is missing or null. */
int store_json_size(const json_t *object, const char *key, const char *name,
                    int64_t *out, struct err *e);

#endif
