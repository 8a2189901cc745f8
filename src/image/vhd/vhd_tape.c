/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_tape.h"

#include "base/checked.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SCRATCH = 256 * 1024 };

void vhd_tape_open(struct vhd_tape *t, struct source *src)
{
    *t = (struct vhd_tape){.src = src, .stream = !source_is_seekable(src)};
    t->size = t->stream ? VHD_SIZE_UNKNOWN : (uint64_t)src->size;
    t->pos = src->pos;
}

void vhd_tape_close(struct vhd_tape *t)
{
    for (int i = 0; i < t->nkeeps; i++)
        free(t->keeps[i].buf);
    free(t->scratch);
    *t = (struct vhd_tape){0};
}

void vhd_tape_cleanup(struct vhd_tape *t)
{
    vhd_tape_close(t);
}

bool vhd_tape_reaches(const struct vhd_tape *t, uint64_t offset)
{
    return !t->stream || offset >= t->pos;
}

/* Hands what the stream passes, `len` bytes at t->pos, to those who asked. */
static void fill_keeps(struct vhd_tape *t, const uint8_t *data, size_t len)
{
    for (int i = 0; i < t->nkeeps; i++) {
        struct vhd_keep *k = &t->keeps[i];
        uint64_t from = k->offset + k->got;

        if (k->got < k->len && from >= t->pos && from < t->pos + len) {
            size_t skip = (size_t)(from - t->pos);
            uint32_t take = (uint32_t)min_u64(k->len - k->got, len - skip);

            memcpy(k->buf + k->got, data + skip, take);
            k->got += take;
        }
    }
}

static void remember_last(struct vhd_tape *t, const uint8_t *data, size_t len)
{
    uint32_t take = (uint32_t)min_u64(len, sizeof(t->last));
    uint32_t stay = (uint32_t)min_u64(t->last_len, sizeof(t->last) - take);

    memmove(t->last, t->last + t->last_len - stay, stay);
    memcpy(t->last + stay, data + len - take, take);
    t->last_len = stay + take;
}

/* The next bytes of a stream. */
static int64_t advance(struct vhd_tape *t, uint8_t *buf, size_t len,
                       struct err *e)
{
    int64_t got = source_read_most(t->src, buf, len, e);

    if (got < 0)
        return got;
    fill_keeps(t, buf, (size_t)got);
    remember_last(t, buf, (size_t)got);
    t->pos += (uint64_t)got;
    if ((size_t)got < len)
        t->size = t->pos;
    return got;
}

int vhd_tape_pass(struct vhd_tape *t, uint64_t offset, struct err *e)
{
    if (!t->stream)
        return 0;
    if (!t->scratch)
        TRY(mem_alloc(&t->scratch, SCRATCH, "a buffer", e));
    while (t->pos < offset && t->size == VHD_SIZE_UNKNOWN)
        TRY(advance(t, t->scratch, (size_t)min_u64(offset - t->pos, SCRATCH),
                    e));
    return 0;
}

int vhd_tape_finish(struct vhd_tape *t, uint64_t most, struct err *e)
{
    TRY(vhd_tape_pass(t, most, e));
    return t->size != VHD_SIZE_UNKNOWN;
}

int64_t vhd_tape_read(struct vhd_tape *t, void *buf, size_t len,
                      uint64_t offset, struct err *e)
{
    if (t->stream) {
        TRY(vhd_tape_pass(t, offset, e));
        return t->pos == offset ? advance(t, buf, len, e) : 0;
    }
    if (offset >= t->size)
        return 0;
    len = (size_t)min_u64(len, t->size - offset);
    TRY(source_pread_full(t->src, buf, len, offset, "a part of the VHD", e));
    return (int64_t)len;
}

int vhd_tape_keep(struct vhd_tape *t, uint64_t offset, uint32_t len,
                  const struct vhd_keep **out, struct err *e)
{
    struct vhd_keep *k = &t->keeps[t->nkeeps];

    *k = (struct vhd_keep){.offset = offset, .len = len};
    TRY(mem_alloc(&k->buf, len, "a part of the VHD", e));
    t->nkeeps++;
    if (!t->stream) {
        int64_t got = vhd_tape_read(t, k->buf, len, offset, e);

        TRY(got);
        k->got = (uint32_t)got;
    }
    *out = k;
    return 0;
}
