/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "copy/links/links_copy.h"
#include "copy/links/links_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_SIZE = 32 };

/* How the VHD of link i is to be written. */
static void describe(const struct links *l, unsigned i, struct output *out,
                     char parent[MEMBER_SIZE])
{
    (void)snprintf(parent, MEMBER_SIZE, "%u.vhd", i + 1);
    out->uuid = l->known[i].uuid;
    out->parent_uuid = l->known[i].parent;
    out->parent = uuid_is_null(&l->known[i].parent) ? NULL : parent;
}

static int begin(struct vhdstream *v, const struct links *l, unsigned i,
                 struct output *out, struct image **img, struct err *e)
{
    char member[MEMBER_SIZE];

    if (i == 0)
        return output_begin(v, out, img, l->known[0].label, e);
    (void)snprintf(member, sizeof(member), "%u.vhd", i);
    return output_next(out, img, member, e);
}

static int copy_link(struct vhdstream *v, struct links *l, unsigned i,
                     struct output *out, struct links_made *made, struct err *e)
{
    CLEANUP(image) struct image *img = NULL;
    char parent[MEMBER_SIZE];

    TRY(l->ops->open(l, i, &img, e));
    if (i == 0)
        made->size = img->size;
    describe(l, i, out, parent);
    TRY(begin(v, l, i, out, &img, e));
    TRY(image_async(&img, v->opt.threads, e));
    TRY(image_copy(img, out->enc, out->sink, &v->progress, &v->wait, e));
    made->data += progress_next(&v->progress);
    encoder_close(out->enc);
    out->enc = NULL;
    return 0;
}

int links_to_image(struct vhdstream *v, struct links *l, struct output *out,
                   struct links_made *made, struct err *e)
{
    FREE char *note = NULL;

    v->progress.whole = links_size(l);
    for (unsigned i = 0; i < l->count; i++)
        TRY(copy_link(v, l, i, out, made, e));
    TRY(links_note_make(&note, l->known, l->count, e));
    TRY(sink_tar_next(out->sink, TAR_CHAIN_NOTE, strlen(note), e));
    TRY(sink_write(out->sink, note, strlen(note), e));
    TRY(output_finish(out, e));
    return output_complete(out, e);
}
