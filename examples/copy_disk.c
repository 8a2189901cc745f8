/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* copy_disk SOURCE DESTINATION: as `vhdstream copy`, with a line of progress.
 * Ctrl-C stops it and cleans up. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <vhdstream.h>

static struct vhdstream *running;

static void on_interrupt(int number)
{
    (void)number;
    vhdstream_cancel(running); /* fit for a signal handler */
}

static int show(void *ctx, const struct vhdstream_progress *p)
{
    (void)ctx;
    if (p->total)
        fprintf(stderr, "\r%3" PRIu64 " %%, %" PRIu64 " MiB written",
                p->done * 100 / p->total, p->written >> 20);
    return 0; /* go on */
}

static void note(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "\rnote: %s\n", text);
}

int main(int argc, char **argv)
{
    int status;

    if (argc != 3) {
        fprintf(stderr, "usage: %s SOURCE DESTINATION\n", argv[0]);
        return VHDSTREAM_USAGE;
    }
    if (vhdstream_new(&running))
        return VHDSTREAM_NO_SPACE;
    signal(SIGINT, on_interrupt);
    signal(SIGPIPE, SIG_IGN);
    vhdstream_on_progress(running, show, NULL);
    vhdstream_on_notice(running, note, NULL);

    status = vhdstream_copy(running, argv[1], argv[2]);
    if (status)
        fprintf(stderr, "\n%s: %s\n", vhdstream_status_text(status),
                vhdstream_error(running));
    else
        printf("\n%s\n", vhdstream_result(running)); /* JSON */
    vhdstream_free(running);
    return status;
}
