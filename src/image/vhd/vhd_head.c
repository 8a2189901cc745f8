/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_head.h"

#include "base/mem.h"
#include "image/vhd/vhd_ends.h"
#include "image/vhd/vhd_judge.h"
#include "image/vhd/vhd_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int vhd_read_at(struct source *src, void *buf, size_t len, uint64_t offset,
                const char *what, struct err *e)
{
    if (source_is_seekable(src))
        return source_pread_full(src, buf, len, offset, what, e);
    if (offset < src->pos)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: %s is at byte %" PRIu64
                       ", which the stream has passed (%" PRIu64
                       "); copy the VHD to a file and start from that",
                       src->name, what, offset, src->pos);
    TRY(source_skip(src, offset - src->pos, what, e));
    return source_read_full(src, buf, len, what, e);
}

/* The virtual size in force. */
static int choose_size(const struct vhd_tape *t,
                       const struct vhd_origin *origin, struct vhd_head *h,
                       struct err *e)
{
    const struct vhd_footer *f = &h->footer;

    h->size = f->current_size;
    if (!origin->size_from_chs)
        return 0;
    h->size = vhd_geometry_size(f);
    if (!h->size || (f->type != VHD_FIXED && h->size > VHD_SIZE_MAX))
        return err_set(e, ERR_CORRUPT,
                       "%s: the footer's geometry (byte %" PRIu64
                       ") is %u/%u/%u, which is no size of a disk",
                       t->src->name, h->footer_at + 56, f->cylinders, f->heads,
                       f->sectors_per_track);
    return 0;
}

/* A stream of known length ends with a footer of at least 511 bytes. */
static void expect_end(const struct source *src,
                       const struct vhd_origin *origin, struct vhd_head *h)
{
    uint64_t len = src->size < 0 ? origin->len : (uint64_t)src->size;

    if (len >= VHD_FOOTER_SIZE)
        h->limit = len - (VHD_FOOTER_SIZE - 1);
}

/* Has the texts of the locators read: of a stream, when it passes them. */
static int keep_texts(struct vhd_tape *t, struct vhd_head *h, struct err *e)
{
    for (int i = 0; i < VHD_LOCATORS; i++) {
        const struct vhd_locator *l = &h->header.locators[i];

        if (vhd_locator_is_usable(h, i))
            TRY(vhd_tape_keep(t, l->offset, l->length, &h->texts[i], e));
    }
    return 0;
}

static int judge_parts(struct vhd_tape *t, struct vhd_judge *j,
                       const struct vhd_origin *origin, struct vhd_head *h,
                       struct err *e)
{
    int go = t->stream ? vhd_ends_judge_first(t, j, h, e)
                       : vhd_ends_judge(t, j, h, e);

    if (go <= 0)
        return go;
    if (t->stream)
        expect_end(t->src, origin, h);
    TRY(choose_size(t, origin, h, e));
    go = vhd_judge_footer(j, h, e);
    if (go <= 0)
        return go;
    if (h->footer.type == VHD_FIXED)
        return 1;
    go = vhd_judge_header(t, j, h, e);
    if (go <= 0)
        return go;
    if (h->footer.type == VHD_DIFFERENCING)
        TRY(vhd_judge_locators(j, h, e));
    if (h->footer.type == VHD_DIFFERENCING && t->texts)
        TRY(keep_texts(t, h, e));
    return vhd_table_judge(t, j, h, e);
}

int vhd_head_judge(struct vhd_tape *t, struct vhd_judge *j,
                   const struct vhd_origin *origin, struct vhd_head *h,
                   struct err *e)
{
    int go;

    *h = (struct vhd_head){0};
    go = judge_parts(t, j, origin, h, e);
    /* A stream that ended in its head: that is what is to be said. */
    if (!go && t->stream && t->size != VHD_SIZE_UNKNOWN)
        TRY(vhd_head_judge_end(t, j, h, e));
    return go;
}

/* What the head tells of, against the end that is known now. */
static int judge_places(struct vhd_judge *j, const struct vhd_head *h,
                        uint64_t judged, struct err *e)
{
    TRY(vhd_judge_header_place(j, h, e));
    if (h->has_header)
        TRY(vhd_judge_table_place(j, h, e));
    TRY(vhd_judge_locators_end(j, h, judged, e));
    if (h->bat)
        return vhd_table_judge_end(j, h, judged, e);
    /* No table, or no longer: its blocks were read. Those past the disk's end
     * may be cut. */
    if (h->blocks_end <= h->limit)
        return 0;
    return vhd_find(
        j, h->footer_size ? FOUND_BLOCK_OVER_FOOTER : FOUND_BLOCK_CUT, h->limit,
        e, "the last block ends at byte %" PRIu64 ", the data ends at %" PRIu64,
        h->blocks_end, h->limit);
}

int vhd_head_judge_end(struct vhd_tape *t, struct vhd_judge *j,
                       struct vhd_head *h, struct err *e)
{
    uint64_t judged = h->limit;

    if (h->end_judged)
        return 0;
    h->end_judged = true;
    TRY(vhd_ends_judge_last(t, j, h, e));
    if (h->limit < judged && h->has_footer && h->footer.type != VHD_FIXED)
        TRY(judge_places(j, h, judged, e));
    return 0;
}

/* --- opening --------------------------------------------------------------*/

static int refuse(void *ctx, const struct vhd_finding *f, struct err *e)
{
    const struct vhd_refusal *r = ctx;

    if (f->severity == VHD_ERROR)
        return err_set(e, vhd_finding_code(f->id),
                       "%s: %s (byte %" PRIu64 ", %s)", r->name, f->text,
                       f->offset, vhd_finding_name(f->id));
    if (f->severity == VHD_WARNING)
        notice_say(r->notice, "%s: %s (byte %" PRIu64 ", %s)", r->name, f->text,
                   f->offset, vhd_finding_name(f->id));
    return 0;
}

void vhd_refusal_init(struct vhd_refusal *r, const struct source *src,
                      const struct notice *notice)
{
    *r = (struct vhd_refusal){
        .judge = {.take = refuse, .ctx = r, .stream = !source_is_seekable(src)},
        .notice = notice,
    };
    (void)snprintf(r->name, sizeof(r->name), "%s", src->name);
}

int vhd_head_read(struct source *src, const struct vhd_origin *origin,
                  struct vhd_head *out, struct err *e)
{
    CLEANUP(vhd_tape) struct vhd_tape t;
    struct vhd_refusal r;
    struct vhd_head h;
    int result;

    vhd_tape_open(&t, src);
    vhd_refusal_init(&r, src, origin->notice);
    result = vhd_head_judge(&t, &r.judge, origin, &h, e);
    if (!result) /* never without an error said; but then never sound either */
        result = err_set(e, ERR_CORRUPT, "%s: its head is cut off", src->name);
    if (result < 0) {
        vhd_head_free(&h);
        return result;
    }
    *out = h;
    return 0;
}

void vhd_head_free(struct vhd_head *h)
{
    free(h->bat);
    free(h->order);
    h->bat = NULL;
    h->order = NULL;
}
