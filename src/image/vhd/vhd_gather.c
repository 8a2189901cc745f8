/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_gather.h"

#include "image/image.h"

#include <string.h>

/* A gap of so many sectors costs less to read than a call. */
enum { GAP = 16 };

static uint8_t *place_of(const struct vhd_gather *g, uint32_t sector)
{
    return g->buf + (size_t)(sector - g->skip) * SECTOR_SIZE;
}

static int read_sectors(struct vhd_gather *g, uint8_t *to, uint32_t from,
                        uint32_t end, struct err *e)
{
    return source_pread_full(g->src, to, (size_t)(end - from) * SECTOR_SIZE,
                             g->at + (uint64_t)from * SECTOR_SIZE,
                             "the data of a block", e);
}

int vhd_gather_flush(struct vhd_gather *g, struct err *e)
{
    uint8_t scratch[GATHER_SECTORS * SECTOR_SIZE];

    if (g->nruns == 1)
        TRY(read_sectors(g, place_of(g, g->from), g->from, g->end, e));
    else if (g->nruns)
        TRY(read_sectors(g, scratch, g->from, g->end, e));
    for (uint32_t i = 0; g->nruns > 1 && i < g->nruns; i++)
        memcpy(place_of(g, g->runs[i].from),
               scratch + (size_t)(g->runs[i].from - g->from) * SECTOR_SIZE,
               (size_t)(g->runs[i].end - g->runs[i].from) * SECTOR_SIZE);
    g->nruns = 0;
    return 0;
}

int vhd_gather_add(struct vhd_gather *g, uint32_t from, uint32_t end,
                   struct err *e)
{
    if (g->nruns && (from - g->end > GAP || end - g->from > GATHER_SECTORS ||
                     g->nruns == GATHER_RUNS))
        TRY(vhd_gather_flush(g, e));
    if (!g->nruns)
        g->from = from;
    g->end = end;
    g->runs[g->nruns].from = from;
    g->runs[g->nruns].end = end;
    g->nruns++;
    return 0;
}
