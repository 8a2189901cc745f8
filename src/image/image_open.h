/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_OPEN_H
#define VHDSTREAM_IMAGE_OPEN_H

#include "base/notice.h"
#include "base/wait.h"
#include "image/format.h"
#include "image/image.h"
#include "io/tar_tail.h"

struct image_open_options {
    const struct format *from;   /* the user's word, or NULL */
    const struct format *suffix; /* what the place's name says, or NULL */
    bool any_member; /* an archive's disk may have any name, and is a VHD */
    bool vhd_inside; /* its record says that what is packed is a VHD */
    int64_t size;    /* bytes of a stream, where the user says, or -1; a fixed
                        VHD's footer is counted */
    bool size_from_chs;          /* see struct vhd_origin */
    unsigned threads;            /* 0: none beside the caller's */
    struct pool *pool;           /* which inflates what it can; or NULL */
    struct stage *inflate;       /* charged with that; or NULL */
    bool exact;                  /* see struct vhd_origin */
    struct tar_tail *tail;       /* what stands behind an archive, known when
                                    all blocks have come; or NULL */
    struct source **archive;     /* is told the source_untar that was put in, or
                                    NULL where there was none; or NULL */
    const struct notice *notice; /* or NULL */
    struct cancel *halt;         /* what the source's waiting listens to: asked
                                    for when a read-ahead must end early */
};

/*
 * Finds the disk in a source: unpacks gzip, zstd and tar as needed and decodes
 * the head of what is inside. Takes over *src (NULL afterwards) on success.
 *
 * What the user says goes before the name, the name before the content; a name
 * other than raw that the content contradicts is ERR_USAGE and asks for --from.
 * Something that is no disk but a known other form is ERR_UNSUPPORTED.
 */
int image_open(struct source **src, const struct image_open_options *opt,
               struct image **out, struct err *e);

/* The first half of that: takes gzip, zstd and tar off *src. *disk is what the
 * user or a name says of the disk inside, DISK_ANY where nobody does. */
int image_unpack(struct source **src, const struct image_open_options *opt,
                 enum disk *disk, struct err *e);

/* What the name of an archive's member says of the disk in it. */
enum disk image_member_disk(const struct image_open_options *opt,
                            const struct source *src);

/* The disk in a member of an archive, which *src stands at the beginning of.
 * Takes over *src (NULL afterwards) on success. */
int image_open_member(struct source **src, const struct image_open_options *opt,
                      struct image **out, struct err *e);

#endif
