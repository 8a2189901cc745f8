/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Disks laid over each other, whatever their sizes, blocks and orders, against
 * a model that lays them over each other byte by byte. The input is the disks,
 * the child first, each behind three bytes: flags, and its length in units of
 * 16 bytes; the last one has the rest. */

#include "base/bits.h"
#include "base/bytes.h"
#include "fuzzing.h"
#include "image/vhd/vhd_decode.h"
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

enum { DISKS_MAX = 4, SIZE_MAX_HERE = 512 * 1024, LEN_UNIT = 16 };
/* Of a disk's first byte; MEND_... too. */
enum { STREAM = 1 };

struct disk {
    uint8_t *bytes;
    size_t len;
    unsigned flags;
};

/* What all disks together must hold: `known` has a byte for each sector that
 * is there. */
struct model {
    uint64_t size;
    uint8_t *data, *known;
};

static int split(struct disk *disks, const uint8_t *data, size_t len)
{
    int count = 0;

    while (count < DISKS_MAX && len > 3) {
        size_t now = (size_t)get_be16(data + 1) * LEN_UNIT;
        struct disk *d = &disks[count++];

        d->flags = data[0];
        len -= 3;
        data += 3;
        d->len = now < len ? now : len;
        d->bytes = fuzz_copy(data, d->len);
        fuzz_mend_vhd(d->bytes, d->len, d->flags);
        data += d->len;
        len -= d->len;
    }
    return count;
}

static struct image *open_disk(const struct disk *d, bool stream)
{
    static const struct vhd_origin origin;
    struct source *src = memory_source(d->bytes, d->len, 1000, !stream);
    struct image *img = NULL;

    if (vhd_decode(&src, &origin, &img, NULL))
        source_close(src);
    return img;
}

static void cover(struct model *m, uint64_t at, const uint8_t *data)
{
    if (at >= m->size)
        return;
    memcpy(m->data + at, data, SECTOR_SIZE);
    m->known[at / SECTOR_SIZE] = 1;
}

/* Zeros that this disk has: holes of one that stands on nothing, and what lies
 * past its end. */
static void cover_zeros(struct model *m, const struct image *img)
{
    static const uint8_t zeros[SECTOR_SIZE];
    uint64_t from = img->has_parent ? img->size : 0;

    for (; from < m->size; from += SECTOR_SIZE)
        cover(m, from, zeros);
}

/* Lays a disk over what the model has. */
static bool lay(struct model *m, const struct disk *d)
{
    struct image *img = open_disk(d, false);
    struct block b = {0};
    int more = -1;

    /* The whole file tells more than the head of a stream. */
    if (!img)
        return false;
    demand(!block_open(&b, NULL));
    cover_zeros(m, img);
    while ((more = image_next(img, &b, NULL)) > 0) {
        uint64_t at = (uint64_t)b.index * img->block_size + b.offset;

        for (uint32_t i = 0; i < b.len / SECTOR_SIZE; i++)
            if (b.whole || bit_get(b.present, i))
                cover(m, at + (uint64_t)i * SECTOR_SIZE,
                      b.data + (size_t)i * SECTOR_SIZE);
    }
    block_close(&b);
    image_close(img);
    return !more;
}

/* --- the chain ------------------------------------------------------------ */

/* Pieces of the chain are the model's, and what no piece has is nobody's. */
static void check_pieces(struct image *chain, const struct model *m)
{
    uint8_t *seen = calloc(1, m->size / SECTOR_SIZE);
    struct block b = {0};
    int more;

    demand(seen && !block_open(&b, NULL));
    while ((more = image_next(chain, &b, NULL)) > 0) {
        uint64_t at = (uint64_t)b.index * chain->block_size + b.offset;

        demand(at + b.len <= m->size);
        for (uint32_t i = 0; i < b.len; i += SECTOR_SIZE) {
            uint64_t sector = (at + i) / SECTOR_SIZE;

            demand(!seen[sector]++);
            if (b.whole || bit_get(b.present, i / SECTOR_SIZE))
                demand(m->known[sector]);
            demand(!memcmp(b.data + i, m->data + at + i, SECTOR_SIZE));
        }
    }
    demand(!more);
    for (uint64_t at = 0; at < m->size; at++)
        demand(seen[at / SECTOR_SIZE] || !m->data[at]);
    block_close(&b);
    free(seen);
}

static void check_reading(struct image *chain, const struct model *m)
{
    uint8_t *all = malloc(m->size);
    uint64_t from = m->size / 3, end = 0;
    enum extent_kind kind;

    demand(all && !image_read(chain, all, m->size, 0, NULL));
    demand(!memcmp(all, m->data, m->size));
    demand(!image_read(chain, all, m->size - from, from, NULL));
    demand(!memcmp(all, m->data + from, m->size - from));
    for (uint64_t at = 0; at < m->size; at = end) {
        demand(!image_extent(chain, at, &kind, &end, NULL));
        demand(end > at && end <= m->size);
        demand(kind != EXTENT_PARENT || !m->known[at / SECTOR_SIZE]);
        for (; kind == EXTENT_HOLE && at < end; at++)
            demand(!m->data[at]);
    }
    free(all);
}

/* Gives the chain, or NULL where a disk cannot be opened. */
static struct image *open_chain(const struct disk *disks, int count)
{
    struct image *layers[DISKS_MAX] = {0};
    bool all = true;

    for (int i = 0; i < count; i++) {
        layers[i] = open_disk(&disks[i], !i && disks[i].flags & STREAM);
        all = all && layers[i];
    }
    if (all && layers[0]->size <= SIZE_MAX_HERE &&
        !image_chain(&layers[0], layers + 1, (unsigned)count - 1, NULL))
        return layers[0];
    for (int i = 0; i < count; i++)
        image_close(layers[i]);
    return NULL;
}

static void compare(struct image *chain, const struct disk *disks, int count)
{
    struct model m = {.size = chain->size};
    bool whole = true;

    m.data = calloc(1, m.size);
    m.known = calloc(1, m.size / SECTOR_SIZE);
    demand(m.data && m.known);
    while (count-- > 0)
        whole = lay(&m, &disks[count]) && whole;
    if (whole && image_is_seekable(chain)) {
        check_reading(chain, &m);
        check_pieces(chain, &m);
    } else {
        struct holding c;

        holding_read(&c, chain);
    }
    free(m.data);
    free(m.known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct disk disks[DISKS_MAX] = {0};
    int count = split(disks, data, len);
    struct image *chain = count > 1 ? open_chain(disks, count) : NULL;

    if (chain)
        compare(chain, disks, count);
    image_close(chain);
    for (int i = 0; i < count; i++)
        free(disks[i].bytes);
    return 0;
}
