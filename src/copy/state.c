/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/state.h"

#include "base/mem.h"
#include "io/sink.h"
#include "io/source.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    VERSION = 1,
    STATE_MAX = 64 * 1024, /* bytes; ten times what is ever written */
    SHAPE_TEXT_SIZE = 2 * IMAGE_SHAPE_SIZE + 1,
};

/* --- writing ---------------------------------------------------------------*/

static void shape_format(const struct image_shape *shape,
                         char out[SHAPE_TEXT_SIZE])
{
    for (int i = 0; i < IMAGE_SHAPE_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", shape->sum[i]);
}

static char *state_text(const struct state *st)
{
    char shape[SHAPE_TEXT_SIZE];
    json_t *object;
    char *text = NULL;

    shape_format(&st->shape, shape);
    object = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "vhdstream_state",
        VERSION, "destination", st->destination, "vdi", st->vdi, "base",
        st->base, "run", st->run, "task", st->task, "map", shape, "blocks",
        (json_int_t)st->rest.blocks, "holes", (json_int_t)st->rest.holes);
    if (object)
        text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    return text;
}

int state_write(const struct state *st, const char *path,
                const struct wait *wait, struct err *e)
{
    CLEANUP(sink) struct sink *s = NULL;
    FREE char *text = state_text(st);

    if (!text)
        return err_set(e, ERR_NO_SPACE, "out of memory: a state");
    TRY(sink_open_file(&s, path, true, wait, e));
    TRY(sink_write(s, text, strlen(text), e));
    TRY(sink_write(s, "\n", 1, e));
    return sink_finish(s, e);
}

/* --- reading ---------------------------------------------------------------*/

static bool shape_parse(const char *text, struct image_shape *out)
{
    /* sscanf alone would take blanks and signs for digits. */
    if (strlen(text) != SHAPE_TEXT_SIZE - 1 ||
        strspn(text, "0123456789abcdef") != SHAPE_TEXT_SIZE - 1)
        return false;
    for (int i = 0; i < IMAGE_SHAPE_SIZE; i++) {
        unsigned byte;

        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return false;
        out->sum[i] = (uint8_t)byte;
    }
    return true;
}

static bool take_text(char *out, size_t size, const char *value)
{
    return (size_t)snprintf(out, size, "%s", value) < size;
}

static bool state_parse(const json_t *object, struct state *out)
{
    const char *destination, *vdi, *run, *task, *map;
    const char *base = ""; /* of a whole disk there may be none */
    json_int_t blocks, holes;
    int version;

    if (json_unpack((json_t *)object,
                    "{s:i, s:s, s:s, s?s, s:s, s:s, s:s, s:I, s:I}",
                    "vhdstream_state", &version, "destination", &destination,
                    "vdi", &vdi, "base", &base, "run", &run, "task", &task,
                    "map", &map, "blocks", &blocks, "holes", &holes) < 0)
        return false;
    if (version != VERSION || blocks < 0 || blocks > BLOCKS_MAX || holes < 0 ||
        !shape_parse(map, &out->shape))
        return false;
    out->rest.blocks = (uint32_t)blocks;
    out->rest.holes = (uint64_t)holes;
    return take_text(out->destination, sizeof(out->destination), destination) &&
           take_text(out->vdi, sizeof(out->vdi), vdi) &&
           take_text(out->base, sizeof(out->base), base) &&
           take_text(out->run, sizeof(out->run), run) &&
           take_text(out->task, sizeof(out->task), task);
}

static int read_text(char text[STATE_MAX], const char *path, size_t *len,
                     const struct wait *wait, struct err *e)
{
    CLEANUP(source) struct source *src = NULL;
    int64_t got;

    TRY(source_open_file(&src, path, wait, e));
    *len = 0;
    while (*len < STATE_MAX) {
        got = source_read(src, text + *len, STATE_MAX - *len, e);
        TRY(got);
        if (!got)
            break;
        *len += (size_t)got;
    }
    return 0;
}

int state_read(struct state *out, const char *path, const struct wait *wait,
               struct err *e)
{
    FREE char *text = NULL;
    struct state st = {0};
    json_t *object;
    size_t len;
    bool sound;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    TRY(mem_alloc(&text, STATE_MAX, "a state", e));
    TRY(read_text(text, path, &len, wait, e));
    object = json_loadb(text, len, 0, NULL);
    sound = object && state_parse(object, &st);
    json_decref(object);
    if (!sound)
        return err_set(e, ERR_CORRUPT,
                       "%s: not the state of a transfer, as --state writes it",
                       path);
    *out = st;
    return 1;
}

int state_remove(const char *path, struct err *e)
{
    if (!unlink(path) || errno == ENOENT)
        return 0;
    return err_errno(e, errno, "%s: cannot be removed", path);
}
