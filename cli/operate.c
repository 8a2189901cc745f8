/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "operate.h"

#include "arguments.h"
#include "say.h"
#include "vhdstream.h"
#include "watch.h"

#include <signal.h>

static void say_notice(void *ctx, const char *text)
{
    (void)ctx;
    say("%s", text);
}

int operate(struct vhdstream *v, const struct arguments *a, operation *call)
{
    struct watch *w;
    int status, signal;

    if (!a->quiet)
        vhdstream_on_notice(v, say_notice, NULL);
    w = watch_start(v, a);
    status = call(v, a);
    signal = watch_stop(w, status == 0);
    if (status)
        say("%s", vhdstream_error(v));
    if (status == VHDSTREAM_CANCELLED && signal == SIGTERM)
        return 128 + SIGTERM;
    return status;
}
