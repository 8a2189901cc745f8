/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_check.h"

#include "base/mem.h"
#include "image/vhd/vhd_batmap.h"
#include "image/vhd/vhd_decode.h"
#include "image/vhd/vhd_ends.h"
#include "image/vhd/vhd_judge.h"
#include "image/vhd/vhd_survey.h"
#include "image/vhd/vhd_trailer.h"

#include <inttypes.h>

/* One check: what is known, as far as it has come. */
struct checker {
    struct vhd_tape *t;
    struct vhd_judge *j;
    struct vhd_head *h;
    struct vhd_survey survey;
    struct vhd_batmap batmap;
    bool surveyed;
};

/* Unused bytes before the trailing footer. */
static int judge_padding(struct checker *c, uint64_t end, struct err *e)
{
    const struct vhd_head *h = c->h;

    if (!h->footer_size || end >= h->limit)
        return 0;
    return vhd_find(c->j, FOUND_TRAILING_PADDING, end, e,
                    "%" PRIu64
                    " unused bytes between the last part and the trailing "
                    "footer",
                    h->limit - end);
}

static int judge_survey(struct checker *c, struct err *e)
{
    const struct vhd_survey *s = &c->survey;

    if (s->bit_past_end != UINT64_MAX)
        TRY(vhd_find(c->j, FOUND_BITS_PAST_END, s->bit_past_end, e,
                     "the last block's bitmap has bits set for sectors past "
                     "the disk's end"));
    if (s->hidden_data != UINT64_MAX)
        TRY(vhd_find(c->j, FOUND_DATA_UNDER_CLEAR_BITS, s->hidden_data, e,
                     "block %" PRIu32
                     " holds data that its bitmap calls absent: zeros by the "
                     "format, yet qemu and libvhdi hand it out",
                     s->hidden_block));
    return 0;
}

/* What follows from the blocks: only of a disk without errors. */
static int judge_content(struct checker *c, struct err *e)
{
    uint64_t end = c->h->end;

    if (!c->surveyed || c->j->errors)
        return 0;
    TRY(judge_survey(c, e));
    TRY(vhd_batmap_judge(c->j, c->h, &c->survey, &c->batmap, &end, e));
    return judge_padding(c, end, e);
}

static int survey(struct checker *c, struct err *e)
{
    TRY(vhd_batmap_read(c->t, c->h, &c->batmap, e));
    TRY(vhd_survey_make(c->t, c->h, &c->survey, e));
    c->surveyed = true;
    return 0;
}

/* A stream that has not ended within all that could be: it is not read for
 * ever. */
static int judge_endless(struct checker *c, uint64_t most, struct err *e)
{
    if (c->h->has_footer)
        return vhd_find(c->j, FOUND_TRAILING_FOOTER_MISSING, c->h->end, e,
                        "goes on for %" PRIu64
                        " bytes after its last block, which no VHD does",
                        most - c->h->end);
    return vhd_find(c->j, FOUND_NOT_A_VHD, 0, e,
                    "no sound footer at byte 0, and no end within %" PRIu64
                    " bytes; to have a longer one looked at give its length "
                    "with --size, or start from a file",
                    most);
}

static int judge_end(struct checker *c, struct err *e)
{
    uint64_t most = c->h->end + vhd_trailer_gap(c->h);
    int ended = vhd_tape_finish(c->t, most, e);

    TRY(ended);
    return ended ? vhd_head_judge_end(c->t, c->j, c->h, e)
                 : judge_endless(c, most, e);
}

static int run(struct checker *c, struct err *e)
{
    static const struct vhd_origin origin;
    int whole = vhd_head_judge(c->t, c->j, &origin, c->h, e);

    TRY(whole);
    if (whole && c->h->footer.type != VHD_FIXED && !c->j->errors)
        TRY(survey(c, e));
    if (c->t->stream)
        TRY(judge_end(c, e));
    if (whole && c->h->footer.type == VHD_DIFFERENCING)
        TRY(vhd_judge_texts(c->j, c->h, e));
    return judge_content(c, e);
}

/* A stream whose first bytes are a fixed disk's data: its end tells the rest.
 */
static int run_fixed(struct checker *c, uint64_t len, struct err *e)
{
    struct vhd_tape *t = c->t;
    struct vhd_head *h = c->h;
    int ended = vhd_tape_finish(t, len + vhd_trailer_gap(h), e);

    TRY(ended);
    if (!ended)
        return vhd_find(c->j, FOUND_TRAILING_FOOTER_MISSING, len, e,
                        "goes on for %" PRIu64 " bytes after the %" PRIu64
                        " that were announced",
                        vhd_trailer_gap(h), len);
    vhd_end_find_tail(&h->tail, t->last, t->last_len, t->size);
    if (vhd_end_is_sound(&h->tail) && h->tail.f.type != VHD_FIXED)
        return vhd_find(c->j, FOUND_FOOTER_COPY_MISSING, 0, e,
                        "no footer (\"conectix\") at byte 0, where a stream "
                        "needs it; a file could be read by the trailing one");
    c->j->stream = false; /* its length is known: as in a file */
    return vhd_ends_judge_fixed(c->j, h, e);
}

int vhd_check(struct source **src, uint64_t len, struct vhd_report *out,
              struct err *e)
{
    CLEANUP(vhd_report) struct vhd_report r = {0};
    CLEANUP(vhd_tape) struct vhd_tape t = {0};
    struct vhd_judge j = {.take = vhd_report_take, .ctx = &r};
    struct vhd_head h = {0};
    struct checker c = {.t = &t, .j = &j, .h = &h};
    int result;

    if ((*src)->size >= 0)
        len = (uint64_t)(*src)->size;
    result = vhd_is_fixed_stream(src, len, e);
    TRY(result);
    vhd_tape_open(&t, *src);
    t.texts = true;
    j.stream = t.stream;
    result = result ? run_fixed(&c, len, e) : run(&c, e);
    vhd_survey_free(&c.survey);
    vhd_head_free(&h);
    TRY(result);
    vhd_report_settle(&r, &j);
    r.stream = t.stream;
    r.is_vhd = h.has_footer;
    r.footer = h.footer;
    r.parent_uuid = h.header.parent_uuid;
    *out = r;
    r = (struct vhd_report){0};
    return 0;
}

int vhd_check_parents(struct source **src,
                      const struct vhd_lineage_options *opt, bool chain,
                      struct vhd_report *r, struct err *e)
{
    static const struct vhd_origin origin;
    CLEANUP(image) struct image *img = NULL;
    struct vhd_judge j = {.take = vhd_report_take, .ctx = r, .chain = chain};

    TRY(vhd_decode(src, &origin, &img, e));
    TRY(vhd_lineage_judge(&img, &j, opt, e));
    vhd_report_settle(r, &j);
    return 0;
}
