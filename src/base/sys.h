/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SYS_H
#define VHDSTREAM_SYS_H

/* System calls on files, with EINTR retried and the fault seam asked. Results
 * and errno are the call's own; who calls describes the failure. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int sys_open(const char *path, int flags, mode_t mode);
ssize_t sys_read(int fd, void *buf, size_t len);
ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset);
ssize_t sys_write(int fd, const void *buf, size_t len);
ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset);
int sys_truncate(int fd, uint64_t size);
int sys_sync(int fd);
int sys_rename(const char *from, const char *to);

/* rename that fails with EEXIST where `to` exists; EINVAL where the file system
 * has no such thing. */
int sys_rename_new(const char *from, const char *to);

/* Gives the open file `fd`, which may have no name, the new name `to`; EEXIST
 * where it exists. Needs /proc. */
int sys_link_fd(int fd, const char *to);

/* lseek. */
int64_t sys_seek(int fd, int64_t offset, int whence);

/* Lets the system drop what it keeps of the file in memory and has written out
 * (fsync), so that it is read from the disk again, as far as that can be had.
 */
void sys_forget(int fd);

/* fallocate. */
int sys_allocate(int fd, int mode, uint64_t offset, uint64_t len);

#endif
