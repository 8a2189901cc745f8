/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SMALL_VHD_H
#define VHDSTREAM_SMALL_VHD_H

/* Little VHDs in memory for tests, laid out by hand: nothing of the code under
 * test but the byte order and the checksum's field is used. Footer, header at
 * 512, a locator's text at 1536, the table at 2048, then the blocks in the
 * order given. */

#include <stddef.h>
#include <stdint.h>

/* `count` sectors from `first` of block `index`, each full of `fill`, and their
 * bits alone set. Further runs of the same block follow it directly. */
struct small_run {
    uint32_t index, first, count;
    uint8_t fill;
};

struct small_vhd {
    uint64_t size;
    uint32_t block_size; /* 0: 4096 */
    uint8_t uuid;        /* sixteen times this byte */
    uint8_t parent;      /* the same of the parent; with `differs` */
    int differs;         /* a differencing disk */
    const char *w2ru;    /* text of its one locator, or NULL */
    const char *name;    /* the parent's name in the header, or NULL */
    const struct small_run *runs;
    size_t nruns;
};

/* The file's bytes (to be freed) and their length. */
uint8_t *small_vhd_make(const struct small_vhd *d, size_t *len);

/* What is in it, laid over `below`: content[0 .. d->size) is changed. */
void small_vhd_overlay(const struct small_vhd *d, uint8_t *content);

#endif
