/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/links/links_note.h"

#include "base/json_text.h"
#include "base/mem.h"
#include "base/text.h"
#include "xapi/xapi_json.h"

#include <stdio.h>
#include <string.h>

enum {
    VERSION = 1,
    MEMBER_SIZE = 32,
    DEPTH_MAX = 8,
    VALUES_MAX = 16 * 1024, /* a few of each disk */
};

static json_t *describe(const struct link *link, unsigned i)
{
    char member[MEMBER_SIZE], uuid[UUID_TEXT_SIZE];
    json_t *object;

    (void)snprintf(member, sizeof(member), "%u.vhd", i);
    uuid_format(&link->uuid, uuid);
    object = json_pack("{s:s, s:s}", "member", member, "uuid", uuid);
    if (link->has_label)
        json_object_set_new(object, "name_label", json_string(link->label));
    return object;
}

int links_note_make(char **out, const struct link *links, unsigned count,
                    struct err *e)
{
    CLEANUP(json) json_t *root = json_object();
    json_t *disks = json_array();

    json_object_set_new(root, "version", json_integer(VERSION));
    json_object_set_new(root, "disks", disks);
    for (unsigned i = 0; i < count; i++)
        if (json_array_append_new(disks, describe(&links[i], i)) < 0)
            return err_set(e, ERR_NO_SPACE, "out of memory for %s",
                           TAR_CHAIN_NOTE);
    *out = json_dumps(root, JSON_INDENT(2));
    return *out ? 0
                : err_set(e, ERR_NO_SPACE, "out of memory for %s",
                          TAR_CHAIN_NOTE);
}

static void take_label(const json_t *disk, struct link *links, unsigned count)
{
    const char *uuid = json_string_value(json_object_get(disk, "uuid"));
    const char *label = json_string_value(json_object_get(disk, "name_label"));
    struct uuid u;

    if (!uuid || !label || !uuid_parse(uuid, &u))
        return;
    for (unsigned i = 0; i < count; i++)
        if (uuid_equal(&links[i].uuid, &u)) {
            text_copy_cut(links[i].label, sizeof(links[i].label), label);
            links[i].has_label = true;
        }
}

int links_note_read(const struct tar_side *note, const char *name,
                    struct link *links, unsigned count, struct err *e)
{
    CLEANUP(json) json_t *root = NULL;
    const json_t *disks;

    if (!note->len)
        return 0;
    if (json_text_is_bounded(note->text, DEPTH_MAX, VALUES_MAX))
        root = json_loads(note->text, 0, NULL);
    disks = json_object_get(root, "disks");
    if (!json_is_array(disks))
        return err_set(e, ERR_CORRUPT, "%s: its %s is broken", name,
                       TAR_CHAIN_NOTE);
    if (json_integer_value(json_object_get(root, "version")) != VERSION)
        return 0;
    for (size_t i = 0; i < json_array_size(disks); i++)
        take_label(json_array_get(disks, i), links, count);
    return 0;
}
