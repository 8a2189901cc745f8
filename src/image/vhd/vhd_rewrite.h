/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_REWRITE_H
#define VHDSTREAM_VHD_REWRITE_H

/*
 * A VHD's file that is changed in place, and changed back.
 *
 * The backup is on the disk before the first byte is overwritten; then each
 * patch is written and made to last before the next one, the footer at 0 after
 * all others, so that whenever it ends there is a sound footer at one end.
 * After a crash the backup takes everything back, or another repair goes on.
 */

#include "base/err.h"
#include "base/wait.h"
#include "image/vhd/vhd_patch.h"
#include "io/source.h"

#include <stdbool.h>

struct vhd_file {
    const char *path; /* the caller's */
    int fd;
    struct source *src; /* its bytes */
    const struct wait *wait;
};

enum vhd_file_use {
    VHD_FILE_READ,
    VHD_FILE_CHANGE, /* nobody else may have it open */
    VHD_FILE_FORCE,  /* to be changed, whoever has it open */
};

/* Opens a regular file. ERR_UNSUPPORTED for anything else, ERR_FAILED where it
 * is in use. */
int vhd_file_open(struct vhd_file *f, const char *path, enum vhd_file_use use,
                  const struct wait *wait, struct err *e);
void vhd_file_close(struct vhd_file *f);
void vhd_file_cleanup(struct vhd_file *f);

/* Writes the backup beside the file, under a name of its own, stored in *backup
 * (to be freed). */
int vhd_file_back_up(const struct vhd_file *f, const struct vhd_patches *p,
                     char **backup, struct err *e);

/* Writes settled patches, after vhd_file_back_up. */
int vhd_file_patch(const struct vhd_file *f, const struct vhd_patches *p,
                   struct err *e);

/* Whether the patches may be taken back: each sector that they wrote is as they
 * left it, or (after a crash) as it was before. ERR_CORRUPT where the file has
 * changed since. */
int vhd_file_check_undo(const struct vhd_file *f, const struct vhd_patches *p,
                        uint64_t size_after, struct err *e);

/* Takes them back, after vhd_file_check_undo. */
int vhd_file_undo(const struct vhd_file *f, const struct vhd_patches *p,
                  struct err *e);

#endif
