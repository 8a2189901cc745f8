/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_BACKUP_H
#define VHDSTREAM_VHD_BACKUP_H

/*
 * What a repair overwrites, kept in a file of text that `repair --undo` takes:
 *
 *     vhdstream backup 1
 *     size 4198400 4198912            of the VHD, before and after
 *     range 4198400 512 0             offset, bytes, how many of them were
 * there old                             those, in hexadecimal, 32 bytes a line
 *     new
 *     636f6e65637469780000000200010000...
 *     range 0 512 512
 *     old
 *     ...
 *     sum 0123456789abcdef            FNV-1a of all before this line
 *
 * It is on the disk, whole, before the first byte of the VHD is written.
 */

#include "base/err.h"
#include "base/wait.h"
#include "image/vhd/vhd_patch.h"
#include "io/sink.h"
#include "io/source.h"

/* Writes settled patches; the sink is not finished here. */
int vhd_backup_write(struct sink *s, const struct vhd_patches *p,
                     struct err *e);

/* Reads them back. *size_after is the VHD's size after the repair; p->size the
 * one before. ERR_CORRUPT for what is no backup, or not whole. */
int vhd_backup_read(struct source *src, struct vhd_patches *out,
                    uint64_t *size_after, struct err *e);

#endif
