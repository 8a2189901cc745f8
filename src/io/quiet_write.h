/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_QUIET_WRITE_H
#define VHDSTREAM_QUIET_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* write, pwrite and ftruncate that never raise SIGPIPE or SIGXFSZ: EPIPE and
 * EFBIG are all that comes of them, whatever the program has set for these
 * signals. */
ssize_t quiet_write(int fd, const void *buf, size_t len);
ssize_t quiet_pwrite(int fd, const void *buf, size_t len, uint64_t offset);
int quiet_truncate(int fd, uint64_t size);

#endif
