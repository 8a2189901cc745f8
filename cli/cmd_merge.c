/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "arguments.h"
#include "commands.h"
#include "vhdstream.h"

static int call_merge(struct vhdstream *v, const struct arguments *a)
{
    return vhdstream_merge(v, a->words, (unsigned)a->nwords);
}

int cmd_merge(struct vhdstream *v, struct arguments *a)
{
    /* What the environment has completed. */
    a->words[a->nwords - 2] = a->places[0];
    a->words[a->nwords - 1] = a->places[1];
    return move_disk(v, a, call_merge);
}
