/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/zero.h"

#include <string.h>

const uint8_t zero_bytes[ZERO_SIZE];

bool zero_is(const uint8_t *data, size_t len)
{
    size_t head = len < 16 ? len : 16;

    for (size_t i = 0; i < head; i++)
        if (data[i])
            return false;
    /* The rest equals the part before it, which is zero. */
    return len <= 16 || !memcmp(data, data + 16, len - 16);
}
