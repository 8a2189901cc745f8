/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SMALL_TAR_H
#define VHDSTREAM_SMALL_TAR_H

/* Archives made by hand, in tar[0 .. tar_len). */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t tar[16 << 20];
static size_t tar_len;

static inline void tar_begin(void)
{
    memset(tar, 0, sizeof(tar));
    tar_len = 0;
}

/* Sets the sum of the header at `at`. */
static inline void tar_sum(size_t at)
{
    unsigned sum = 0;

    memset(tar + at + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += tar[at + i];
    snprintf((char *)tar + at + 148, 8, "%06o", sum & 0777777);
}

/* Appends a header; returns where it begins. */
static inline size_t tar_header(const char *name, char type, uint64_t size)
{
    char *h = (char *)tar + tar_len;
    char digits[32];

    snprintf(h, 100, "%s", name);
    memcpy(h + 100, "0000644", 8);
    snprintf(digits, sizeof(digits), "%011llo", (unsigned long long)size);
    memcpy(h + 124, digits, 12);
    h[156] = type;
    memcpy(h + 257,
           "ustar\0"
           "00",
           8);
    tar_sum(tar_len);
    tar_len += 512;
    return tar_len - 512;
}

static inline void tar_data(const void *data, size_t len)
{
    memcpy(tar + tar_len, data, len);
    tar_len += (len + 511) / 512 * 512;
}

static inline void tar_member(const char *name, const char *content)
{
    tar_header(name, '0', strlen(content));
    tar_data(content, strlen(content));
}

static inline void tar_end(void)
{
    tar_len += 1024;
}

#endif
