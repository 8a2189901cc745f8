/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_marks.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char program_name[] = "vhdstream ";

const char *const xapi_mark_keys[] = {
    XAPI_MARK_RUN,       XAPI_MARK_DISK,
    XAPI_MARK_KIND,      XAPI_MARK_PROGRAM,
    XAPI_MARK_HOST,      XAPI_MARK_START,
    XAPI_MARK_HEARTBEAT, XAPI_MARK_HEARTBEAT2,
    XAPI_MARK_STATE,     NULL,
};

static const char *const making_names[] = {
    [XAPI_MADE_DISK] = "disk",
    [XAPI_MADE_SNAPSHOT] = "snapshot",
    [XAPI_MADE_TASK] = "task",
};

enum { MAKINGS = sizeof(making_names) / sizeof(making_names[0]) };

const char *xapi_making_name(enum xapi_making kind)
{
    return making_names[kind];
}

json_t *xapi_marks(const struct xapi *x, enum xapi_making kind,
                   const char *disk, int64_t now)
{
    char host[64] = "";
    char start[XAPI_TIME_SIZE];

    if (gethostname(host, sizeof(host) - 1) || !*host ||
        !text_is_utf8(host, strlen(host)))
        (void)snprintf(host, sizeof(host), "unknown");
    xapi_time_format(now, start);
    return json_pack("{s:s, s:s*, s:s, s:s, s:s, s:s, s:s}", XAPI_MARK_RUN,
                     xapi_run(x), XAPI_MARK_DISK, disk, XAPI_MARK_KIND,
                     making_names[kind], XAPI_MARK_PROGRAM,
                     "vhdstream " VHDSTREAM_VERSION, XAPI_MARK_HOST, host,
                     XAPI_MARK_START, start, XAPI_MARK_HEARTBEAT, start);
}

/* --- reading them ----------------------------------------------------------*/

bool xapi_marks_are_in(const json_t *config)
{
    return json_object_get(config, XAPI_MARK_RUN) != NULL;
}

static bool read_uuid(const json_t *config, const char *key,
                      char out[UUID_TEXT_SIZE])
{
    const char *text = xapi_json_in_map(config, key);

    if (!uuid_is(text))
        return false;
    memcpy(out, text, UUID_TEXT_SIZE);
    return true;
}

static bool read_kind(const json_t *config, enum xapi_making *out)
{
    const char *text = xapi_json_in_map(config, XAPI_MARK_KIND);

    for (int i = 0; i < MAKINGS; i++) {
        if (!strcmp(text, making_names[i])) {
            *out = (enum xapi_making)i;
            return true;
        }
    }
    return false;
}

/* "vhdstream 0.1.0", "vhdstream 1.2~rc1". */
static bool is_program(const char *text)
{
    size_t len = sizeof(program_name) - 1;

    if (strncmp(text, program_name, len) || !isdigit((unsigned char)text[len]))
        return false;
    for (text += len; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(".+~-", *text))
            return false;
    return true;
}

static bool read_time(const json_t *config, const char *key, int64_t *out)
{
    return xapi_time_parse(xapi_json_in_map(config, key), out);
}

/* The later of the two; false: one of them is no time. */
static bool read_heartbeat(const json_t *config, int64_t *out)
{
    static const char *const keys[] = {XAPI_MARK_HEARTBEAT,
                                       XAPI_MARK_HEARTBEAT2};

    for (int i = 0; i < 2; i++) {
        int64_t found;

        if (!json_object_get(config, keys[i]))
            continue;
        if (!read_time(config, keys[i], &found))
            return false;
        if (found > *out)
            *out = found;
    }
    return true;
}

bool xapi_marks_read(struct xapi_maker *out, const json_t *config,
                     const char **flaw)
{
    bool has_run, has_disk, has_kind, has_start, has_beat;

    *out = (struct xapi_maker){0};
    has_run = read_uuid(config, XAPI_MARK_RUN, out->run);
    has_disk = read_uuid(config, XAPI_MARK_DISK, out->disk);
    has_kind = read_kind(config, &out->kind);
    text_copy_cut(out->program, sizeof(out->program),
                  xapi_json_in_map(config, XAPI_MARK_PROGRAM));
    text_copy_cut(out->host, sizeof(out->host),
                  xapi_json_in_map(config, XAPI_MARK_HOST));
    text_copy_cut(out->state, sizeof(out->state),
                  xapi_json_in_map(config, XAPI_MARK_STATE));
    has_start = read_time(config, XAPI_MARK_START, &out->start);
    out->heartbeat = out->start;
    has_beat = read_heartbeat(config, &out->heartbeat);
    *flaw = !has_run    ? XAPI_MARK_RUN " is no uuid"
            : !has_kind ? XAPI_MARK_KIND " says no kind that there is"
            : !has_disk && out->kind != XAPI_MADE_TASK ? XAPI_MARK_DISK
                " is no uuid"
            : !is_program(out->program) ? XAPI_MARK_PROGRAM
                " names no version of vhdstream"
            : !*out->host ? XAPI_MARK_HOST " is empty"
            : !has_start  ? XAPI_MARK_START " is no time"
            : !has_beat   ? XAPI_MARK_HEARTBEAT " is no time"
                          : NULL;
    return !*flaw;
}
