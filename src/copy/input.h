/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_INPUT_H
#define VHDSTREAM_INPUT_H

/* The source side of an operation: a place, opened as an image. */

#include "copy/operation.h"
#include "copy/place.h"
#include "image/digest/leaf_hash.h"
#include "image/image.h"
#include "io/tar_tail.h"

struct pool_input;

struct input {
    int side;            /* SIDE_SRC or SIDE_DST: whose credentials count */
    struct vhdstream *v; /* of input_open */
    const struct place *place; /* of input_open */
    struct image *img;
    struct tar_tail tail; /* what stands behind an archive: its digest.json */
    struct pool_input *pool; /* PLACE_XAPI: the session and the disk */
    const char *base; /* PLACE_XAPI: what differs from this VDI is the image;
                         NULL: all of the disk. Set before input_open */
    const char *const *stack; /* else: what a delta is to be laid over, the
                                 nearest first, nstack files; or NULL. Likewise
                               */
    unsigned nstack;
    bool kept; /* else: a delta stays as it is, for who uses it up. Likewise */
    bool listed;      /* its copy is a delta against a list, so a whole disk's
                         --parent is that of the copy. Likewise */
    struct uuid uuid; /* of the disk, for a VHD of it; null: that of its VHD */
    struct uuid parent_uuid; /* of the VDI called `base`; or null */
    struct source *archive;  /* the source_untar that img is in, until it is
                                closed; or NULL */
    bool is_chain; /* img is one of several members, and archive was taken
                      apart: it is open until input_rewind */
    char *parent;  /* of a disk that stays a child: the path that its copy shall
                      name, or NULL */
};

/* For a pool what opening does first: logs in and finds the disk, and its base.
 * Nothing for another place. Sets in->v, in->place and in->pool. */
int input_find(struct vhdstream *v, const struct place *p, struct input *in,
               struct err *e);

/* Opens what is at `p`, to where its map is known. Only in->side is set before.
 * What comes from a server is opened again where its stream breaks, as often as
 * v->retry allows. *p must outlive it.
 *
 * input_open_chain takes an archive of several disks, too (in->is_chain): their
 * streams are not opened again. */
int input_open_chain(struct vhdstream *v, const struct place *p,
                     struct input *out, struct err *e);
int input_open(struct vhdstream *v, const struct place *p, struct input *out,
               struct err *e);

/* The same in two steps, for a place that is no pool: its bytes, and the disk
 * in them. Takes over *src (NULL afterwards) on success. */
int input_source(struct vhdstream *v, int side, const struct place *p,
                 struct source **out, struct err *e);
int input_decode(struct vhdstream *v, const struct place *p,
                 struct source **src, struct input *out, struct err *e);
/* The same for who wants the disk as it is packed: its bytes, taken out of gzip
 * and tar, in *src (the caller's, also after a failure; to be closed before
 * input_close); *disk is what is said of its format. */
int input_open_bytes(struct vhdstream *v, const struct place *p,
                     struct input *in, struct source **src, enum disk *disk,
                     struct err *e);

/* Refuses a disk that is one of a chain. `to` is where it could not be put. */
int input_refuse_chain(const struct input *in, const char *to, struct err *e);

/* Appends to *e, that its parent is not at hand, what can be done about a disk
 * that may be one of a chain. Returns the code. */
int input_hint_chain(const struct input *in, struct err *e);

/* What is said of the disk in the archive's member that has come. */
enum disk input_member_disk(const struct input *in);

/* Of a chain, when img was closed: the next member is in->img, 1; or the
 * archive has ended, 0. */
int input_next_member(struct input *in, struct err *e);

/* Takes blocks of zeros out of the map of a raw file, by reading them: so what
 * is made of it has no such blocks, and its exact size is known. */
int input_trim(struct vhdstream *v, struct input *in, struct err *e);

/* Names the parent of a disk that was opened with a base. Else makes a
 * differencing disk whole, by its parents; or, with --keep-parent,
 * finds out how its copy shall name its parent. Does nothing for a whole disk,
 * except that a --parent for it is an error. */
int input_complete(struct vhdstream *v, const struct place *p, struct input *in,
                   struct err *e);

/* After the last block: whether the digest.json of an image says what the disk
 * is; `digest` is what came out, or NULL where it was not taken. */
int input_check_note(const struct vhdstream *v, const struct input *in,
                     const struct leaf_hash *digest, struct err *e);

/* After the last block: what the source's side still has to do (a snapshot to
 * destroy, a session to end). May fail. */
int input_finish(struct input *in, struct err *e);

/* For another try: closes the image; a pool's session and the snapshot that was
 * made stay, for the next input_open. */
void input_rewind(struct input *in, struct err *why);

/* Frees. `why` as in sink_close. */
void input_close(struct input *in, struct err *why);

#endif
