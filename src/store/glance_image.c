/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/glance_inner.h"

#include "base/mem.h"
#include "store/store_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMESAKES_SHOWN = 4 };

static const char digest_key[] = "vhdstream_digest";
static const char size_key[] = "vhdstream_size";
static const char plain_type[] = "application/json";
static const char patch_type[] = "application/openstack-images-v2.1-json-patch";

/* --- records ---------------------------------------------------------------*/

static int read_sums(const json_t *o, const char *name,
                     struct glance_image *img, struct err *e)
{
    TRY(store_json_text(o, "checksum", name, img->checksum,
                        sizeof(img->checksum), e));
    TRY(store_json_text(o, "os_hash_algo", name, img->hash_algo,
                        sizeof(img->hash_algo), e));
    return store_json_text(o, "os_hash_value", name, img->hash_value,
                           sizeof(img->hash_value), e);
}

static int read_image(const json_t *o, const char *name,
                      struct glance_image *out, struct err *e)
{
    struct glance_image img = {0};

    TRY(store_json_text(o, "id", name, img.id, sizeof(img.id), e));
    if (!uuid_is(img.id))
        return err_set(e, ERR_CORRUPT, "%s: the answer has no image's id",
                       name);
    TRY(store_json_label(o, "name", name, img.label, sizeof(img.label), e));
    TRY(store_json_text(o, "status", name, img.status, sizeof(img.status), e));
    TRY(store_json_text(o, "disk_format", name, img.disk_format,
                        sizeof(img.disk_format), e));
    TRY(store_json_text(o, "container_format", name, img.container_format,
                        sizeof(img.container_format), e));
    TRY(store_json_size(o, "size", name, &img.size, e));
    TRY(store_json_label(o, digest_key, name, img.digest, sizeof(img.digest),
                         e));
    TRY(read_sums(o, name, &img, e));
    *out = img;
    return 0;
}

int glance_image_parse(const char *answer, const char *name,
                       struct glance_image *out, struct err *e)
{
    CLEANUP(store_json) json_t *root = NULL;

    TRY(store_json_load(&root, answer, name, e));
    return read_image(root, name, out, e);
}

void glance_image_path(const char *id, char path[GLANCE_PATH_SIZE])
{
    (void)snprintf(path, GLANCE_PATH_SIZE, "/images/%s", id);
}

/* 1: found; 0: there is none, as *reply says. */
static int try_id(struct glance *g, const char *id, struct glance_image *out,
                  struct http_reply *reply, struct err *e)
{
    FREE char *answer = NULL;
    char path[GLANCE_PATH_SIZE];
    const struct glance_call call = {"GET", path, NULL, NULL};
    int found;

    glance_image_path(id, path);
    found = glance_do_if_there(g, &call, &answer, reply, e);
    if (found <= 0)
        return found;
    TRY(glance_image_parse(answer, glance_name(g), out, e));
    if (strcasecmp(out->id, id) != 0)
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer has another image's record, %s",
                       glance_name(g), out->id);
    return 1;
}

static int not_there(const struct glance *g, const char *ref, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "%s: Glance has no image '%s'",
                   glance_name(g), ref);
}

/* Any server has a 404; what it says tells whether this is a Glance. */
int glance_get(struct glance *g, const char *id, struct glance_image *out,
               struct err *e)
{
    struct http_reply reply;
    int found = try_id(g, id, out, &reply, e);

    TRY(found);
    if (found)
        return 0;
    (void)not_there(g, id, e);
    if (*reply.note)
        err_append(e, "; the server says: %s", reply.note);
    glance_hide(g, e);
    return ERR_NOT_FOUND;
}

/* --- names -----------------------------------------------------------------*/

static char *put_code(char *p, char c)
{
    return p + snprintf(p, 4, "%%%02X", (unsigned)(unsigned char)c);
}

static char *put_codes(char *p, const char *text)
{
    while (*text)
        p = put_code(p, *text++);
    return p;
}

/* The query for a name, percent-encoded. What begins as a list does is taken
 * for one, of which it is in quotes the only name. (Glance takes no quotes out
 * of their escapes, so a name of this kind that has some is not found.) */
static int name_path(const char *label, char **out, struct err *e)
{
    char *code = NULL, *p;
    int result;

    TRY(mem_alloc(&code, strlen(label) * 3 + 16, "a name", e));
    p = code;
    if (!strncmp(label, "in:", 3))
        (void)put_codes(put_codes(put_codes(p, "in:\""), label), "\"");
    else
        (void)put_codes(p, label);
    result = mem_format(out, e, "/images?limit=25&name=%s", code);
    mem_cleanup(&code);
    return result;
}

static int several(const struct glance *g, const json_t *list,
                   const char *label, struct err *e)
{
    const json_t *image;
    size_t i, shown = 0;

    err_set(e, ERR_USAGE,
            "%s: several images are named '%s'; say which by its "
            "id:",
            glance_name(g), label);
    json_array_foreach(list, i, image)
    {
        struct glance_image img;

        if (read_image(image, glance_name(g), &img, NULL) < 0 ||
            strcmp(img.label, label) != 0)
            continue;
        if (shown++ == NAMESAKES_SHOWN) {
            err_append(e, " ...");
            break;
        }
        err_append(e, " %s", img.id);
    }
    return ERR_USAGE;
}

static int find_name(struct glance *g, const char *label,
                     struct glance_image *out, struct err *e)
{
    CLEANUP(store_json) json_t *root = NULL;
    FREE char *path = NULL;
    FREE char *answer = NULL;
    struct glance_call call = {"GET", NULL, NULL, NULL};
    const json_t *list, *image;
    size_t i, found = 0;

    TRY(name_path(label, &path, e));
    call.path = path;
    TRY(glance_do(g, &call, &answer, e));
    TRY(store_json_load(&root, answer, glance_name(g), e));
    list = json_object_get(root, "images");
    if (!json_is_array(list))
        return err_set(e, ERR_CORRUPT, "%s: the answer has no list of images",
                       glance_name(g));
    json_array_foreach(list, i, image)
    {
        struct glance_image img;

        TRY(read_image(image, glance_name(g), &img, e));
        if (strcmp(img.label, label) != 0)
            continue;
        *out = img;
        if (++found > 1)
            return several(g, list, label, e);
    }
    return found ? 0 : not_there(g, label, e);
}

int glance_find(struct glance *g, const char *ref, struct glance_image *out,
                struct err *e)
{
    if (uuid_is(ref)) {
        struct http_reply reply;
        int found = try_id(g, ref, out, &reply, e);

        TRY(found);
        if (found)
            return 0;
    }
    return find_name(g, ref, out, e);
}

/* --- changes ---------------------------------------------------------------*/

static json_t *new_image(const struct glance_new *how, const char *id)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s}", "id", id, "disk_format", how->disk_format,
                  "container_format", how->container_format);
    char size[24];

    (void)snprintf(size, sizeof(size), "%" PRIu64, how->virtual_size);
    json_object_set_new(o, size_key, json_string(size));
    if (how->label && *how->label)
        json_object_set_new(o, "name", json_string(how->label));
    if (how->description && *how->description)
        json_object_set_new(o, "description", json_string(how->description));
    return o;
}

static int send_json(struct glance *g, const char *method, const char *path,
                     const char *type, json_t *value, char **answer,
                     struct err *e)
{
    FREE char *body = NULL;
    struct glance_call call = {method, path, type, NULL};

    TRY(store_json_request(&body, value, e));
    call.body = body;
    return glance_do(g, &call, answer, e);
}

/* Whether a failed call may have been carried out all the same. */
static bool is_open(int code)
{
    return code == ERR_TEMPORARY || code == ERR_CORRUPT ||
           code == ERR_CANCELLED;
}

/* The id is ours, so that the record can be found although no answer came. */
int glance_create(struct glance *g, const struct glance_new *how,
                  struct glance_image *out, struct err *e)
{
    FREE char *answer = NULL;
    char id[UUID_TEXT_SIZE];
    struct uuid u;
    int code;

    TRY(uuid_make(&u, e));
    uuid_format(&u, id);
    code = send_json(g, "POST", "/images", plain_type, new_image(how, id),
                     &answer, e);
    if (code >= 0)
        code = glance_image_parse(answer, glance_name(g), out, e);
    if (code >= 0 && strcmp(out->id, id) != 0)
        code = err_set(e, ERR_CORRUPT,
                       "%s: the answer has another image's record, %s",
                       glance_name(g), out->id);
    if (is_open(code) && http_client_was_sent(g->client))
        glance_remove(g, id, e);
    return code < 0 ? e->code : 0;
}

static json_t *set_property(const char *key, const char *value)
{
    char path[GLANCE_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "/%s", key);
    return json_pack("{s:s, s:s, s:s}", "op", "add", "path", path, "value",
                     value);
}

static int patch(struct glance *g, const char *id, json_t *changes,
                 struct err *e)
{
    FREE char *answer = NULL;
    char path[GLANCE_PATH_SIZE];

    glance_image_path(id, path);
    return send_json(g, "PATCH", path, patch_type, changes, &answer, e);
}

int glance_set_formats(struct glance *g, const char *id,
                       const char *disk_format, const char *container_format,
                       struct err *e)
{
    return patch(g, id,
                 json_pack("[o, o]", set_property("disk_format", disk_format),
                           set_property("container_format", container_format)),
                 e);
}

int glance_note_digest(struct glance *g, const char *id, const char *digest,
                       struct err *e)
{
    return patch(g, id, json_pack("[o]", set_property(digest_key, digest)), e);
}
