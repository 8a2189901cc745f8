/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/device_sink.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/zero.h"
#include "io/quiet_write.h"
#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct device_sink {
    struct sink base;
    int fd;
    uint64_t size;    /* of the device, bytes */
    uint64_t cleared; /* what clear gave; 0: it was not called */
    const struct wait *wait;
};

enum {
    ZERO_ALIGN = 4096,              /* at least any device's logical block */
    ZERO_STEP = 1024 * 1024 * 1024, /* in one call, which cannot be stopped */
};

static int check_room(const struct device_sink *d, uint64_t need, struct err *e)
{
    if (need > d->size)
        return err_set(e, ERR_NO_SPACE,
                       "%s: the device has %" PRIu64 " bytes, %" PRIu64
                       " are needed",
                       d->base.name, d->size, need);
    return 0;
}

static int device_pwrite(struct sink *s, const void *buf, size_t len,
                         uint64_t offset, struct err *e)
{
    struct device_sink *d = (struct device_sink *)s;
    const uint8_t *from = buf;

    TRY(wait_check(d->wait, e));
    TRY(check_room(d, offset + len, e));
    while (len) {
        ssize_t put = quiet_pwrite(d->fd, from, len, offset);

        if (put < 0)
            return err_errno(e, errno, "%s: writing at byte %" PRIu64, s->name,
                             offset);
        from += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}

static int device_write(struct sink *s, const void *buf, size_t len,
                        struct err *e)
{
    return device_pwrite(s, buf, len, s->pos, e);
}

static int write_zeros(struct device_sink *d, uint64_t from, uint64_t end,
                       struct err *e)
{
    while (from < end) {
        size_t now = (size_t)min_u64(end - from, ZERO_SIZE);

        TRY(device_pwrite(&d->base, zero_bytes, now, from, e));
        from += now;
    }
    return 0;
}

/* Has the device zero an aligned range by itself: by letting go of it, else by
 * its own command. Whether it did. */
static bool device_zeroes(const struct device_sink *d, uint64_t from,
                          uint64_t len)
{
    const int keep = FALLOC_FL_KEEP_SIZE;

    return sys_allocate(d->fd, FALLOC_FL_PUNCH_HOLE | keep, from, len) == 0 ||
           sys_allocate(d->fd, FALLOC_FL_ZERO_RANGE | keep, from, len) == 0;
}

/* Zeroes [from, end): whole aligned steps by the device, the rest by hand. */
static int zero_range(struct device_sink *d, uint64_t from, uint64_t end,
                      struct err *e)
{
    uint64_t aligned = min_u64(round_up(from, ZERO_ALIGN), end);

    TRY(check_room(d, end, e));
    TRY(write_zeros(d, from, aligned, e));
    while (end - aligned >= ZERO_ALIGN) {
        uint64_t len = min_u64(end - aligned, ZERO_STEP);

        len -= len % ZERO_ALIGN;
        TRY(wait_check(d->wait, e));
        if (!device_zeroes(d, aligned, len))
            TRY(write_zeros(d, aligned, aligned + len, e));
        aligned += len;
    }
    return write_zeros(d, aligned, end, e);
}

static int device_zeros(struct sink *s, uint64_t len, struct err *e)
{
    struct device_sink *d = (struct device_sink *)s;

    if (len > INT64_MAX - s->pos)
        return check_room(d, UINT64_MAX, e);
    return zero_range(d, s->pos, s->pos + len, e);
}

static int device_clear(struct sink *s, uint64_t size, struct err *e)
{
    struct device_sink *d = (struct device_sink *)s;

    TRY(zero_range(d, 0, size, e));
    d->cleared = size;
    return 0;
}

static int device_grow(struct sink *s, uint64_t size, struct err *e)
{
    struct device_sink *d = (struct device_sink *)s;

    TRY(zero_range(d, d->cleared, size, e));
    d->cleared = size;
    return 0;
}

static int device_finish(struct sink *s, struct err *e)
{
    struct device_sink *d = (struct device_sink *)s;

    if (sys_sync(d->fd) < 0)
        return err_errno(e, errno, "%s: syncing", s->name);
    return wait_check(d->wait, e);
}

/* A descriptor of its own: the sink's only writes. */
static int device_reopen(struct sink *s, struct source **out, struct err *e)
{
    struct device_sink *d = (struct device_sink *)s;
    CLEANUP(source) struct source *src = NULL;

    sys_forget(d->fd);
    TRY(source_open_file(&src, s->name, d->wait, e));
    TRY(source_limit(&src, d->cleared ? d->cleared : s->pos, e));
    *out = src;
    src = NULL;
    return 0;
}

/* It has appeared already, as far as a device can. */
static int device_release(struct sink *s, struct err *e)
{
    return wait_check(((struct device_sink *)s)->wait, e);
}

static void device_close(struct sink *s, struct err *why)
{
    struct device_sink *d = (struct device_sink *)s;

    (void)why;
    close(d->fd);
    free(d);
}

static const struct sink_ops device_ops = {
    .write = device_write,
    .zeros = device_zeros,
    .clear = device_clear,
    .pwrite = device_pwrite,
    .grow = device_grow,
    .finish = device_finish,
    .reopen = device_reopen,
    .release = device_release,
    .close = device_close,
};

/* O_EXCL on a device: not while it is mounted or part of another. */
static int open_unused(const char *path, int *fd, struct err *e)
{
    *fd = sys_open(path, O_WRONLY | O_EXCL, 0);
    if (*fd >= 0)
        return 0;
    if (errno == EBUSY)
        return err_set(e, ERR_FAILED,
                       "%s: in use, perhaps mounted; it is not overwritten",
                       path);
    return err_errno(e, errno, "%s", path);
}

static int make(struct sink **out, int fd, const char *path,
                const struct wait *wait, struct err *e)
{
    struct device_sink *d = NULL;
    uint64_t size;

    if (ioctl(fd, BLKGETSIZE64, &size) < 0)
        return err_errno(e, errno, "%s: the size of the device", path);
    TRY(mem_alloc(&d, sizeof(*d), "a sink", e));
    d->fd = fd;
    d->size = size;
    d->wait = wait;
    sink_init(&d->base, &device_ops, path);
    *out = &d->base;
    return 0;
}

int sink_open_device(struct sink **out, const char *path, bool force,
                     const struct wait *wait, struct err *e)
{
    int fd = -1;
    int code;

    if (!force)
        return err_set(e, ERR_FAILED,
                       "%s: a block device; --force overwrites it", path);
    TRY(open_unused(path, &fd, e));
    code = make(out, fd, path, wait, e);
    if (code < 0)
        close(fd);
    return code;
}
