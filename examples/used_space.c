/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* used_space DISK: what the disk has where, and how much of it is data. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <vhdstream.h>

static int add(void *ctx, const struct vhdstream_extent *x)
{
    uint64_t *data = ctx;

    printf("%16" PRIu64 " %16" PRIu64 " %s\n", x->start, x->length, x->kind);
    if (!strcmp(x->kind, "data"))
        *data += x->length;
    return 0;
}

int main(int argc, char **argv)
{
    struct vhdstream *v;
    uint64_t data = 0;
    int status;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DISK\n", argv[0]);
        return VHDSTREAM_USAGE;
    }
    if (vhdstream_new(&v))
        return VHDSTREAM_NO_SPACE;
    status = vhdstream_map(v, argv[1], add, &data);
    if (status)
        fprintf(stderr, "%s\n", vhdstream_error(v));
    else
        printf("data: %" PRIu64 " bytes\n", data);
    vhdstream_free(v);
    return status;
}
