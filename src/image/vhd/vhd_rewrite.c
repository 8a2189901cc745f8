/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_rewrite.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/zero.h"
#include "image/vhd/vhd_backup.h"
#include "io/quiet_write.h"
#include "io/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAMES = 100, SECTOR = 512 };

/* --- the file -------------------------------------------------------------*/

/* A lease for writing is given only to who is alone. Where the file system
 * knows no leases, nobody can tell. */
static bool is_in_use(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
        return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

static int not_regular(const struct vhd_file *f, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "%s: only regular files are mended",
                   f->path);
}

static int open_source(struct vhd_file *f, enum vhd_file_use use, struct err *e)
{
    struct stat info;

    if (fstat(f->fd, &info) < 0)
        return err_errno(e, errno, "%s", f->path);
    if (!S_ISREG(info.st_mode))
        return not_regular(f, e);
    if (use == VHD_FILE_CHANGE && is_in_use(f->fd))
        return err_set(e, ERR_FAILED,
                       "%s: another program has it open; close that first, or "
                       "say --force",
                       f->path);
    return source_open_fd(&f->src, f->fd, f->path, f->wait, e);
}

int vhd_file_open(struct vhd_file *f, const char *path, enum vhd_file_use use,
                  const struct wait *wait, struct err *e)
{
    int result;

    *f = (struct vhd_file){.path = path, .fd = -1, .wait = wait};
    f->fd = sys_open(
        path, (use == VHD_FILE_READ ? O_RDONLY : O_RDWR) | O_NONBLOCK, 0);
    if (f->fd < 0 && errno == EISDIR)
        return not_regular(f, e);
    if (f->fd < 0)
        return err_errno(e, errno, "%s", path);
    result = open_source(f, use, e);
    if (result < 0)
        vhd_file_close(f);
    return result;
}

void vhd_file_close(struct vhd_file *f)
{
    source_cleanup(&f->src);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void vhd_file_cleanup(struct vhd_file *f)
{
    vhd_file_close(f);
}

/* --- the backup -----------------------------------------------------------*/

/* A name that is not taken. */
static int choose_name(const struct vhd_file *f, char **out, struct err *e)
{
    time_t now = time(NULL);
    char stamp[32];
    struct tm tm;

    gmtime_r(&now, &tm);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    for (int i = 1; i <= NAMES; i++) {
        FREE char *name = NULL;
        struct stat info;

        if (i == 1)
            TRY(mem_format(&name, e, "%s.backup-%s", f->path, stamp));
        else
            TRY(mem_format(&name, e, "%s.backup-%s-%d", f->path, stamp, i));
        if (lstat(name, &info) < 0 && errno == ENOENT) {
            *out = name;
            name = NULL;
            return 0;
        }
    }
    return err_set(e, ERR_FAILED, "%s.backup-%s: there are %d of that name",
                   f->path, stamp, NAMES);
}

int vhd_file_back_up(const struct vhd_file *f, const struct vhd_patches *p,
                     char **backup, struct err *e)
{
    FREE char *name = NULL;
    CLEANUP(sink) struct sink *s = NULL;

    TRY(choose_name(f, &name, e));
    TRY(sink_open_file(&s, name, false, f->wait, e));
    TRY(vhd_backup_write(s, p, e));
    TRY(sink_finish(s, e));
    *backup = name;
    name = NULL;
    return 0;
}

/* --- writing --------------------------------------------------------------*/

static int write_at(const struct vhd_file *f, const uint8_t *data, uint32_t len,
                    uint64_t offset, struct err *e)
{
    while (len) {
        ssize_t put = quiet_pwrite(f->fd, data, len, offset);

        if (put < 0)
            return err_errno(e, errno, "%s: writing at byte %" PRIu64, f->path,
                             offset);
        data += put;
        offset += (uint64_t)put;
        len -= (uint32_t)put;
    }
    return 0;
}

static int sync_file(const struct vhd_file *f, struct err *e)
{
    if (sys_sync(f->fd) < 0)
        return err_errno(e, errno, "%s: making it last", f->path);
    return 0;
}

int vhd_file_patch(const struct vhd_file *f, const struct vhd_patches *p,
                   struct err *e)
{
    for (int last = 0; last < 2; last++)
        for (int i = 0; i < p->count; i++) {
            const struct vhd_patch *patch = &p->list[i];

            if ((patch->offset == 0) != last)
                continue;
            TRY(write_at(f, patch->fresh, patch->len, patch->offset, e));
            TRY(sync_file(f, e));
        }
    return 0;
}

/* --- back -----------------------------------------------------------------*/

/* Whether `there` bytes of a sector are as the repair left them, or as far as
 * it came before a crash; or as they were before it, with nothing but zeros
 * where the file has grown. */
static bool is_known(const uint8_t *now, uint32_t there,
                     const struct vhd_patch *p, uint32_t at)
{
    uint32_t before = at < p->old_len ? p->old_len - at : 0;

    before = (uint32_t)min_u64(before, there);
    return !memcmp(now, p->fresh + at, there) ||
           (!memcmp(now, p->old + at, before) &&
            zero_is(now + before, there - before));
}

/* One sector of what was written: up to `len` bytes at `at` in the patch. */
static int check_sector(const struct vhd_file *f, const struct vhd_patch *p,
                        uint32_t at, uint32_t len, struct err *e)
{
    uint64_t offset = p->offset + at, size = (uint64_t)f->src->size;
    uint8_t now[SECTOR];
    uint32_t there = offset < size ? (uint32_t)min_u64(len, size - offset) : 0;

    TRY(source_pread_full(f->src, now, there, offset, "what was mended", e));
    if (is_known(now, there, p, at))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: what stands at byte %" PRIu64
                   " has changed since the repair; nothing is taken back",
                   f->path, offset);
}

int vhd_file_check_undo(const struct vhd_file *f, const struct vhd_patches *p,
                        uint64_t size_after, struct err *e)
{
    uint64_t size = (uint64_t)f->src->size;

    if (size < p->size || size > size_after)
        return err_set(e, ERR_CORRUPT,
                       "%s: has %" PRIu64 " bytes, the file of this backup "
                       "%" PRIu64 " before the repair and %" PRIu64 " after it",
                       f->path, size, p->size, size_after);
    for (int i = 0; i < p->count; i++) {
        const struct vhd_patch *patch = &p->list[i];

        for (uint32_t at = 0; at < patch->len; at += SECTOR)
            TRY(check_sector(f, patch, at,
                             (uint32_t)min_u64(SECTOR, patch->len - at), e));
    }
    return 0;
}

int vhd_file_undo(const struct vhd_file *f, const struct vhd_patches *p,
                  struct err *e)
{
    for (int i = p->count; i-- > 0;)
        TRY(write_at(f, p->list[i].old, p->list[i].old_len, p->list[i].offset,
                     e));
    if (quiet_truncate(f->fd, p->size) < 0)
        return err_errno(e, errno, "%s: setting its size to %" PRIu64 " bytes",
                         f->path, p->size);
    return sync_file(f, e);
}
