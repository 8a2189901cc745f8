/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Until it is in the tree, nothing is read ahead. */

#include "io/sink.h"
#include "io/source.h"

int source_async(struct source **s, unsigned threads, struct cancel *stop,
                 struct err *e)
{
    (void)s, (void)threads, (void)stop, (void)e;
    return 0;
}

int sink_async(struct sink **s, unsigned threads, struct cancel *stop,
               struct err *e)
{
    (void)s, (void)threads, (void)stop, (void)e;
    return 0;
}
