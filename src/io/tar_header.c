/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_header.h"

#include "base/bytes.h"

#include <string.h>

enum { SIZE_AT = 124, SIZE_LEN = 12, SUM_AT = 148, SUM_LEN = 8, TYPE_AT = 156 };
#define OCTAL_MAX ((UINT64_C(1) << 33) - 1)

/* --- encode ---------------------------------------------------------------*/

/* Octal digits, as many as leave room for the NUL that is there. */
static void put_number(uint8_t *field, size_t size, uint64_t value)
{
    for (size_t i = size - 1; i--; value >>= 3)
        field[i] = (uint8_t)('0' + (value & 7));
}

static void put_size(uint8_t *field, uint64_t size)
{
    if (size <= OCTAL_MAX) {
        put_number(field, SIZE_LEN, size);
    } else {
        field[0] = 0x80;
        put_be64(field + 4, size);
    }
}

/* The sum of all bytes, its own field taken as blanks. */
static unsigned sum_of(const uint8_t header[TAR_BLOCK])
{
    unsigned sum = SUM_LEN * ' ';

    for (int i = 0; i < TAR_BLOCK; i++)
        if (i < SUM_AT || i >= SUM_AT + SUM_LEN)
            sum += header[i];
    return sum;
}

void tar_header_encode(uint8_t header[TAR_BLOCK], const char *name,
                       uint64_t size)
{
    memset(header, 0, TAR_BLOCK);
    memcpy(header, name, strlen(name));
    put_number(header + 100, 8, 0644);
    put_number(header + 108, 8, 0);
    put_number(header + 116, 8, 0);
    put_size(header + SIZE_AT, size);
    put_number(header + 136, 12, 0);
    header[TYPE_AT] = '0';
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    put_number(header + 329, 8, 0);
    put_number(header + 337, 8, 0);
    /* Six digits, a NUL and a blank. */
    put_number(header + SUM_AT, 7, sum_of(header));
    header[SUM_AT + 6] = '\0';
    header[SUM_AT + 7] = ' ';
}

/* --- decode ---------------------------------------------------------------*/

/* Octal digits between blanks and a blank or NUL, or the field's end. */
static bool get_number(const uint8_t *field, size_t size, uint64_t *out)
{
    size_t i = 0;

    *out = 0;
    while (i < size && field[i] == ' ')
        i++;
    if (i == size || field[i] < '0' || field[i] > '7')
        return false;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        *out = *out << 3 | (uint64_t)(field[i] - '0');
    return i == size || !field[i] || field[i] == ' ';
}

static bool get_size(const uint8_t *field, uint64_t *out)
{
    if (field[0] != 0x80)
        return get_number(field, SIZE_LEN, out);
    *out = get_be64(field + 4);
    return get_be32(field) == 0x80000000;
}

bool tar_header_decode(const uint8_t header[TAR_BLOCK], struct tar_header *out)
{
    uint64_t sum;

    if (!get_number(header + SUM_AT, SUM_LEN, &sum) || sum != sum_of(header) ||
        !get_size(header + SIZE_AT, &out->size))
        return false;
    memcpy(out->name, header, TAR_NAME_MAX + 1);
    out->name[TAR_NAME_MAX + 1] = '\0';
    out->type = header[TYPE_AT] ? (char)header[TYPE_AT] : '0';
    return true;
}
