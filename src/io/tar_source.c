/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_source.h"

#include "base/checked.h"
#include "base/mem.h"
#include "io/tar_member.h"
#include "io/tar_tail.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEED_SIZE = 256 * 1024,
    HEADER_MAX = 2 * 1024 * 1024, /* of input, for one header or sparse map */
    MEMBERS_MAX = 10000,
    NOTICES_MAX = 10,
    END_SIZE = 2 * 512, /* the empty blocks that end an archive */
};

struct tar_source {
    struct source base;
    struct source *inner;
    struct archive *archive;
    const struct notice *notice;
    uint8_t *feed;       /* what libarchive reads from */
    size_t fed;          /* bytes in it */
    uint64_t budget;     /* input that it may still take in this call */
    struct err failure;  /* that stopped the feeding; code 0: none */
    const uint8_t *data; /* of the member, in libarchive's hands */
    size_t left;
    uint64_t hole;       /* zeros that come before data */
    bool begun;          /* of the member that is found next some was read */
    tar_judge_fn *judge; /* NULL: names alone count */
    unsigned members;
    unsigned notices;
    char found[256];                   /* names of members, for a message */
    struct tar_tail *tail;             /* the caller's, or NULL */
    bool apart;                        /* a member's end is not the archive's */
    struct tar_side *side;             /* the caller's, or NULL */
    char member[TAR_MEMBER_NAME_SIZE]; /* the one that is read */
};

/* --- libarchive's input ---------------------------------------------------*/

static la_ssize_t stop_feeding(struct archive *a)
{
    archive_set_error(a, EIO, "the archive could not be read");
    return -1;
}

/* Called by libarchive from within the calls below. */
static la_ssize_t feed_more(struct archive *a, void *arg, const void **buf)
{
    struct tar_source *t = arg;
    int64_t got;

    if (!t->budget) {
        err_set(&t->failure, ERR_UNSUPPORTED,
                "%s: the headers of a tar member have more than %d bytes, at "
                "byte %" PRIu64,
                t->inner->name, HEADER_MAX, t->inner->pos);
        return stop_feeding(a);
    }
    got = source_read(t->inner, t->feed, (size_t)min_u64(FEED_SIZE, t->budget),
                      &t->failure);
    if (got < 0)
        return stop_feeding(a);
    t->budget -= (uint64_t)got;
    t->fed = (size_t)got;
    *buf = t->feed;
    return (la_ssize_t)got;
}

/* Called by libarchive for what it would only throw away: members that are
 * passed over. It reads where this does nothing. */
static la_int64_t feed_past(struct archive *a, void *arg, la_int64_t len)
{
    struct tar_source *t = arg;

    (void)a;
    return (la_int64_t)source_pass(t->inner, (uint64_t)len);
}

/* Describes what a call of libarchive failed of. */
static int describe(const struct tar_source *t, struct err *e)
{
    const char *text = archive_error_string(t->archive);

    if (t->failure.code < 0) {
        if (e)
            *e = t->failure;
        return t->failure.code;
    }
    return err_set(
        e, archive_errno(t->archive) == ENOMEM ? ERR_NO_SPACE : ERR_CORRUPT,
        "%s: broken tar archive, before byte %" PRIu64 ": %s", t->inner->name,
        t->inner->pos, text ? text : "no reason");
}

/* --- members --------------------------------------------------------------*/

/* The next header: 1, or 0 at the end of the archive. */
static int next_header(struct tar_source *t, struct archive_entry **entry,
                       struct err *e)
{
    int result;

    t->budget = HEADER_MAX;
    result = archive_read_next_header(t->archive, entry);
    /* It does not mind when the second of the last two blocks cannot be read.
     */
    if (t->failure.code < 0)
        return describe(t, e);
    if (result == ARCHIVE_EOF)
        return 0;
    /* A warning is about what does not matter here: owners, odd names. */
    if (result < ARCHIVE_WARN)
        return describe(t, e);
    if (++t->members > MEMBERS_MAX)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: more than %d members in the tar archive",
                       t->inner->name, MEMBERS_MAX);
    return 1;
}

static int keep_side(struct tar_source *t, struct archive_entry *entry,
                     struct err *e)
{
    la_int64_t size = archive_entry_size(entry);
    la_ssize_t got;

    if (size < 0 || (uint64_t)size >= sizeof(t->side->text)) {
        notice_say(t->notice,
                   "%s: member %s has more than %zu bytes and is left out",
                   t->inner->name, t->side->name, sizeof(t->side->text) - 1);
        return 0;
    }
    t->budget = HEADER_MAX;
    got = archive_read_data(t->archive, t->side->text, (size_t)size);
    if (got < 0)
        return describe(t, e);
    t->side->len = (size_t)got;
    t->side->text[got] = '\0';
    return 0;
}

/* Passes a member over that is not a disk. */
static int skip_member(struct tar_source *t, struct archive_entry *entry,
                       struct err *e)
{
    char name[TAR_MEMBER_NAME_SIZE];

    tar_member_name(entry, name);
    tar_member_list(t->found, sizeof(t->found), name);
    if (t->side && !strcmp(name, t->side->name))
        return keep_side(t, entry, e);
    if (tar_member_is_worth_a_word(entry) && t->notices++ < NOTICES_MAX)
        notice_say(t->notice, "%s: member %s is not a disk and is left out",
                   t->inner->name, name);
    t->budget = UINT64_MAX;
    if (archive_read_data_skip(t->archive) < ARCHIVE_WARN)
        return describe(t, e);
    return 0;
}

/* What was read of it is there for who reads it. */
static int judge_head(struct tar_source *t, struct archive_entry *entry,
                      struct err *e)
{
    const void *data = NULL;
    la_int64_t at = 0;
    size_t len = 0;
    int result;

    t->budget = HEADER_MAX;
    result = archive_read_data_block(t->archive, &data, &len, &at);
    if (result < ARCHIVE_WARN)
        return describe(t, e);
    if (result == ARCHIVE_EOF || at ||
        (la_int64_t)len > archive_entry_size(entry) || !t->judge(data, len))
        return 0;
    t->data = data;
    t->left = len;
    t->hole = 0;
    t->begun = true;
    return 1;
}

static int is_disk(struct tar_source *t, struct archive_entry *entry,
                   struct err *e)
{
    char name[TAR_MEMBER_NAME_SIZE];

    if (tar_member_is_disk(entry))
        return 1;
    tar_member_name(entry, name);
    if (!t->judge || !tar_member_may_be_disk(entry) ||
        (t->side && !strcmp(name, t->side->name)))
        return 0;
    return judge_head(t, entry, e);
}

/* Goes on to the next disk: 1, or 0 when the archive has no more. */
static int next_disk(struct tar_source *t, struct archive_entry **entry,
                     struct err *e)
{
    int more;

    while ((more = next_header(t, entry, e)) > 0) {
        int found = is_disk(t, *entry, e);

        if (found)
            return found;
        TRY(skip_member(t, *entry, e));
    }
    return more;
}

/* --- the end of the archive -----------------------------------------------*/

/* libarchive takes the end of its input for the archive's, and one empty block
 * for two. */
static int check_end(const struct tar_source *t, struct err *e)
{
    int64_t begin = archive_read_header_position(t->archive);
    int64_t end = archive_filter_bytes(t->archive, 0);

    if (end - begin < END_SIZE)
        return err_set(e, ERR_CORRUPT,
                       "%s: the tar archive is cut at byte %" PRId64
                       ": the %d bytes that end it are missing",
                       t->inner->name, end, END_SIZE);
    return 0;
}

/* What libarchive was fed and did not look at, and the rest of the input. The
 * empty blocks were the last that it took, so that lies in one feed. */
static int read_tail(struct tar_source *t, struct err *e)
{
    struct tar_tail ignored;
    uint64_t end = (uint64_t)archive_filter_bytes(t->archive, 0);
    uint64_t rest = t->inner->pos - min_u64(end, t->inner->pos);

    if (rest > t->fed)
        return err_set(e, ERR_FAILED,
                       "%s: libarchive stands at byte %" PRIu64 " of %" PRIu64
                       ", further back than is known",
                       t->inner->name, end, t->inner->pos);
    return tar_tail_read(t->inner, t->feed + t->fed - rest, (size_t)rest,
                         t->feed, FEED_SIZE, t->tail ? t->tail : &ignored, e);
}

static int end_archive(struct tar_source *t, struct err *e)
{
    TRY(check_end(t, e));
    return read_tail(t, e);
}

static int end_at_member(struct tar_source *t, struct err *e)
{
    struct archive_entry *entry;
    char name[TAR_MEMBER_NAME_SIZE];
    int more = next_disk(t, &entry, e);

    TRY(more);
    if (!more)
        return end_archive(t, e);
    tar_member_name(entry, name);
    return err_set(e, ERR_UNSUPPORTED,
                   "%s is followed by another disk, %s; a chain of them "
                   "(0.vhd, 1.vhd, ...) is taken by copy into a pool or into "
                   "a raw or VHD file",
                   t->base.name, name);
}

/* --- the member's content -------------------------------------------------*/

/* Gets the next stretch of data, and the hole before it. */
static int next_data(struct tar_source *t, struct err *e)
{
    uint64_t size = (uint64_t)t->base.size;
    const void *data = NULL;
    size_t len = 0;
    la_int64_t at = 0;
    int result;

    t->budget = HEADER_MAX; /* a sparse map can come before the data */
    result = archive_read_data_block(t->archive, &data, &len, &at);
    if (result == ARCHIVE_EOF) {
        t->hole = size - t->base.pos;
        return 0;
    }
    if (result < ARCHIVE_WARN)
        return describe(t, e);
    if (at < 0 || (uint64_t)at < t->base.pos || (uint64_t)at > size ||
        len > size - (uint64_t)at)
        return err_set(
            e, ERR_CORRUPT,
            "%s: broken map of a sparse member: %zu bytes at %" PRId64
            " after %" PRIu64 " of %" PRIu64,
            t->base.name, len, (int64_t)at, t->base.pos, size);
    t->data = data;
    t->left = len;
    t->hole = (uint64_t)at - t->base.pos;
    return 0;
}

static int64_t tar_read(struct source *s, void *buf, size_t len, struct err *e)
{
    struct tar_source *t = (struct tar_source *)s;

    if (s->pos == (uint64_t)s->size)
        return t->apart ? 0 : end_at_member(t, e);
    while (!t->hole && !t->left)
        TRY(next_data(t, e));
    if (t->hole) {
        len = (size_t)min_u64(len, t->hole);
        memset(buf, 0, len);
        t->hole -= len;
        return (int64_t)len;
    }
    len = (size_t)min_u64(len, t->left);
    memcpy(buf, t->data, len);
    t->data += len;
    t->left -= len;
    return (int64_t)len;
}

/* --- opening and closing --------------------------------------------------*/

/* Frees all but the inner source. */
static void free_own(struct tar_source *t)
{
    archive_read_free(t->archive);
    free(t->feed);
    free(t);
}

static void close_all(struct tar_source *t)
{
    struct source *inner = t->inner;

    free_own(t);
    source_close(inner);
}

static void tar_close(struct source *s)
{
    struct tar_source *t = (struct tar_source *)s;

    if (!t->apart)
        close_all(t);
}

static const struct source_ops tar_ops = {
    .read = tar_read,
    .close = tar_close,
};

static int open_archive(struct tar_source *t, struct err *e)
{
    TRY(mem_alloc_buffer(&t->feed, FEED_SIZE, e));
    t->archive = archive_read_new();
    if (!t->archive)
        return err_set(e, ERR_NO_SPACE, "out of memory for a tar archive");
    t->budget = HEADER_MAX;
    if (archive_read_support_format_tar(t->archive) < ARCHIVE_WARN ||
        archive_read_open2(t->archive, t, NULL, feed_more, feed_past, NULL) <
            ARCHIVE_WARN)
        return describe(t, e);
    return 0;
}

static int no_disk(const struct tar_source *t, struct err *e)
{
    if (!t->members)
        return err_set(e, ERR_CORRUPT, "%s: the tar archive is empty",
                       t->inner->name);
    return err_set(e, ERR_CORRUPT,
                   "%s: no disk (.vhd, .raw, .img) in the tar archive, but "
                   "%s%s",
                   t->inner->name, t->found,
                   t->judge ? "" : "; --any-member takes a VHD of any name");
}

/* Stands on a disk. */
static int stand_on(struct tar_source *t, struct archive_entry *entry,
                    struct err *e)
{
    char name[NAME_SIZE];

    tar_member_name(entry, t->member);
    (void)snprintf(name, sizeof(name), "%.370s: %s", t->inner->name, t->member);
    if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
        return err_set(e, ERR_CORRUPT, "%s: has no size", name);
    t->base = (struct source){0};
    if (!t->begun)
        t->left = t->hole = 0;
    t->begun = false;
    source_init(&t->base, &tar_ops, name, archive_entry_size(entry));
    return 0;
}

static int find_disk(struct tar_source *t, struct err *e)
{
    struct archive_entry *entry;
    int more = next_disk(t, &entry, e);

    TRY(more);
    return more ? stand_on(t, entry, e) : no_disk(t, e);
}

int source_untar(struct source **s, tar_judge_fn *judge, const struct notice *n,
                 struct tar_tail *tail, struct err *e)
{
    struct tar_source *t = NULL;
    int code;

    TRY(mem_alloc(&t, sizeof(*t), "a source", e));
    t->inner = *s;
    t->judge = judge;
    t->notice = n;
    t->tail = tail;
    if (tail)
        *tail = (struct tar_tail){.archive = true};
    code = open_archive(t, e);
    if (code == 0)
        code = find_disk(t, e);
    if (code < 0) {
        free_own(t);
        return code;
    }
    *s = &t->base;
    return 0;
}

/* --- member by member -----------------------------------------------------*/

void tar_source_apart(struct source *s)
{
    ((struct tar_source *)s)->apart = true;
}

/* What its user has left of a member is no part of the next one's headers. */
static int skip_rest(struct tar_source *t, struct err *e)
{
    t->left = 0;
    t->hole = 0;
    t->budget = UINT64_MAX;
    if (archive_read_data_skip(t->archive) < ARCHIVE_WARN)
        return describe(t, e);
    return 0;
}

int tar_source_next(struct source *s, struct err *e)
{
    struct tar_source *t = (struct tar_source *)s;
    struct archive_entry *entry;
    int more;

    TRY(skip_rest(t, e));
    more = next_disk(t, &entry, e);
    TRY(more);
    if (!more)
        return end_archive(t, e);
    TRY(stand_on(t, entry, e));
    return 1;
}

const char *tar_source_member(const struct source *s)
{
    const char *name = ((const struct tar_source *)s)->member;
    const char *slash = strrchr(name, '/');

    return slash ? slash + 1 : name;
}

const char *tar_source_archive(const struct source *s)
{
    return ((const struct tar_source *)s)->inner->name;
}

void tar_source_keep(struct source *s, struct tar_side *side)
{
    ((struct tar_source *)s)->side = side;
}

void tar_source_end(struct source *s)
{
    if (s)
        close_all((struct tar_source *)s);
}
