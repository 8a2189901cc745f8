/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/store_output.h"

#include "base/checked.h"
#include "base/mem.h"
#include "copy/store_side.h"

#include <stdlib.h>
#include <string.h>

enum {
    SETTLE_S = 60,
    SETTLE_PAUSE_MS = 500,
    NAME_MAX_GLANCE = 255, /* characters */
};

struct store_output {
    struct vhdstream *v;
    struct glance *glance;
    struct glance_image img;
    bool existing; /* it was there before */
    bool ours;     /* made, and not complete */
    bool begun;    /* an upload to it, that is not complete */
    char note[DIGEST_NOTE_SIZE];
};

/* --- formats ---------------------------------------------------------------*/

/* Glance has no word for a tar with a VHD in it; "ovf" is that of those who
 * began it. */
static const char *container_of(const struct format *f)
{
    return f->pack == PACK_NONE ? "bare" : "ovf";
}

static const char *disk_format_of(const struct format *f)
{
    return f->disk == DISK_RAW ? "raw" : "vhd";
}

/* A record may leave open what is to come. */
static bool is_open_or(const char *recorded, const char *ours)
{
    return !*recorded || !strcmp(recorded, ours);
}

static bool is_as_recorded(const struct store_output *store,
                           const struct format *f)
{
    return is_open_or(store->img.disk_format, disk_format_of(f)) &&
           is_open_or(store->img.container_format, container_of(f));
}

const struct format *store_output_format(const struct store_output *store)
{
    static const char *const names[] = {"tgz", "vhd", "raw"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct format *f = format_by_name(names[i]);

        if (is_as_recorded(store, f))
            return f;
    }
    return NULL;
}

static const char *or_any(const char *recorded)
{
    return *recorded ? recorded : "anything";
}

int store_output_check_format(const struct output *out, struct err *e)
{
    const struct glance_image *img = &out->store->img;

    if (is_as_recorded(out->store, out->format))
        return 0;
    return err_set(e, ERR_USAGE,
                   "%s: image %s is to be %s in %s by its record, and %s is %s "
                   "in %s",
                   out->place->name, img->id, or_any(img->disk_format),
                   or_any(img->container_format), out->format->name,
                   disk_format_of(out->format), container_of(out->format));
}

/* --- what is there ---------------------------------------------------------*/

/* An upload that broke a moment ago is let go of a moment later. */
static int wait_for_queued(struct store_output *store, const char *id,
                           struct err *e)
{
    double last =
        wait_now() + (double)min_u64(SETTLE_S, store->v->opt.timeout_s);

    for (;;) {
        TRY(glance_get(store->glance, id, &store->img, e));
        if (strcmp(store->img.status, "saving") != 0 || wait_now() > last)
            return 0;
        TRY(wait_sleep(&store->v->wait, SETTLE_PAUSE_MS, e));
    }
}

static int find_queued(struct store_output *store, const struct place *p,
                       struct err *e)
{
    const struct options *opt = &store->v->opt;

    if (opt->name_label || opt->description)
        return err_set(e, ERR_USAGE,
                       "%s: --%s has no meaning for an image that is there",
                       p->name, opt->name_label ? "name-label" : "description");
    store->existing = true;
    TRY(wait_for_queued(store, p->glance.ref, e));
    if (!strcmp(store->img.status, "saving"))
        return err_set(e, ERR_TEMPORARY,
                       "%s: image %s is still saving: Glance has not let go "
                       "of an upload",
                       p->name, store->img.id);
    if (strcmp(store->img.status, "queued") != 0)
        return err_set(e, ERR_FAILED,
                       "%s: image %s is %s, and only one that is queued can be "
                       "filled; a name instead of the id makes a new one",
                       p->name, store->img.id, store->img.status);
    if (!store_output_format(store))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: image %s is to be %s in %s by its record; raw in "
                       "bare, vhd in bare and vhd in ovf are written",
                       p->name, store->img.id, or_any(store->img.disk_format),
                       or_any(store->img.container_format));
    return 0;
}

int store_output_prepare(struct vhdstream *v, struct output *out, struct err *e)
{
    const struct place *p = out->place;

    if (v->opt.other_config)
        return err_set(e, ERR_USAGE,
                       "%s: --other-config has no meaning for an image in "
                       "Glance",
                       p->name);
    if (*p->glance.ref && !uuid_is(p->glance.ref) && v->opt.name_label)
        return err_set(e, ERR_USAGE,
                       "%s: has a name, and so has --name-label; give one of "
                       "them",
                       p->name);
    TRY(store_login(v, SIDE_DST, p, e));
    TRY(mem_alloc(&out->store, sizeof(*out->store), "an image", e));
    out->store->v = v;
    out->store->glance = v->store[SIDE_DST]->glance;
    return uuid_is(p->glance.ref) ? find_queued(out->store, p, e) : 0;
}

/* --- the upload ------------------------------------------------------------*/

/* Longer than Glance takes a name, or with what its database may not hold. */
static bool is_odd(const char *label)
{
    size_t count = 0;

    for (; *label; label++) {
        count += ((unsigned char)*label & 0xc0) != 0x80;
        if ((unsigned char)*label >= 0xf0)
            return true;
    }
    return count > NAME_MAX_GLANCE;
}

static int make_record(struct output *out, uint64_t size, const char *label,
                       struct err *e)
{
    struct store_output *store = out->store;
    const struct options *opt = &store->v->opt;
    const char *given = out->place->glance.ref;
    const struct glance_new how = {
        .label = *given            ? given
                 : opt->name_label ? opt->name_label
                                   : label,
        .description = opt->description,
        .disk_format = disk_format_of(out->format),
        .container_format = container_of(out->format),
        .virtual_size = size,
    };

    if (glance_create(store->glance, &how, &store->img, e) < 0)
        return e->code == ERR_FAILED && how.label == label && is_odd(label)
                   ? err_append(e, "; its name would be that of the source; "
                                   "--name-label gives another")
                   : e->code;
    store->ours = true;
    return 0;
}

int store_output_begin(struct output *out, uint64_t size, int64_t len,
                       const char *label, struct err *e)
{
    struct store_output *store = out->store;
    const struct glance_image *img = &store->img;

    if (!store->existing)
        TRY(make_record(out, size, label, e));
    else if (!*img->disk_format || !*img->container_format)
        TRY(glance_set_formats(store->glance, img->id,
                               disk_format_of(out->format),
                               container_of(out->format), e));
    store->begun = true;
    return sink_open_glance(&out->sink, store->glance, img, len, e);
}

void store_output_note(struct store_output *store,
                       const struct digest_note *note)
{
    digest_note_value(note, store->note);
}

int store_output_reopen(struct store_output *store, struct source **out,
                        struct err *e)
{
    TRY(glance_get(store->glance, store->img.id, &store->img, e));
    return source_open_glance(out, store->glance, &store->img, e);
}

int store_output_complete(struct store_output *store, struct err *e)
{
    if (*store->note)
        TRY(glance_note_digest(store->glance, store->img.id, store->note, e));
    store->ours = store->begun = false;
    return 0;
}

void store_output_close(struct store_output *store, struct err *why)
{
    if (!store)
        return;
    if (store->ours)
        glance_remove(store->glance, store->img.id, why);
    else if (store->begun && why)
        glance_tell_filled(store->glance, store->img.id, why);
    free(store);
}

const char *store_output_id(const struct store_output *store)
{
    return store->img.id;
}
