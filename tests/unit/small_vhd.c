/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "small_vhd.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, TEXT_AT = 1536, TABLE_AT = 2048 };

static uint32_t block_size_of(const struct small_vhd *d)
{
    return d->block_size ? d->block_size : 4096;
}

static void put_sum(uint8_t *raw, size_t len, size_t at)
{
    uint32_t sum = 0;

    put_be32(raw + at, 0);
    for (size_t i = 0; i < len; i++)
        sum += raw[i];
    put_be32(raw + at, ~sum);
}

static void put_footer(const struct small_vhd *d, uint8_t *raw)
{
    memcpy(raw, "conectix", 8);
    put_be32(raw + 8, 2);
    put_be32(raw + 12, 0x10000);
    put_be64(raw + 16, 512);
    memcpy(raw + 28, "win ", 4);
    put_be64(raw + 40, d->size);
    put_be64(raw + 48, d->size);
    put_be32(raw + 60, d->differs ? 4 : 3);
    memset(raw + 68, d->uuid, 16);
    put_sum(raw, 512, 64);
}

static void put_parent(const struct small_vhd *d, uint8_t *raw, uint8_t *file)
{
    memset(raw + 40, d->parent, 16);
    for (size_t i = 0; d->name && d->name[i]; i++)
        raw[64 + 2 * i + 1] = (uint8_t)d->name[i];
    if (!d->w2ru)
        return;
    memcpy(raw + 576, "W2ru", 4);
    put_be32(raw + 580, 512);
    put_be32(raw + 584, (uint32_t)(2 * strlen(d->w2ru)));
    put_be64(raw + 592, TEXT_AT);
    for (size_t i = 0; d->w2ru[i]; i++)
        file[TEXT_AT + 2 * i] = (uint8_t)d->w2ru[i];
}

static uint32_t entries_of(const struct small_vhd *d)
{
    return (uint32_t)((d->size + block_size_of(d) - 1) / block_size_of(d));
}

static void put_header(const struct small_vhd *d, uint8_t *file)
{
    uint8_t *raw = file + 512;

    memcpy(raw, "cxsparse", 8);
    memset(raw + 8, 0xff, 8);
    put_be64(raw + 16, TABLE_AT);
    put_be32(raw + 24, 0x10000);
    put_be32(raw + 28, entries_of(d));
    put_be32(raw + 32, block_size_of(d));
    if (d->differs)
        put_parent(d, raw, file);
    put_sum(raw, 1024, 36);
}

static size_t blocks_of(const struct small_vhd *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->nruns; i++)
        n += !i || d->runs[i].index != d->runs[i - 1].index;
    return n;
}

static void put_run(const struct small_run *r, uint8_t *block)
{
    for (uint32_t s = r->first; s < r->first + r->count; s++)
        block[s / 8] |= (uint8_t)(0x80 >> s % 8);
    memset(block + SECTOR + (size_t)r->first * SECTOR, r->fill,
           (size_t)r->count * SECTOR);
}

uint8_t *small_vhd_make(const struct small_vhd *d, size_t *len)
{
    size_t table = ((size_t)entries_of(d) * 4 + 511) / 512 * 512;
    size_t at = TABLE_AT + table, span = SECTOR + block_size_of(d);
    uint8_t *file;

    *len = at + blocks_of(d) * span + 512;
    file = calloc(1, *len);
    if (!file)
        abort();
    put_footer(d, file);
    put_header(d, file);
    memset(file + TABLE_AT, 0xff, table);
    for (size_t i = 0; i < d->nruns; i++) {
        if (i && d->runs[i].index != d->runs[i - 1].index)
            at += span;
        put_be32(file + TABLE_AT + 4 * (size_t)d->runs[i].index,
                 (uint32_t)(at / 512));
        put_run(&d->runs[i], file + at);
    }
    memcpy(file + *len - 512, file, 512);
    return file;
}

void small_vhd_overlay(const struct small_vhd *d, uint8_t *content)
{
    for (size_t i = 0; i < d->nruns; i++) {
        const struct small_run *r = &d->runs[i];
        uint64_t at =
            (uint64_t)r->index * block_size_of(d) + (uint64_t)r->first * SECTOR;

        for (uint64_t end = at + (uint64_t)r->count * SECTOR;
             at < end && at < d->size; at++)
            content[at] = r->fill;
    }
}
