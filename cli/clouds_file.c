/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "clouds_file.h"

#include "say.h"
#include "vhdstream.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    FILE_MAX = 1 << 20, /* bytes; more is no such file */
    MERGES_MAX = 8,     /* "<<" within "<<" */
    NO_FILE = -1,       /* beside the exit statuses */
};

/* A file, and the cloud in it. */
struct layer {
    yaml_document_t doc;
    bool loaded;
    yaml_node_t *cloud; /* NULL: it is not in there */
};

enum { SECURE, PLAIN, LAYERS };

struct clouds {
    struct layer layers[LAYERS];
};

/* --- nodes -----------------------------------------------------------------*/

static bool is_text(const yaml_node_t *node, const char *text)
{
    return node && node->type == YAML_SCALAR_NODE &&
           node->data.scalar.length == strlen(text) &&
           !memcmp(node->data.scalar.value, text, strlen(text));
}

static yaml_node_t *find_key(yaml_document_t *doc, const yaml_node_t *map,
                             const char *key, int depth);

/* In what "<<" names: a map, or several. */
static yaml_node_t *find_merged(yaml_document_t *doc, const yaml_node_t *from,
                                const char *key, int depth)
{
    yaml_node_t *found = NULL;

    if (!from || depth > MERGES_MAX)
        return NULL;
    if (from->type != YAML_SEQUENCE_NODE)
        return find_key(doc, from, key, depth);
    for (yaml_node_item_t *i = from->data.sequence.items.start;
         i < from->data.sequence.items.top && !found; i++)
        found = find_key(doc, yaml_document_get_node(doc, *i), key, depth);
    return found;
}

static yaml_node_t *find_key(yaml_document_t *doc, const yaml_node_t *map,
                             const char *key, int depth)
{
    yaml_node_t *merged = NULL;

    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         p < map->data.mapping.pairs.top; p++) {
        yaml_node_t *name = yaml_document_get_node(doc, p->key);

        if (is_text(name, key))
            return yaml_document_get_node(doc, p->value);
        if (is_text(name, "<<"))
            merged = yaml_document_get_node(doc, p->value);
    }
    return find_merged(doc, merged, key, depth + 1);
}

/* NULL also for null, and for a text with a NUL in it. */
static const char *text_of(const yaml_node_t *node)
{
    const char *text;

    if (!node || node->type != YAML_SCALAR_NODE)
        return NULL;
    text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length ||
        (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         (!strcmp(text, "~") || !strcmp(text, "null"))))
        return NULL;
    return text;
}

static const char *text_at(yaml_document_t *doc, const yaml_node_t *map,
                           const char *key)
{
    return text_of(find_key(doc, map, key, 0));
}

/* Of a list: a text, or a map with its name. */
static const char *first_name(yaml_document_t *doc, const yaml_node_t *list)
{
    yaml_node_t *first;

    if (!list || list->type != YAML_SEQUENCE_NODE ||
        list->data.sequence.items.start == list->data.sequence.items.top)
        return NULL;
    first = yaml_document_get_node(doc, *list->data.sequence.items.start);
    return first && first->type == YAML_MAPPING_NODE
               ? text_at(doc, first, "name")
               : text_of(first);
}

static void wipe(yaml_document_t *doc)
{
    for (yaml_node_t *n = doc->nodes.start; n < doc->nodes.top; n++)
        if (n->type == YAML_SCALAR_NODE)
            explicit_bzero(n->data.scalar.value, n->data.scalar.length);
}

/* --- files -----------------------------------------------------------------*/

static int load(struct layer *l, FILE *file, const char *path)
{
    yaml_parser_t parser;
    int loaded;

    if (!yaml_parser_initialize(&parser)) {
        say("out of memory for %s", path);
        return VHDSTREAM_NO_SPACE;
    }
    yaml_parser_set_input_file(&parser, file);
    loaded = yaml_parser_load(&parser, &l->doc);
    if (!loaded)
        say("%s: line %zu: no YAML: %s", path, parser.problem_mark.line + 1,
            parser.problem ? parser.problem : "it cannot be read");
    yaml_parser_delete(&parser);
    l->loaded = loaded;
    return loaded ? 0 : VHDSTREAM_USAGE;
}

/* 0, NO_FILE, or an exit status. */
static int open_file(struct layer *l, const char *path)
{
    FILE *file = fopen(path, "re");
    long size;
    int status;

    if (!file && (errno == ENOENT || errno == ENOTDIR))
        return NO_FILE;
    if (!file) {
        say("%s: %m", path);
        return VHDSTREAM_FAILED;
    }
    if (fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 ||
        size > FILE_MAX) {
        say("%s: no file of at most %d bytes", path, FILE_MAX);
        status = VHDSTREAM_USAGE;
    } else {
        rewind(file);
        status = load(l, file, path);
    }
    (void)fclose(file);
    return status;
}

/* The folder number `which`, with its slash; false: there is none. */
static bool folder(int which, char out[PATH_MAX])
{
    const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
    int len;

    if (which == 0)
        len = snprintf(out, PATH_MAX, "./");
    else if (which == 2)
        len = snprintf(out, PATH_MAX, "/etc/openstack/");
    else if (config && *config)
        len = snprintf(out, PATH_MAX, "%s/openstack/", config);
    else
        len =
            snprintf(out, PATH_MAX, "%s/.config/openstack/", home ? home : "");
    return len < PATH_MAX && (which != 1 || (config && *config) || home);
}

/* As open_file, the first that is there. */
static int find_file(struct layer *l, const char *variable, const char *name)
{
    static const char *const ends[] = {".yaml", ".yml", ".json"};
    const char *given = getenv(variable);
    char place[PATH_MAX], path[PATH_MAX + 16];

    if (given && *given)
        return open_file(l, given);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3 && folder(i, place); k++) {
            int status;

            (void)snprintf(path, sizeof(path), "%s%s%s", place, name, ends[k]);
            status = open_file(l, path);
            if (status != NO_FILE)
                return status;
        }
    return NO_FILE;
}

static void find_cloud(struct layer *l, const char *name)
{
    if (l->loaded)
        l->cloud =
            find_key(&l->doc,
                     find_key(&l->doc, yaml_document_get_root_node(&l->doc),
                              "clouds", 0),
                     name, 0);
}

static int open_layers(struct clouds *c, const char *name)
{
    int status =
        find_file(&c->layers[PLAIN], "OS_CLIENT_CONFIG_FILE", "clouds");

    if (status == NO_FILE) {
        say("no clouds.yaml with the cloud %s: neither in this folder nor in "
            "~/.config/openstack nor in /etc/openstack, and "
            "OS_CLIENT_CONFIG_FILE names none",
            name);
        return VHDSTREAM_NOT_FOUND;
    }
    if (!status)
        status =
            find_file(&c->layers[SECURE], "OS_CLIENT_SECURE_FILE", "secure");
    if (status && status != NO_FILE)
        return status;
    for (int i = 0; i < LAYERS; i++)
        find_cloud(&c->layers[i], name);
    if (c->layers[PLAIN].cloud)
        return 0;
    say("clouds.yaml: has no cloud %s", name);
    return VHDSTREAM_NOT_FOUND;
}

int clouds_open(struct clouds **out, const char *name)
{
    struct clouds *c = calloc(1, sizeof(*c));
    int status;

    if (!c) {
        say("out of memory for clouds.yaml");
        return VHDSTREAM_NO_SPACE;
    }
    status = open_layers(c, name);
    if (status) {
        clouds_close(c);
        return status;
    }
    *out = c;
    return 0;
}

const char *clouds_get(const struct clouds *c, const char *key)
{
    for (int i = 0; i < LAYERS; i++) {
        yaml_document_t *doc = (yaml_document_t *)&c->layers[i].doc;
        const yaml_node_t *cloud = c->layers[i].cloud;
        const char *text;

        if (!cloud)
            continue;
        text = text_at(doc, find_key(doc, cloud, "auth", 0), key);
        if (!text)
            text = text_at(doc, cloud, key);
        if (text)
            return text;
    }
    return NULL;
}

const char *clouds_first(const struct clouds *c, const char *key)
{
    for (int i = 0; i < LAYERS; i++) {
        yaml_document_t *doc = (yaml_document_t *)&c->layers[i].doc;
        const char *name =
            c->layers[i].cloud
                ? first_name(doc, find_key(doc, c->layers[i].cloud, key, 0))
                : NULL;

        if (name)
            return name;
    }
    return NULL;
}

void clouds_close(struct clouds *c)
{
    if (!c)
        return;
    for (int i = 0; i < LAYERS; i++)
        if (c->layers[i].loaded) {
            wipe(&c->layers[i].doc);
            yaml_document_delete(&c->layers[i].doc);
        }
    free(c);
}
