/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/verify.h"

#include "base/mem.h"
#include "copy/digest_note.h"
#include "copy/pool/pool_output.h"
#include "copy/store_output.h"
#include "image/image_open.h"

#include <inttypes.h>

/* --- the way back ---------------------------------------------------------*/

/* What was written as it is has a length that is known; a chain's disk has not
 * been promised any. */
static int check_length(const struct output *out, const struct source *src,
                        struct err *e)
{
    uint64_t size = out->enc ? out->enc->size : 0;

    if (out->is_chain || out->format->pack != PACK_NONE || src->size < 0 ||
        (uint64_t)src->size == size)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: what is read back has %" PRId64 " bytes, but %" PRIu64
                   " were written",
                   src->name, src->size, size);
}

static int open_source(struct vhdstream *v, struct output *out,
                       struct source **src, struct err *e)
{
    if (out->held)
        return sink_reopen(out->held, src, e);
    if (out->store)
        return store_output_reopen(out->store, src, e);
    return source_open_http(src, &v->http[SIDE_DST], out->place->path, e);
}

int output_read_back(struct vhdstream *v, struct output *out,
                     struct tar_tail *tail, struct image **back, struct err *e)
{
    struct image_open_options opt = {
        .from = out->format,
        .size = -1,
        .tail = tail,
        .threads = v->opt.threads,
        .pool = v->pool,
        .exact = true,
        .notice = &v->notice,
        .halt = v->halt,
    };
    CLEANUP(source) struct source *src = NULL;
    struct pool_written disk;

    if (out->xapi) {
        disk = pool_output_written(out->xapi);
        return pool_read_back(v, &disk, back, e);
    }
    TRY(open_source(v, out, &src, e));
    /* The same network carries it again. */
    if (!out->held)
        src->rate = v->rate_out;
    TRY(check_length(out, src, e));
    if (src->size < 0 && out->format->pack == PACK_NONE)
        opt.size = (int64_t)out->enc->size;
    return image_open(&src, &opt, back, e);
}

/* --- comparing ------------------------------------------------------------*/

/* What was written, and what of it is read. */
struct reading {
    struct vhdstream *v;
    struct output *out;       /* or NULL: */
    struct pool_written disk; /* in a pool; of an output there, too */
    const struct hashing *h;
    uint64_t size;
    struct image *img;
    struct digest *digest;
    struct coverage *coverage; /* of a delta in a file: the sectors it has */
    struct tar_tail tail;
};

static int check_size(const struct image *img, uint64_t size, struct err *e)
{
    if (img->size >= size)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: what is read back is a disk of %" PRIu64
                   " bytes, but one of %" PRIu64 " was written",
                   img->name, img->size, size);
}

static int check_digest(const struct image *img, const struct leaf_hash *found,
                        const struct leaf_hash *wanted, struct err *e)
{
    char is[LEAF_HASH_TEXT_SIZE], was[LEAF_HASH_TEXT_SIZE];

    if (leaf_hash_equal(found, wanted))
        return 0;
    leaf_hash_format(found, is);
    leaf_hash_format(wanted, was);
    return err_set(e, ERR_CORRUPT,
                   "%s: what is read back is not what was written: its digest "
                   "is %s, expected %s",
                   img->name, is, was);
}

/* The image has got its digest with it, and nothing else. */
static int check_note(const struct reading *r, const struct leaf_hash *found,
                      struct err *e)
{
    const struct output *out = r->out;

    if (!out)
        return 0;
    if (r->tail.found != out->noted)
        return err_set(e, ERR_CORRUPT, "%s: what is read back has %s %s",
                       r->img->name, out->noted ? "lost its" : "got a",
                       TAR_TAIL_NAME);
    return digest_note_check(&r->tail, r->img, found, &r->v->notice, e);
}

static bool is_in_pool(const struct reading *r)
{
    return !r->out || r->out->xapi;
}

/* In a pool a delta lies over its base; in a file it is what was written. */
static int open_part(struct reading *r, struct err *e)
{
    if (is_in_pool(r))
        return pool_read_part(r->v, &r->disk, r->h->coverage, &r->img, e);
    TRY(output_read_back(r->v, r->out, &r->tail, &r->img, e));
    if (!r->img->has_parent)
        return err_set(e, ERR_CORRUPT,
                       "%s: what is read back is a whole disk, but a delta was "
                       "written",
                       r->img->name);
    return hashing_cover(r->v, &r->img, &r->coverage, e);
}

static int open_back(struct reading *r, struct err *e)
{
    if (r->h->coverage)
        return open_part(r, e);
    if (is_in_pool(r))
        return pool_read_back(r->v, &r->disk, &r->img, e);
    return output_read_back(r->v, r->out, &r->tail, &r->img, e);
}

/* A sector of zeros that was lost is another disk with the same digest. */
static int check_sectors(const struct reading *r, struct err *e)
{
    uint64_t at;

    if (!r->coverage ||
        coverage_same(r->coverage, r->h->coverage, r->img->size, &at))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "%s: what is read back has other sectors than were written, "
                   "the first at byte %" PRIu64,
                   r->img->name, at * SECTOR_SIZE);
}

static int read_back(struct reading *r, struct err *e)
{
    struct vhdstream *v = r->v;
    struct leaf_hash found;

    TRY(open_back(r, e));
    TRY(check_size(r->img, r->size, e));
    TRY(image_cut(&r->img, r->size, e));
    TRY(digest_prepare(&r->img, e));
    TRY(image_async(&r->img, v->opt.threads, e));
    TRY(digest_open(&r->digest, &r->img, v->pool, NULL, e));
    leaf_record_begin(r->h->record, r->img->name);
    digest_watch(r->digest, leaf_record_match, r->h->record);
    TRY(image_drain(r->img, &v->progress, &v->wait, e));
    TRY(digest_finish(r->digest, &found, e));
    TRY(check_digest(r->img, &found, &r->h->result, e));
    TRY(check_sectors(r, e));
    return check_note(r, &found, e);
}

static int read_once(const struct reading *how, struct err *e)
{
    struct cancel *halt = how->v->halt;
    struct reading r = *how;
    int code = read_back(&r, e);

    /* What reads ahead is not waited for. */
    if (code < 0)
        cancel_request(halt);
    image_close(r.img);
    digest_close(r.digest);
    coverage_close(r.coverage);
    if (code < 0)
        cancel_withdraw(halt);
    return code < 0 ? e->code : 0;
}

/* Only the way back is gone anew where that broke: what was written stands. */
static int read_in_tries(const struct reading *how, struct err *e)
{
    int code;

    while ((code = read_once(how, e)) < 0)
        if (e->code != ERR_TEMPORARY || retry_pause(&how->v->retry, e) < 0)
            break;
    return code < 0 ? e->code : 0;
}

int verify_copy(struct vhdstream *v, struct output *out,
                const struct hashing *h, uint64_t size, struct err *e)
{
    struct reading how = {.v = v, .out = out, .h = h, .size = size};
    int code;

    if (!v->verify)
        return 0;
    if (out->xapi)
        how.disk = pool_output_written(out->xapi);
    code = read_in_tries(&how, e);
    if (code < 0 && out->place->kind == PLACE_HTTP)
        err_append(e, "; the server still has what was sent");
    return code;
}

int verify_disk(struct vhdstream *v, const struct pool_written *disk,
                const struct hashing *h, uint64_t size, struct err *e)
{
    const struct reading how = {.v = v, .disk = *disk, .h = h, .size = size};

    return read_in_tries(&how, e);
}
