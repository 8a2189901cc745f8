/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fuzzing.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/zero.h"
#include "image/vhd/vhd_decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 16 MiB of made-up content are enough. */
enum { PIECES_MAX = 8 };

void demand(bool true_it_is)
{
    if (!true_it_is)
        abort();
}

uint8_t *fuzz_copy(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    demand(copy);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

static void mend_sum(uint8_t *raw, size_t len, size_t at)
{
    put_be32(raw + at, vhd_checksum(raw, len, at));
}

void fuzz_mend_vhd(uint8_t *disk, size_t len, unsigned flags)
{
    uint64_t header;

    if (len < VHD_FOOTER_SIZE)
        return;
    if (flags & MEND_COPY)
        mend_sum(disk, VHD_FOOTER_SIZE, VHD_FOOTER_SUM);
    if (flags & MEND_TAIL)
        mend_sum(disk + len - VHD_FOOTER_SIZE, VHD_FOOTER_SIZE, VHD_FOOTER_SUM);
    header = get_be64(disk + 16);
    if (flags & MEND_HEADER && header <= len && len - header >= VHD_HEADER_SIZE)
        mend_sum(disk + header, VHD_HEADER_SIZE, VHD_HEADER_SUM);
}

/* FNV-1a, of eight bytes a step. */
static uint64_t sum_of_sector(const uint8_t *data, uint64_t number)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ (number + 1) * 31;

    for (int i = 0; i < SECTOR_SIZE; i += 8) {
        sum = (sum ^ get_be64(data + i)) * UINT64_C(0x100000001b3);
        sum ^= sum >> 29;
    }
    return sum;
}

static void add_piece(struct holding *c, const struct image *img,
                      const struct block *b)
{
    uint64_t first =
        ((uint64_t)b->index * img->block_size + b->offset) / SECTOR_SIZE;

    demand(b->len && b->len <= PIECE_MAX && b->len % SECTOR_SIZE == 0);
    demand(first * SECTOR_SIZE + b->len <= img->size);
    for (uint32_t i = 0; i < b->len / SECTOR_SIZE; i++) {
        const uint8_t *data = b->data + (size_t)i * SECTOR_SIZE;
        bool present = b->whole || bit_get(b->present, i);
        bool zero = zero_is(data, SECTOR_SIZE);

        demand(present || zero);
        if (!zero || (present && img->has_parent))
            c->sum += sum_of_sector(data, first + i);
    }
}

/* The next piece must be the one that map and order say. */
static void check_place(const struct image *img, struct image_cursor *expected,
                        const struct block *b)
{
    struct block e = {0};

    demand(image_step_piece(img, expected, &e) == 1);
    demand(e.index == b->index && e.offset == b->offset && e.len == b->len);
    demand(bit_get(img->map, b->index));
}

static int read_pieces(struct holding *c, struct image *img, struct block *b)
{
    struct image_cursor expected = {0};
    struct block none = {0};
    int more = 1;

    for (int i = 0; i < PIECES_MAX; i++) {
        more = image_next(img, b, NULL);
        if (more <= 0)
            break;
        check_place(img, &expected, b);
        add_piece(c, img, b);
    }
    demand(more || !image_step_piece(img, &expected, &none));
    return more;
}

void holding_read(struct holding *c, struct image *img)
{
    /* Kept for the next input: it is large. */
    static struct block b;

    demand(img->size && img->size % SECTOR_SIZE == 0);
    demand(img->nmapped == bits_count(img->map, img->nblocks));
    *c = (struct holding){.size = img->size};
    (void)snprintf(c->format, sizeof(c->format), "%s", img->format);
    demand(b.data || !block_open(&b, NULL));
    c->code = read_pieces(c, img, &b);
}

void holding_of_vhd(struct holding *c, struct source *src)
{
    static const struct vhd_origin origin;
    struct image *img = NULL;

    *c = (struct holding){0};
    c->code = vhd_decode(&src, &origin, &img, NULL);
    if (!c->code)
        holding_read(c, img);
    image_close(img);
    source_close(src);
}

bool holding_equal(const struct holding *a, const struct holding *b)
{
    return !a->code && !b->code && a->size == b->size && a->sum == b->sum;
}
