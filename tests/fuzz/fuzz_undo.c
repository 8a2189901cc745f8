/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* A file that is repaired and taken back, after all of the repair or after a
 * part of it, is the file that it was. And what is no backup of it, whoever
 * wrote it, is refused or taken, but nothing else. */

#include "base/bytes.h"
#include "fuzzing.h"
#include "image/vhd/vhd_backup.h"
#include "image/vhd/vhd_repair.h"
#include "image/vhd/vhd_rewrite.h"
#include "memory_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of the input's first byte; MEND_... , too. BACKUP: the input is a backup. The
 * rest says how much of the repair was written before the crash. */
enum { BACKUP = 1, STEP_SHIFT = 5, FILE_HERE = 8192 };

struct scratch_file {
    int fd;
    char path[32];
    struct vhd_file f;
};

static void scratch_open(struct scratch_file *s, const uint8_t *data,
                         size_t len)
{
    s->fd = memfd_create("disk", 0);
    demand(s->fd >= 0 && write(s->fd, data, len) == (ssize_t)len);
    (void)snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->fd);
    demand(!vhd_file_open(&s->f, s->path, VHD_FILE_FORCE, NULL, NULL));
}

static void scratch_close(struct scratch_file *s)
{
    vhd_file_close(&s->f);
    close(s->fd);
}

/* The source was opened for the size that the file had then. */
static void scratch_reopen(struct scratch_file *s)
{
    vhd_file_close(&s->f);
    demand(!vhd_file_open(&s->f, s->path, VHD_FILE_FORCE, NULL, NULL));
}

static void demand_bytes(struct scratch_file *s, const uint8_t *data,
                         size_t len)
{
    uint8_t *now = fuzz_copy(data, len);

    demand(lseek(s->fd, 0, SEEK_END) == (off_t)len);
    demand(pread(s->fd, now, len, 0) == (ssize_t)len);
    demand(!memcmp(now, data, len));
    free(now);
}

/* --- a repair ------------------------------------------------------------- */

/* The patches as they come back from the backup's text. */
static void through_backup(const struct vhd_patches *p, struct vhd_patches *q,
                           uint64_t *size_after)
{
    uint8_t *text;
    size_t len;
    struct sink *sink = memory_sink(&text, &len, false);
    struct source *src;

    demand(!vhd_backup_write(sink, p, NULL));
    sink_close(sink, NULL);
    src = memory_source(text, len, 999, true);
    demand(!vhd_backup_read(src, q, size_after, NULL));
    demand(q->count == p->count && q->size == p->size);
    demand(*size_after == vhd_patches_size(p));
    source_close(src);
    free(text);
}

static void undo(struct scratch_file *s, const struct vhd_patches *p,
                 uint64_t size_after, const uint8_t *disk, size_t len)
{
    scratch_reopen(s);
    demand(!vhd_file_check_undo(&s->f, p, size_after, NULL));
    demand(!vhd_file_undo(&s->f, p, NULL));
    demand_bytes(s, disk, len);
}

static void repair(const uint8_t *disk, size_t len, int steps)
{
    struct vhd_patches back = {0}, part;
    struct scratch_file s;
    uint64_t size_after;
    struct vhd_repair r;

    scratch_open(&s, disk, len);
    demand(!vhd_repair_plan(s.f.src, &r, NULL));
    demand(!vhd_repair_is_refused(&r) || !r.patches.count);
    if (r.patches.count) {
        through_backup(&r.patches, &back, &size_after);
        part = r.patches;
        part.count = steps < part.count ? steps : part.count;
        demand(!vhd_file_patch(&s.f, &part, NULL));
        undo(&s, &back, size_after, disk, len);
        demand(!vhd_file_patch(&s.f, &r.patches, NULL));
        undo(&s, &back, size_after, disk, len);
    }
    vhd_patches_free(&back);
    vhd_repair_free(&r);
    scratch_close(&s);
}

/* --- a backup from anywhere ----------------------------------------------- */

/* Its last line has the FNV-1a of all before it. */
static void mend_text(uint8_t *text, size_t len)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    char last[32];
    int last_len = snprintf(last, sizeof(last), "sum %016x\n", 0);

    if (len < (size_t)last_len)
        return;
    for (size_t i = 0; i < len - (size_t)last_len; i++)
        sum = (sum ^ text[i]) * UINT64_C(0x100000001b3);
    (void)snprintf(last, sizeof(last), "sum %016llx\n",
                   (unsigned long long)sum);
    memcpy(text + len - (size_t)last_len, last, (size_t)last_len);
}

/* Of a file of zeros. What was to be taken back is there afterwards. */
static void take_back(const struct vhd_patches *p, uint64_t size_after)
{
    static const uint8_t zeros[FILE_HERE];
    struct scratch_file s;

    scratch_open(&s, zeros, FILE_HERE);
    if (vhd_file_check_undo(&s.f, p, size_after, NULL)) {
        demand_bytes(&s, zeros, FILE_HERE);
    } else if (!vhd_file_undo(&s.f, p, NULL)) {
        demand(lseek(s.fd, 0, SEEK_END) == (off_t)p->size);
        demand(p->size <= FILE_HERE);
    }
    scratch_close(&s);
}

static void read_backup(uint8_t *text, size_t len)
{
    struct vhd_patches p = {0};
    struct source *src;
    uint64_t size_after;

    mend_text(text, len);
    src = memory_source(text, len, 999, true);
    if (!vhd_backup_read(src, &p, &size_after, NULL)) {
        take_back(&p, size_after);
        vhd_patches_free(&p);
    }
    demand(!p.count || p.count <= VHD_PATCHES);
    source_close(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy;

    if (!len)
        return 0;
    copy = fuzz_copy(data + 1, --len);
    if (data[0] & BACKUP) {
        read_backup(copy, len);
    } else {
        fuzz_mend_vhd(copy, len, data[0]);
        repair(copy, len, data[0] >> STEP_SHIFT);
    }
    free(copy);
    return 0;
}
