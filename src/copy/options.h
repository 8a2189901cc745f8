/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_OPTIONS_H
#define VHDSTREAM_OPTIONS_H

#include "base/err.h"
#include "image/format.h"
#include "io/http.h"
#include "store/cloud.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What belongs to one side of a copy. */
struct side {
    char *user;
    char *password;
    char *session; /* of a pool, the caller's, instead of them; or NULL */
    char *cacert;
    char *proxy;             /* of plain URLs, or NULL */
    char *no_proxy;          /* hosts that are reached without it, or NULL */
    struct cloud cloud;      /* of OpenStack */
    struct http_trust trust; /* cacert points to the one above */
};

struct options {
    struct side src, dst;
    const struct format *from, *to; /* NULL: by name or content */
    int level;                      /* of gzip, 1 to 9, or GZIP_LEVEL_AUTO */
    int zstd_level; /* of zstd, 1 to 9, or GZIP_LEVEL_AUTO, which it has not */
    unsigned threads;
    unsigned jobs; /* copies at once */
    unsigned timeout_s;
    unsigned retries;
    unsigned retry_delay_s;
    uint64_t limit_rate; /* bytes a second; 0: none */
    uint64_t memory;     /* bytes for the map of a chain's sectors */
    int64_t size; /* of a stream that is raw or a fixed VHD; -1: not given */
    bool size_from_chs; /* a VHD's size is what its geometry says */
    bool any_member;    /* a VHD is the disk of an archive whatever its name */
    bool azure;         /* whole MiB */
    bool keep_parent;   /* a differencing disk stays one */
    char **parents;     /* the user's word on a disk's parent, that one's ... */
    unsigned nparents;
    bool force_base;       /* a base is taken whatever its uuid */
    char *base;            /* what a delta stands on, or NULL */
    bool chain;            /* a differencing disk is taken with its parents */
    bool dry_run;          /* nothing is written */
    uint64_t older_than_s; /* what is cleaned away */
    char *undo;            /* the backup of a repair that is to be taken back */
    bool force;
    bool snapshot;
    bool stats;   /* how long each stage was at work */
    bool digest;  /* a copy's, taken in passing */
    bool verify;  /* a copy is read back and compared */
    bool plain;   /* an image gets its disk and nothing else */
    bool quick;   /* a map is made without reading any block */
    char *image;  /* file for the drawing of a map, or NULL */
    char *blocks; /* file for the list of block digests, or NULL */
    char *state;  /* file of what another run must know to go on, or NULL */
    bool resume;  /* go on with what is in it */
    char *name_label;
    char *description;
    json_t *other_config; /* texts for that of a new VDI, or NULL */
};

enum {
    JOBS_DEFAULT = 2,
    JOBS_MAX = 64,
    LEVEL_DEFAULT = 2,
    ZSTD_LEVEL_DEFAULT = 3,
    TIMEOUT_DEFAULT = 300,
    OLDER_THAN_DEFAULT = 86400,
    MEMORY_DEFAULT = 48 * 1024 * 1024,
};

void options_init(struct options *o);
void options_free(struct options *o);

/* Sets one by the name that it has on the command line, without the dashes;
 * `value` NULL for a switch. ERR_USAGE. */
int options_set(struct options *o, const char *name, const char *value,
                struct err *e);

#endif
