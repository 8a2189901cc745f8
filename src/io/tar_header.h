/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TAR_HEADER_H
#define VHDSTREAM_TAR_HEADER_H

/*
 * The header of a tar member (POSIX ustar), 512 bytes; numbers are octal text:
 *
 *      0  100  name                257    6  "ustar\0"
 *    100    8  mode                263    2  "00"
 *    108    8  owner               265   32  owner's name
 *    116    8  group               297   32  group's name
 *    124   12  size                329    8  device, major
 *    136   12  time                337    8  device, minor
 *    148    8  sum of the header   345  155  what comes before the name
 *    156    1  type
 *    157  100  link's target
 *
 * A size of 8 GiB or more has the first bit set and is binary, as GNU tar
 * writes it: busybox reads that, but not the size in a pax header.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    TAR_BLOCK = 512,
    TAR_RECORD = 20 * TAR_BLOCK, /* archives are padded to whole ones */
    TAR_NAME_MAX = 99,
};

/* Of a regular file, mode 0644, owner, group and time 0. `name` has at most
 * TAR_NAME_MAX bytes. */
void tar_header_encode(uint8_t header[TAR_BLOCK], const char *name,
                       uint64_t size);

struct tar_header {
    char name[TAR_NAME_MAX + 2];
    char type; /* '0': a regular file */
    uint64_t size;
};

/* Whether these bytes are a header: its sum is right, its size an octal or
 * binary number. */
bool tar_header_decode(const uint8_t header[TAR_BLOCK], struct tar_header *out);

#endif
