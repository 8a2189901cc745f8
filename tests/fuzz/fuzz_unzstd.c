/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* What is called zstd, by the plain reader and by the one that follows the
 * markers of our images: both come to the same end with the same content. A
 * frame that libzstd has in one piece it judges less narrowly than one that
 * comes bit by bit: whether it may have such a window is no matter then. */

#include "fuzzing.h"
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 4 * 1024 * 1024, PIECE = 65536 };

/* Of the input's first byte: threads for the second reader; the rest says how
 * much comes with a read. */
enum { THREADED = 1, THREADS = 2 };

struct reading {
    int64_t code; /* 1: there is more */
    size_t len;
    uint8_t content[OUTPUT_MAX + PIECE];
};

static void read_all(struct reading *r, const uint8_t *data, size_t len,
                     size_t step, struct pool *pool)
{
    struct source *src = memory_source(data, len, step, false);
    struct err e;

    r->len = 0;
    r->code = 1;
    demand(!source_unzstd(&src, pool, &e));
    while (r->code > 0 && r->len < OUTPUT_MAX) {
        r->code = source_read(src, r->content + r->len, PIECE, &e);
        if (r->code > 0)
            r->len += (size_t)r->code;
    }
    r->code = r->code > 0 ? 1 : r->code;
    source_close(src);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct reading plain, other;
    static struct pool *pools[2];
    size_t step, common;

    if (!len)
        return 0;
    for (unsigned i = 0; i < 2; i++)
        demand(pools[i] || !pool_open(&pools[i], THREADS * i, NULL));
    step = (data[0] >> 1) * (size_t)(data[0] >> 1) + 1;
    read_all(&plain, data + 1, len - 1, step, NULL);
    read_all(&other, data + 1, len - 1, step, pools[data[0] & THREADED]);
    demand(other.code == plain.code || plain.code == ERR_UNSUPPORTED);
    demand(plain.code || other.len == plain.len);
    common = plain.len < other.len ? plain.len : other.len;
    demand(!memcmp(plain.content, other.content, common));
    return 0;
}
