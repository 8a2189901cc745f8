/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "fuzzing.h"
#include "memory_io.h"

#include <stdlib.h>

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

/* The first byte says how much comes with a read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t out[65536];
    struct source *src;
    struct err e;

    if (!len)
        return 0;
    src = memory_source(data + 1, len - 1, data[0] + 1U, false);
    if (!source_gunzip(&src, &e))
        while (src->pos < OUTPUT_MAX &&
               source_read(src, out, sizeof(out), &e) > 0)
            continue;
    source_close(src);
    return 0;
}
