/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_IMAGE_H
#define VHDSTREAM_IMAGE_H

/*
 * A disk whose allocation map is known and whose blocks have not been read yet.
 *
 * A block is the unit of the map. A block in the map may turn out to be all
 * zeros; one that is not in it is a hole: zeros, or the parent's content when
 * has_parent is set. Blocks come in the order in which the input stores them
 * (`order`), each once, and from the map and the order everything that has to
 * be promised ahead can be computed: see encoder.h.
 *
 * A block of more than PIECE_MAX bytes comes in pieces, in ascending order of
 * their offset, so that memory does not follow the block size.
 *
 * A wrapper (image_async ...) replaces the variable it wraps and owns what was
 * in it. An image is used by one thread at a time.
 */

#include "base/err.h"
#include "base/pool.h"
#include "io/source.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SECTOR_SIZE = 512,
    PIECE_MAX = 2 * 1024 * 1024, /* bytes of data in one piece */
    PIECE_SECTORS = PIECE_MAX / SECTOR_SIZE,
    BLOCK_SIZE_DEFAULT = 2 * 1024 * 1024, /* the one that every reader takes */
    BLOCK_SIZE_MIN = 4096,
    BLOCK_SIZE_MAX = 256 * 1024 * 1024,
    /* 2040 GiB in 512 KiB blocks: what 64 MiB of memory have room for. */
    BLOCKS_MAX = 4 * 1024 * 1024,
};

/* The buffer of one piece, and what it holds. Sectors whose bit is clear are
 * holes; their bytes in `data` are zero. */
struct block {
    uint32_t index;   /* of the block in the disk */
    uint32_t offset;  /* of this piece in the block, bytes */
    uint32_t len;     /* bytes; the disk's last block is cut at its end */
    bool whole;       /* every sector is present */
    uint8_t *data;    /* PIECE_MAX bytes, page aligned */
    uint8_t *present; /* a bit a sector of the piece, PIECE_SECTORS of them */
};

int block_open(struct block *b, struct err *e);
void block_close(struct block *b);
void block_cleanup(struct block *b);

/* What a disk has at some place. */
enum extent_kind {
    EXTENT_DATA,
    EXTENT_ZERO,   /* stored, and found to be zeros */
    EXTENT_HOLE,   /* not stored: zeros */
    EXTENT_PARENT, /* not stored: the parent's content */
};
enum { EXTENT_KINDS = EXTENT_PARENT + 1 };

struct image;

struct image_ops {
    /* The next piece into *b: 1; or 0 when all were handed out and the input
     * was found whole to its very end. Not called again after 0 or an error. */
    int (*next)(struct image *img, struct block *b, struct err *e);
    /* `len` bytes of content from byte `offset` of the disk, in any order and
     * apart from next; holes as zeros. Bounds are the caller's. NULL: stream
     * only. */
    int (*read)(struct image *img, void *buf, size_t len, uint64_t offset,
                struct err *e);
    /* What image_overlay does, apart from next. NULL where the image has no
     * parent: read will do. */
    int (*overlay)(struct image *img, uint8_t *buf, uint64_t sector,
                   uint32_t count, uint8_t *missing, struct err *e);
    /* What image_extent does, finer than the map tells it. Only with read.
     * NULL: by the map. */
    int (*extent)(struct image *img, uint64_t at, enum extent_kind *kind,
                  uint64_t *end, struct err *e);
    void (*close)(struct image *img);
};

struct vhd_head;

struct image {
    const struct image_ops *ops;
    char name[NAME_SIZE]; /* of the place, for messages */
    const char *format;   /* "vhd", "raw": a name of the format table */
    uint64_t size;        /* virtual size, bytes; a multiple of a sector */
    uint32_t block_size;  /* bytes, a power of two */
    uint32_t nblocks;     /* div_up(size, block_size) */
    uint32_t nmapped;     /* blocks in the map */
    uint8_t *map;         /* bit i: block i is mapped; owned */
    uint32_t *order;      /* the nmapped block numbers as they come; NULL:
                             ascending; owned */
    bool has_parent;      /* holes are the parent's */
    const struct vhd_head *vhd; /* what the VHD said of itself, or NULL */
    struct stage *stage; /* NULL, or is charged with the time of image_next */
};

int image_next(struct image *img, struct block *b, struct err *e);
bool image_is_seekable(const struct image *img);
int image_read(struct image *img, void *buf, size_t len, uint64_t offset,
               struct err *e);

/* The part of a seekable image in a chain: of sectors [sector, sector + count),
 * at most PIECE_SECTORS, those whose bit in `missing` is set (bit 0: the first
 * one) are put into their places in buf, and the bits cleared. What the image
 * leaves to its parent stays as it is. Past the image's end there are zeros. */
int image_overlay(struct image *img, uint8_t *buf, uint64_t sector,
                  uint32_t count, uint8_t *missing, struct err *e);

/* What the image has at byte `at` of the disk, and where that ends at the
 * earliest. No data is read: nothing is said to be EXTENT_ZERO. A stream tells
 * by its map. */
int image_extent(struct image *img, uint64_t at, enum extent_kind *kind,
                 uint64_t *end, struct err *e);

void image_close(struct image *img);
void image_cleanup(struct image **img);

/* Whether blocks come in ascending order of address. */
bool image_is_ascending(const struct image *img);

/* Bytes of block `index` inside the disk: block_size, less for the last. */
uint32_t image_block_len(const struct image *img, uint32_t index);

/* For constructors: sets the base part, computes nblocks and makes an empty
 * map. ERR_UNSUPPORTED when the disk has more than BLOCKS_MAX. */
int image_init(struct image *img, const struct image_ops *ops, const char *name,
               const char *format, uint64_t size, uint32_t block_size,
               struct err *e);
/* Frees map and order. */
void image_free_base(struct image *img);

/* Marks in the map of img all blocks that inner's mapped blocks touch (the same
 * disk, another block size), and counts them. */
void image_map_from(struct image *img, const struct image *inner);

/* Steps through the mapped blocks in delivery order: the block number for
 * step i of nmapped. `cursor` is the caller's, 0 at first. */
uint32_t image_step(const struct image *img, uint32_t *cursor);

/* The same piece by piece: sets index, offset and len of the next piece in *b;
 * 1, or 0 after the last. The cursor is all zeros at first. */
struct image_cursor {
    uint32_t cursor, steps, index, offset, left_in_block;
};
int image_step_piece(const struct image *img, struct image_cursor *c,
                     struct block *b);

/* --- wrappers --------------------------------------------------------------*/

/* Decodes ahead in a thread of its own; stream only from then on. With
 * `threads` 0 it does nothing. Closing it early waits for the thread: whoever
 * gives up asks for the stop (struct wait) that the inner source listens to
 * first. */
int image_async(struct image **img, unsigned threads, struct err *e);

/* Changes the block size to the default, 2 MiB. Larger blocks are always cut on
 * the way; smaller ones are joined on the way where the parts of each new block
 * come together, else by address, which needs a seekable image; else
 * ERR_UNSUPPORTED (image_can_reblock tells beforehand). Does nothing where the
 * size is right. */
bool image_can_reblock(const struct image *img);
int image_reblock(struct image **img, struct err *e);

/* Takes blocks that hold only zeros out of the map, by reading them (a block
 * that does not begin with zeros costs one page). For seekable images without a
 * parent; others are left as they are. No wrapper: *img itself changes. */
int image_trim(struct image *img, const struct wait *wait, struct err *e);

/* Delivers the disk by address, in blocks of 2 MiB; for a seekable image, else
 * ERR_UNSUPPORTED. Does nothing where that is so already. */
int image_ascend(struct image **img, struct err *e);

/* Of a whole disk of blocks of 2 MiB at most those whose bit is set in
 * `picked`, every sector of them, and holes as zeros, after the rest: what
 * differs from another disk, so has_parent is set. Stream only. */
int image_pick(struct image **img, const uint8_t *picked, struct err *e);

/* The first `size` bytes (whole sectors, not 0, at most *img's) of the disk as
 * a disk; stream only. What comes past them has to be zeros, else ERR_CORRUPT.
 * Does nothing where the size is right. */
int image_cut(struct image **img, uint64_t size, struct err *e);

/* Lays *img over its parents: layers[0] is its parent, layers[1] that one's,
 * and so on, all seekable. What no sector bit of one says is the next one's;
 * past the end of a smaller one there are zeros. Blocks come in the order of
 * *img, then those that only parents have, the nearest parent's first. *img may
 * be a stream. The whole has a parent when the last layer has one.
 *
 * Takes *img and the layers over on success (layers[] is then full of NULL). */
int image_chain(struct image **img, struct image **layers, unsigned count,
                struct err *e);

#endif
