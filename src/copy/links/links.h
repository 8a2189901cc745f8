/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LINKS_H
#define VHDSTREAM_LINKS_H

/*
 * The links of a chain, each as an image of its own: a disk in a pool and the
 * snapshots before it, a VHD file and its parents, or the members of an image.
 */

#include "copy/operation.h"
#include "copy/place.h"
#include "image/image.h"

/* What is known of one. */
struct link {
    struct uuid uuid;
    struct uuid parent;          /* null: it is the base */
    uint64_t size;               /* bytes of the disk; 0: not known yet */
    bool has_label;              /* "" may be one */
    char label[XAPI_LABEL_SIZE]; /* name-label, or that of the file */
};

struct links;

struct links_ops {
    /* Opens one of the links that are known, `which` counted from the leaf: an
     * image that is laid over nothing. */
    int (*open)(struct links *l, unsigned which, struct image **img,
                struct err *e);
    /* Of links that are not known beforehand: the next one, from the base on,
     * in *img and *link; 1, or 0 after the last. NULL where they are known. */
    int (*next)(struct links *l, struct image **img, struct link *link,
                struct err *e);
    /* Before one is opened once more: what is read ahead ends, as the stop of
     * all reading asks that is under way. NULL where nothing is kept open. */
    void (*rewind)(struct links *l);
    void (*close)(struct links *l);
};

struct links {
    const struct links_ops *ops;
    struct vhdstream *v;
    const struct place *place;
    unsigned count;     /* 0: they come as they are, the base first */
    struct link *known; /* [count], [0] the leaf; owned */
};

/* Opens the chain at *p, which must outlive it: by what the place is. */
int links_open(struct links **out, struct vhdstream *v, const struct place *p,
               struct err *e);
void links_rewind(struct links *l);
void links_close(struct links *l);
void links_cleanup(struct links **l);

/* Bytes of all of them; 0: not known. */
uint64_t links_size(const struct links *l);

/* The label of a link; of a stream known when all have come. NULL: none. */
const char *links_label(const struct links *l, const struct uuid *uuid);

/* --- for constructors ------------------------------------------------------*/

int links_of_pool(struct links **out, struct vhdstream *v,
                  const struct place *p, struct err *e);
int links_of_files(struct links **out, struct vhdstream *v,
                   const struct place *p, struct err *e);

/* `src` is the archive, as source_untar has made it; taken over in any case.
 * From a place that is not lasting the base has to come first. */
int links_of_archive(struct links **out, struct vhdstream *v,
                     const struct place *p, struct source *src, struct err *e);
/* The archive of a place; ERR_USAGE where there is none. `again`: what is left
 * out of it has been told. */
int links_open_archive(struct vhdstream *v, const struct place *p, bool again,
                       struct source **archive, struct err *e);

#endif
