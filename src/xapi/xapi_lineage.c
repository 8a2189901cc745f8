/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_lineage.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { STAMP_SIZE = 32, SNAPSHOTS_MAX = 1000 };

struct moment {
    struct xapi_vdi vdi;
    char time[STAMP_SIZE]; /* "20260821T02:00:23Z": sorts as it reads */
    unsigned place; /* in XAPI's list: what decides between equal times */
};

static int read_moment(struct xapi *x, const char *ref, struct moment *out,
                       json_t **record, struct err *e)
{
    char what[XAPI_WHAT_SIZE];

    TRY(xapi_vdi_record(x, ref, record, &out->vdi, e));
    return xapi_json_word(*record, "snapshot_time",
                          xapi_what(x, "VDI.get_record", what), out->time,
                          sizeof(out->time), e);
}

/* The youngest first. */
static int by_time(const void *a, const void *b)
{
    const struct moment *l = a, *r = b;
    int order = strcmp(r->time, l->time);

    return order ? order : l->place < r->place ? 1 : -1;
}

/* Whether it belongs to the chain of `top`: 1 and *m, 0, or the failure. */
static int read_member(struct xapi *x, const struct moment *top,
                       const char *ref, struct moment *m, struct err *e)
{
    CLEANUP(json) json_t *record = NULL;

    TRY(read_moment(x, ref, m, &record, e));
    return !m->vdi.unfinished &&
           !(top->vdi.is_snapshot && strcmp(m->time, top->time) > 0);
}

/* Those of the list that do. */
static int read_all(struct xapi *x, const struct moment *top,
                    const json_t *refs, struct moment *all, size_t *count,
                    struct err *e)
{
    for (size_t i = 0; i < json_array_size(refs); i++) {
        const char *ref = json_string_value(json_array_get(refs, i));
        struct moment m = {.place = (unsigned)i};
        int belongs;

        if (!ref || !strcmp(ref, top->vdi.ref))
            continue;
        belongs = read_member(x, top, ref, &m, e);
        TRY(belongs);
        if (belongs)
            all[(*count)++] = m;
    }
    return 0;
}

static int list_snapshots(struct xapi *x, const json_t *record,
                          const struct moment *top, json_t **refs,
                          struct err *e)
{
    const char *of = top->vdi.ref;

    if (top->vdi.is_snapshot) {
        const char *disk =
            json_string_value(json_object_get(record, "snapshot_of"));

        /* The disk may be gone: then its snapshots stand alone. */
        if (!disk || !xapi_ref_is_some(disk))
            return 0;
        of = disk;
    }
    TRY(xapi_call(x, XAPI_NORMAL, refs, e, "VDI.get_snapshots", "s", of));
    if (json_array_size(*refs) > SNAPSHOTS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: VDI %s has %zu snapshots, which are more than a "
                       "chain can have",
                       xapi_name(x), top->vdi.uuid, json_array_size(*refs));
    return 0;
}

int xapi_lineage_read(struct xapi *x, const char *name, struct xapi_vdi **out,
                      unsigned *count, struct err *e)
{
    CLEANUP(json) json_t *record = NULL;
    CLEANUP(json) json_t *refs = NULL;
    FREE struct moment *all = NULL;
    struct xapi_vdi *vdis = NULL;
    char ref[XAPI_OPAQUE_SIZE];
    struct moment top = {0};
    size_t n = 0;

    TRY(xapi_find(x, "VDI", name, ref, e));
    TRY(read_moment(x, ref, &top, &record, e));
    TRY(list_snapshots(x, record, &top, &refs, e));
    TRY(mem_alloc_array(&all, json_array_size(refs) + 1, sizeof(*all),
                        "a chain", e));
    TRY(read_all(x, &top, refs, all, &n, e));
    qsort(all, n, sizeof(*all), by_time);
    TRY(mem_alloc_array(&vdis, n + 1, sizeof(*vdis), "a chain", e));
    vdis[0] = top.vdi;
    for (size_t i = 0; i < n; i++)
        vdis[i + 1] = all[i].vdi;
    *out = vdis;
    *count = (unsigned)n + 1;
    return 0;
}
