/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* split_disk SOURCE STEM: the disk as a dynamic VHD, in pieces of 1 MiB:
 * STEM.0, STEM.1 ... In place of files it might be the parts of an upload: the
 * bytes come in order, and nothing is kept but the piece that is being filled.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vhdstream.h>

enum { PIECE = 1 << 20 };

struct splitter {
    const char *stem;
    unsigned count;
    size_t len;
    char piece[PIECE];
};

static int flush(struct splitter *s)
{
    char name[4096];
    FILE *f;
    size_t done;

    if (!s->len)
        return 0;
    snprintf(name, sizeof(name), "%s.%u", s->stem, s->count);
    f = fopen(name, "wb");
    if (!f)
        return -1;
    done = fwrite(s->piece, 1, s->len, f);
    if (fclose(f) || done != s->len)
        return -1;
    s->count++;
    s->len = 0;
    return 0;
}

/* Called by the library with the next bytes, any number of them. */
static int take(void *ctx, const void *buf, size_t len)
{
    struct splitter *s = ctx;
    const char *from = buf;

    while (len) {
        size_t n = PIECE - s->len < len ? PIECE - s->len : len;

        memcpy(s->piece + s->len, from, n);
        s->len += n;
        from += n;
        len -= n;
        if (s->len == PIECE && flush(s))
            return -1; /* ends the copy */
    }
    return 0;
}

static int announce(void *ctx, int64_t size)
{
    (void)ctx;
    printf("%lld bytes\n", (long long)size);
    return 0;
}

int main(int argc, char **argv)
{
    struct splitter *s = calloc(1, sizeof(*s));
    struct vhdstream *v;
    int status;

    if (argc != 3) {
        fprintf(stderr, "usage: %s SOURCE STEM\n", argv[0]);
        free(s);
        return VHDSTREAM_USAGE;
    }
    if (!s || vhdstream_new(&v)) {
        free(s);
        return VHDSTREAM_NO_SPACE;
    }
    s->stem = argv[2];
    vhdstream_on_size(v, announce, NULL);
    vhdstream_on_write(v, take, s);

    status = vhdstream_set(v, "to", "vhd");
    if (!status)
        status = vhdstream_copy(v, argv[1], "caller:");
    /* Only now is it certain that what was taken is a whole disk. */
    if (status)
        fprintf(stderr, "%s\n", vhdstream_error(v));
    else if (flush(s)) {
        perror(s->stem);
        status = VHDSTREAM_FAILED;
    } else
        printf("%u pieces\n", s->count);
    vhdstream_free(v);
    free(s);
    return status;
}
