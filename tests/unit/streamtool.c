/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* The wrappers of src/io between stdin and stdout, for tests of what others
 * make of their output, and for measuring:
 *
 *   streamtool gzip LEVEL THREADS
 *   streamtool gunzip
 */

#include "base/mem.h"
#include "base/pool.h"
#include "io/sink.h"
#include "io/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER = 1024 * 1024 };

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

static int run_gzip(struct source *in, struct sink **out, char **args,
                    struct err *e)
{
    struct pool *pool = NULL;
    int code;

    TRY(pool_open(&pool, (unsigned)atoi(args[1]), e));
    code = sink_gzip(out, atoi(args[0]), pool, e);
    if (code == 0)
        code = pump(in, *out, e);
    sink_close(*out, e);
    *out = NULL;
    pool_close(pool);
    return code;
}

static int run_gunzip(struct source **in, struct sink *out, struct err *e)
{
    TRY(source_gunzip(in, e));
    return pump(*in, out, e);
}

static int run(int argc, char **argv, struct err *e)
{
    CLEANUP(source) struct source *in = NULL;
    CLEANUP(sink) struct sink *out = NULL;

    TRY(source_open_fd(&in, 0, "stdin", NULL, e));
    TRY(sink_open_fd(&out, 1, "stdout", NULL, e));
    if (argc == 4 && !strcmp(argv[1], "gzip"))
        return run_gzip(in, &out, argv + 2, e);
    if (argc == 2 && !strcmp(argv[1], "gunzip"))
        return run_gunzip(&in, out, e);
    return err_set(e, ERR_USAGE, "see the head of streamtool.c");
}

int main(int argc, char **argv)
{
    struct err e = {0};

    if (run(argc, argv, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return err_exit(e.code);
    }
    return 0;
}
