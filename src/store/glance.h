/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_GLANCE_H
#define VHDSTREAM_GLANCE_H

/*
 * Glance, by version 2 of its API. A session has the way in (address, token)
 * and finds, makes, fills and removes images. Used by one thread at a time; a
 * source or a sink counts as its session's user while it moves.
 */

#include "base/notice.h"
#include "base/pool.h"
#include "base/uuid.h"
#include "io/http.h"
#include "io/sink.h"
#include "io/source.h"
#include "store/cloud.h"
#include "store/glance_place.h"
#include "store/store_hash.h"

#include <stdbool.h>
#include <stdint.h>

struct glance;

/* What a session is opened with; all but the place must outlive it. */
struct glance_config {
    const struct glance_place *place;
    const struct cloud *cloud;
    const struct http_config *http;
    const struct notice *notice; /* or NULL */
    struct pool *pool;           /* takes sums */
};

/* Finds the way in; logs in with Keystone where the cloud's settings say so.
 * ERR_USAGE: settings that are missing or contradict. ERR_AUTH. */
int glance_open(struct glance **out, const struct glance_config *cfg,
                struct err *e);
void glance_close(struct glance *g);

/* The place, for messages. */
const char *glance_name(const struct glance *g);

enum { GLANCE_WORD_SIZE = 64, GLANCE_DIGEST_SIZE = 160 };

/* An image's record; texts that it has not are "". */
struct glance_image {
    char id[UUID_TEXT_SIZE];
    char label[GLANCE_NAME_SIZE];
    char status[GLANCE_WORD_SIZE];
    char disk_format[GLANCE_WORD_SIZE];
    char container_format[GLANCE_WORD_SIZE];
    int64_t size;                  /* bytes stored; -1: not known */
    char checksum[STORE_SUM_SIZE]; /* MD5, hex */
    char hash_algo[GLANCE_WORD_SIZE];
    char hash_value[STORE_SUM_SIZE];
    char digest[GLANCE_DIGEST_SIZE]; /* that vhdstream has noted */
};

/* The image of this id, else the one of this name. ERR_NOT_FOUND; ERR_USAGE
 * with the ids where several have the name. */
int glance_find(struct glance *g, const char *ref, struct glance_image *out,
                struct err *e);

/* The record as it is now. */
int glance_get(struct glance *g, const char *id, struct glance_image *out,
               struct err *e);

/* A new image. Texts may be NULL. */
struct glance_new {
    const char *label;
    const char *description;
    const char *disk_format;
    const char *container_format;
    uint64_t virtual_size; /* bytes of the disk */
};

/* Makes the record, without content. One whose answer was lost is removed as
 * glance_remove does. */
int glance_create(struct glance *g, const struct glance_new *how,
                  struct glance_image *out, struct err *e);

/* Says of a record without content what will be in it. */
int glance_set_formats(struct glance *g, const char *id,
                       const char *disk_format, const char *container_format,
                       struct err *e);

/* Notes the digest of the disk with its image. */
int glance_note_digest(struct glance *g, const char *id, const char *digest,
                       struct err *e);

/* Removes an image of which nothing shall stay, whatever else has been stopped.
 * Cannot fail: what is left is appended to *why (ERR_UNSETTLED). */
void glance_remove(struct glance *g, const char *id, struct err *why);

/* After a failure, *why, to fill an image that was there: where it has got
 * content, which nobody can take from it again, that is appended. */
void glance_tell_filled(struct glance *g, const char *id, struct err *why);

/* The content of an active image. It ends when its length and sums are those
 * of the record, else ERR_CORRUPT; a break is gone on from (http_config's
 * retry). *img is copied. */
int source_open_glance(struct source **out, struct glance *g,
                       const struct glance_image *img, struct err *e);

/* Fills an image that has no content with `size` bytes (-1: not known yet).
 * What is not finished is broken off, and Glance keeps nothing of it. finish
 * wants the record to say what was sent: its length and its sums. */
int sink_open_glance(struct sink **out, struct glance *g,
                     const struct glance_image *img, int64_t size,
                     struct err *e);

#endif
