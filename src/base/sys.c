/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/sys.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The value of `call`, repeated while a signal interrupts it. */
#define RETRY(call)                                                            \
    __extension__({                                                            \
        __typeof__(call) retry_result_;                                        \
        do                                                                     \
            retry_result_ = (call);                                            \
        while (retry_result_ < 0 && errno == EINTR);                           \
        retry_result_;                                                         \
    })

int sys_open(const char *path, int flags, mode_t mode)
{
    if (fault_strikes(FAULT_OPEN))
        return -1;
    return RETRY(open(path, flags | O_CLOEXEC, mode));
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
    if (fault_strikes(FAULT_READ))
        return -1;
    return RETRY(read(fd, buf, len));
}

ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset)
{
    if (fault_strikes(FAULT_READ))
        return -1;
    return RETRY(pread(fd, buf, len, (off_t)offset));
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
    if (fault_strikes(FAULT_WRITE))
        return -1;
    return RETRY(write(fd, buf, len));
}

ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
    if (fault_strikes(FAULT_WRITE))
        return -1;
    return RETRY(pwrite(fd, buf, len, (off_t)offset));
}

int sys_truncate(int fd, uint64_t size)
{
    if (fault_strikes(FAULT_WRITE))
        return -1;
    return RETRY(ftruncate(fd, (off_t)size));
}

int sys_sync(int fd)
{
    if (fault_strikes(FAULT_SYNC))
        return -1;
    return RETRY(fsync(fd));
}

int sys_rename(const char *from, const char *to)
{
    if (fault_strikes(FAULT_RENAME))
        return -1;
    return rename(from, to);
}

int sys_rename_new(const char *from, const char *to)
{
    if (fault_strikes(FAULT_RENAME))
        return -1;
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int sys_link_fd(int fd, const char *to)
{
    char from[32];

    if (fault_strikes(FAULT_RENAME))
        return -1;
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

int64_t sys_seek(int fd, int64_t offset, int whence)
{
    if (fault_strikes(FAULT_READ))
        return -1;
    return lseek(fd, offset, whence);
}

void sys_forget(int fd)
{
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

int sys_allocate(int fd, int mode, uint64_t offset, uint64_t len)
{
    if (fault_strikes(FAULT_WRITE))
        return -1;
    return RETRY(fallocate(fd, mode, (off_t)offset, (off_t)len));
}
