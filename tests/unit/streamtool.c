/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The wrappers of src/io between stdin and stdout, for tests of what others
 * make of their output, and for measuring. Each argument is one:
 *
 *   streamtool [ahead] [pool THREADS] [gunzip | unzstd] [untar] [behind]
 *              [gzip | zstd LEVEL THREADS] [tar NAME SIZE]
 */

#include "base/mem.h"
#include "base/pool.h"
#include "io/sink.h"
#include "io/source.h"
#include "io/tar_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 1024 * 1024 };

struct world {
    struct source *in;
    struct sink *out;
    struct pool *pool;
};

static void say(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "notice: %s\n", text);
}

static const struct notice notice = {.fn = say};

static int pump(struct source *from, struct sink *to, struct err *e)
{
    FREE uint8_t *buf = NULL;
    int64_t got;

    TRY(mem_alloc_buffer(&buf, BUFFER, e));
    while ((got = source_read(from, buf, BUFFER, e)) > 0)
        TRY(sink_write(to, buf, (size_t)got, e));
    TRY(got);
    return sink_finish(to, e);
}

/* Puts on the wrapper that args[0] names; the number of words it took. */
static int wrap(struct world *w, char **args, struct err *e)
{
    if (!strcmp(args[0], "ahead")) {
        TRY(source_async(&w->in, 1, NULL, e));
    } else if (!strcmp(args[0], "pool") && args[1]) {
        TRY(pool_open(&w->pool, (unsigned)atoi(args[1]), e));
        return 2;
    } else if (!strcmp(args[0], "gunzip")) {
        TRY(source_gunzip(&w->in, w->pool, e));
    } else if (!strcmp(args[0], "unzstd")) {
        TRY(source_unzstd(&w->in, w->pool, e));
    } else if (!strcmp(args[0], "untar")) {
        TRY(source_untar(&w->in, NULL, &notice, NULL, e));
    } else if (!strcmp(args[0], "behind")) {
        TRY(sink_async(&w->out, 1, NULL, e));
    } else if (!strcmp(args[0], "gzip") && args[1] && args[2]) {
        if (!w->pool)
            TRY(pool_open(&w->pool, (unsigned)atoi(args[2]), e));
        TRY(sink_gzip(&w->out, atoi(args[1]), w->pool, e));
        return 3;
    } else if (!strcmp(args[0], "zstd") && args[1] && args[2]) {
        if (!w->pool)
            TRY(pool_open(&w->pool, (unsigned)atoi(args[2]), e));
        TRY(sink_zstd(&w->out, atoi(args[1]), w->pool, e));
        return 3;
    } else if (!strcmp(args[0], "tar") && args[1] && args[2]) {
        TRY(sink_tar(&w->out, args[1], strtoull(args[2], NULL, 10), e));
        return 3;
    } else {
        return err_set(e, ERR_USAGE, "see the head of streamtool.c");
    }
    return 1;
}

static int run(struct world *w, char **args, struct err *e)
{
    TRY(source_open_fd(&w->in, 0, "stdin", NULL, e));
    TRY(sink_open_fd(&w->out, 1, "stdout", NULL, e));
    while (*args) {
        int words = wrap(w, args, e);

        TRY(words);
        args += words;
    }
    return pump(w->in, w->out, e);
}

int main(int argc, char **argv)
{
    struct world w = {0};
    struct err e = {0};
    int code = run(&w, argv + 1, &e);

    (void)argc;
    source_close(w.in);
    sink_close(w.out, code < 0 ? &e : NULL);
    pool_close(w.pool);
    if (code < 0)
        fprintf(stderr, "%s\n", e.text);
    return code < 0 ? err_exit(e.code) : 0;
}
