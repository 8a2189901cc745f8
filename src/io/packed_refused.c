/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Until tar is in the tree, packed disks are refused. */

#include "io/sink.h"
#include "io/tar_source.h"

static int refuse(const char *name, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "%s: packed", name);
}

int source_untar(struct source **s, const struct notice *n, struct err *e)
{
    (void)n;
    return refuse((*s)->name, e);
}

int source_async(struct source **s, unsigned threads, struct cancel *stop,
                 struct err *e)
{
    (void)s, (void)threads, (void)stop, (void)e;
    return 0;
}

int sink_tar(struct sink **s, const char *name, uint64_t size, struct err *e)
{
    (void)name, (void)size;
    return refuse((*s)->name, e);
}
