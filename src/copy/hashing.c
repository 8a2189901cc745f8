/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/hashing.h"

#include "image/chain/image_cover.h"

bool hashing_is_wanted(const struct vhdstream *v)
{
    return v->opt.digest || v->verify || v->opt.blocks;
}

int hashing_prepare(struct vhdstream *v, bool wanted, struct hashing *h,
                    struct err *e)
{
    h->wanted = wanted || v->opt.blocks;
    if (!v->opt.blocks)
        return 0;
    return sink_open_file(&h->sink, v->opt.blocks, v->opt.force, &v->wait, e);
}

int hashing_fit(const struct hashing *h, struct image **img, struct err *e)
{
    if (!h->wanted)
        return 0;
    return h->part ? digest_arrange(img, e) : digest_prepare(img, e);
}

int hashing_cover(const struct vhdstream *v, struct image **img,
                  struct coverage **out, struct err *e)
{
    const struct coverage_options opt = {.budget = v->opt.memory,
                                         .keep = true,
                                         .name = (*img)->name,
                                         .alone = true};

    TRY(coverage_open(out, &opt, e));
    TRY(coverage_grow(*out, (*img)->size, e));
    coverage_begin(*out, 0, false);
    return image_cover(img, *out, false, e);
}

int hashing_begin(struct vhdstream *v, struct hashing *h, struct image **img,
                  struct err *e)
{
    if (!h->wanted)
        return 0;
    if (h->sink)
        TRY(hash_list_open_of(&h->list, h->sink, (*img)->size,
                              uuid_is_null(&h->uuid) ? NULL : &h->uuid, e));
    TRY(operation_pool(v, e));
    if (h->part)
        TRY(hashing_cover(v, img, &h->coverage, e));
    if (v->verify && !h->alone)
        TRY(leaf_record_open(&h->record, LEAF_RECORD_BUDGET, e));
    TRY(digest_open(&h->digest, img, v->pool, h->list, e));
    if (h->record)
        digest_watch(h->digest, leaf_record_add, h->record);
    return 0;
}

int hashing_end(struct hashing *h, struct err *e)
{
    return h->wanted ? digest_finish(h->digest, &h->result, e) : 0;
}

int hashing_finish(struct hashing *h, struct err *e)
{
    return h->sink ? sink_finish(h->sink, e) : 0;
}

void hashing_close(struct hashing *h, struct err *why)
{
    digest_close(h->digest);
    leaf_record_close(h->record);
    hash_list_close(h->list);
    coverage_close(h->coverage);
    sink_close(h->sink, why);
    *h = (struct hashing){0};
}
