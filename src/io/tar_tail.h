/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TAR_TAIL_H
#define VHDSTREAM_TAR_TAIL_H

/*
 * A small file behind the end of an archive, where other readers do not look:
 * an archive of its own with that one member. docs/formats/digest.md has the
 * bytes; what the file says is not known here.
 */

#include "io/sink.h"
#include "io/source.h"

#define TAR_TAIL_NAME "digest.json"

enum {
    TAR_TAIL_SIZE = 20 * 512, /* bytes of the archive, always */
    TAR_TAIL_MAX = 4096,      /* of the file */
};

struct tar_tail {
    bool archive; /* there is an archive, behind which it may stand */
    bool found;   /* known at the end */
    size_t len;
    char text[TAR_TAIL_MAX + 1]; /* a NUL after len bytes */
};

/* Writes the archive: TAR_TAIL_SIZE bytes. `len` is at most TAR_TAIL_MAX. */
int tar_tail_write(struct sink *s, const char *text, size_t len, struct err *e);

/* Reads what comes after the two empty blocks that ended an archive, to the
 * source's verified end: first the `len` bytes of `rest`, which have been taken
 * from `in` already, then those of `in`, through `buf` of `room` bytes (a
 * multiple of 512; `rest` may lie in it). Zeros, at most one such archive, and
 * nothing else: ERR_CORRUPT for other bytes and a file that is too large,
 * ERR_UNSUPPORTED for other members. */
int tar_tail_read(struct source *in, const uint8_t *rest, size_t len,
                  uint8_t *buf, size_t room, struct tar_tail *out,
                  struct err *e);

#endif
