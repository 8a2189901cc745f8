/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/options.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/rate.h"
#include "base/retry.h"
#include "copy/option_value.h"
#include "copy/side_options.h"
#include "copy/time_span.h"
#include "image/vhd/vhd_chain.h"
#include "io/sink.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void options_init(struct options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    *o = (struct options){
        .jobs = JOBS_DEFAULT,
        .level = LEVEL_DEFAULT,
        .zstd_level = ZSTD_LEVEL_DEFAULT,
        .threads = cores < 1    ? 1
                   : cores > 64 ? 64
                                : (unsigned)cores,
        .timeout_s = TIMEOUT_DEFAULT,
        .retries = RETRIES_DEFAULT,
        .retry_delay_s = RETRY_DELAY_DEFAULT_S,
        .older_than_s = OLDER_THAN_DEFAULT,
        .memory = MEMORY_DEFAULT,
        .size = -1,
    };
}

void options_free(struct options *o)
{
    side_free(&o->src);
    side_free(&o->dst);
    for (unsigned i = 0; i < o->nparents; i++)
        free(o->parents[i]);
    free(o->parents);
    free(o->name_label);
    free(o->description);
    json_decref(o->other_config);
    free(o->base);
    free(o->blocks);
    free(o->undo);
    free(o->image);
    free(o->state);
    *o = (struct options){0};
}

/* --- the options, one function each --------------------------------------- */

typedef int setter(struct options *o, const char *name, const char *value,
                   struct err *e);

static int set_from(struct options *o, const char *name, const char *value,
                    struct err *e)
{
    return option_format(&o->from, name, value, e);
}

static int set_to(struct options *o, const char *name, const char *value,
                  struct err *e)
{
    return option_format(&o->to, name, value, e);
}

static int set_level(struct options *o, const char *name, const char *value,
                     struct err *e)
{
    if (!strcmp(value, "auto"))
        o->level = GZIP_LEVEL_AUTO;
    else if (value[0] >= '1' && value[0] <= '9' && !value[1])
        o->level = value[0] - '0';
    else
        return err_set(e, ERR_USAGE,
                       "--%s %s: expected a whole number from 1 to 9, or auto",
                       name, value);
    o->zstd_level = o->level;
    return 0;
}

static int set_threads(struct options *o, const char *name, const char *value,
                       struct err *e)
{
    uint64_t threads = 0;

    TRY(option_number(&threads, name, value, 0, POOL_MAX_THREADS, e));
    o->threads = (unsigned)threads;
    return 0;
}

static int set_jobs(struct options *o, const char *name, const char *value,
                    struct err *e)
{
    uint64_t jobs = 0;

    TRY(option_number(&jobs, name, value, 1, JOBS_MAX, e));
    o->jobs = (unsigned)jobs;
    return 0;
}

static int set_timeout(struct options *o, const char *name, const char *value,
                       struct err *e)
{
    uint64_t seconds = 0;

    TRY(option_number(&seconds, name, value, 1, 86400, e));
    o->timeout_s = (unsigned)seconds;
    return 0;
}

static int set_retries(struct options *o, const char *name, const char *value,
                       struct err *e)
{
    uint64_t retries = 0;

    TRY(option_number(&retries, name, value, 0, 1000000, e));
    o->retries = (unsigned)retries;
    return 0;
}

static int set_retry_delay(struct options *o, const char *name,
                           const char *value, struct err *e)
{
    uint64_t seconds = 0;

    TRY(option_number(&seconds, name, value, 0, 3600, e));
    o->retry_delay_s = (unsigned)seconds;
    return 0;
}

static int set_limit_rate(struct options *o, const char *name,
                          const char *value, struct err *e)
{
    if (rate_parse(value, &o->limit_rate))
        return 0;
    return err_set(e, ERR_USAGE,
                   "--%s %s: expected bytes a second, at least 1, as a whole "
                   "number with K, M, G or T behind it for powers of 1024",
                   name, value);
}

static int set_memory(struct options *o, const char *name, const char *value,
                      struct err *e)
{
    if (rate_parse(value, &o->memory))
        return 0;
    return err_set(e, ERR_USAGE,
                   "--%s %s: expected bytes, at least 1, as a whole number "
                   "with K, M, G or T behind it for powers of 1024",
                   name, value);
}

static int set_size(struct options *o, const char *name, const char *value,
                    struct err *e)
{
    uint64_t size = 0;

    TRY(option_number(&size, name, value, 1, INT64_MAX / 2, e));
    o->size = (int64_t)size;
    return 0;
}

static int set_size_from(struct options *o, const char *name, const char *value,
                         struct err *e)
{
    if (strcmp(value, "chs") != 0 && strcmp(value, "current") != 0)
        return err_set(e, ERR_USAGE,
                       "--%s %s: expected chs (the geometry) or current (the "
                       "footer's size, the default)",
                       name, value);
    o->size_from_chs = !strcmp(value, "chs");
    return 0;
}

/* Each one adds a name. */
static int set_parent(struct options *o, const char *name, const char *value,
                      struct err *e)
{
    (void)name;
    if (!o->parents)
        TRY(mem_alloc_array(&o->parents, CHAIN_DISKS_MAX, sizeof(char *),
                            "the names of parents", e));
    if (o->nparents == CHAIN_DISKS_MAX)
        return err_set(e, ERR_USAGE, "--parent: more than %d of them",
                       CHAIN_DISKS_MAX);
    TRY(mem_copy_text(&o->parents[o->nparents], value, e));
    o->nparents++;
    return 0;
}

static int set_image(struct options *o, const char *name, const char *value,
                     struct err *e)
{
    return option_file(&o->image, name, value, e);
}

static int set_blocks(struct options *o, const char *name, const char *value,
                      struct err *e)
{
    return option_file(&o->blocks, name, value, e);
}

static int set_name_label(struct options *o, const char *name,
                          const char *value, struct err *e)
{
    TRY(option_check_utf8(name, value, e));
    return option_text(&o->name_label, value, e);
}

static int set_description(struct options *o, const char *name,
                           const char *value, struct err *e)
{
    TRY(option_check_utf8(name, value, e));
    return option_text(&o->description, value, e);
}

/* Each one adds a key. Ours would be taken for the marks of a run. */
static int set_other_config(struct options *o, const char *name,
                            const char *value, struct err *e)
{
    const char *text = strchr(value, '=');
    FREE char *key = NULL;

    TRY(option_check_utf8(name, value, e));
    if (!text || text == value || !strncmp(value, "vhdstream:", 10))
        return err_set(e, ERR_USAGE,
                       "--%s %s: expected KEY=VALUE, where KEY does not begin "
                       "with vhdstream:",
                       name, value);
    if (!o->other_config)
        o->other_config = json_object();
    TRY(mem_copy_text(&key, value, e));
    key[text - value] = '\0';
    if (json_object_set_new(o->other_config, key, json_string(text + 1)) < 0)
        return err_set(e, ERR_NO_SPACE, "out of memory for --%s", name);
    return 0;
}

static int set_base(struct options *o, const char *name, const char *value,
                    struct err *e)
{
    if (!*value)
        return err_set(e, ERR_USAGE, "--%s: the name is empty", name);
    return option_text(&o->base, value, e);
}

static int set_state(struct options *o, const char *name, const char *value,
                     struct err *e)
{
    return option_file(&o->state, name, value, e);
}

static int set_undo(struct options *o, const char *name, const char *value,
                    struct err *e)
{
    (void)name;
    return option_text(&o->undo, value, e);
}

static int set_older_than(struct options *o, const char *name,
                          const char *value, struct err *e)
{
    if (!time_span_parse(value, &o->older_than_s))
        return err_set(e, ERR_USAGE,
                       "--%s %s: expected a time as 30m, 12h, 1d or 2w", name,
                       value);
    return 0;
}

struct option {
    const char *name;
    setter *set; /* NULL: a switch */
    size_t at;   /* of the switch in struct options */
};

#define SWITCH(field) offsetof(struct options, field)

static const struct option options[] = {
    {"any-member", .at = SWITCH(any_member)},
    {"azure", .at = SWITCH(azure)},
    {"base", .set = set_base},
    {"blocks", .set = set_blocks},
    {"chain", .at = SWITCH(chain)},
    {"description", .set = set_description},
    {"digest", .at = SWITCH(digest)},
    {"dry-run", .at = SWITCH(dry_run)},
    {"force", .at = SWITCH(force)},
    {"force-base", .at = SWITCH(force_base)},
    {"from", .set = set_from},
    {"image", .set = set_image},
    {"jobs", .set = set_jobs},
    {"keep-parent", .at = SWITCH(keep_parent)},
    {"level", .set = set_level},
    {"limit-rate", .set = set_limit_rate},
    {"memory", .set = set_memory},
    {"name-label", .set = set_name_label},
    {"older-than", .set = set_older_than},
    {"other-config", .set = set_other_config},
    {"parent", .set = set_parent},
    {"plain", .at = SWITCH(plain)},
    {"quick", .at = SWITCH(quick)},
    {"resume", .at = SWITCH(resume)},
    {"retries", .set = set_retries},
    {"retry-delay", .set = set_retry_delay},
    {"size", .set = set_size},
    {"size-from", .set = set_size_from},
    {"snapshot", .at = SWITCH(snapshot)},
    {"state", .set = set_state},
    {"stats", .at = SWITCH(stats)},
    {"threads", .set = set_threads},
    {"timeout", .set = set_timeout},
    {"to", .set = set_to},
    {"undo", .set = set_undo},
    {"verify", .at = SWITCH(verify)},
};

int options_set(struct options *o, const char *name, const char *value,
                struct err *e)
{
    int done;

    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        if (strcmp(options[i].name, name))
            continue;
        TRY(option_check_value(name, value, options[i].set != NULL, e));
        if (options[i].set)
            return options[i].set(o, name, value, e);
        *(bool *)((char *)o + options[i].at) = true;
        return 0;
    }
    done = side_options_set(o, name, value, e);
    TRY(done);
    return done ? 0 : err_set(e, ERR_USAGE, "--%s: no such option", name);
}
