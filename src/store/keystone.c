/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/keystone.h"

#include "base/mem.h"
#include "store/store_json.h"

#include <stdio.h>
#include <string.h>

/* --- the catalogue ---------------------------------------------------------*/

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* "public", and as the second version of the API had it, "publicURL". */
static bool is_interface(const char *found, const char *wanted)
{
    size_t len = strlen(wanted);

    if (len > 3 && !strcmp(wanted + len - 3, "URL"))
        len -= 3;
    return strlen(found) == len && !strncmp(found, wanted, len);
}

static bool is_wanted(const json_t *endpoint, const struct cloud *c)
{
    const char *interface = c->value[CLOUD_INTERFACE];
    const char *region = c->value[CLOUD_REGION_NAME];

    if (!is_interface(text_of(endpoint, "interface"),
                      interface ? interface : "public"))
        return false;
    return !region || !strcmp(text_of(endpoint, "region_id"), region) ||
           !strcmp(text_of(endpoint, "region"), region);
}

static const char *find_endpoint(const json_t *catalogue, const struct cloud *c)
{
    const json_t *service, *endpoint;
    size_t i, k;

    json_array_foreach(catalogue, i, service)
    {
        if (strcmp(text_of(service, "type"), "image") != 0)
            continue;
        json_array_foreach(
            json_object_get(service, "endpoints"), k,
            endpoint) if (is_wanted(endpoint, c)) return text_of(endpoint,
                                                                 "url");
    }
    return NULL;
}

int keystone_find_image(const char *answer, const struct cloud *c,
                        const char *name, char url[KEYSTONE_URL_SIZE],
                        struct err *e)
{
    CLEANUP(store_json) json_t *root = NULL;
    const char *interface = c->value[CLOUD_INTERFACE];
    const char *region = c->value[CLOUD_REGION_NAME];
    const json_t *catalogue;
    const char *found;

    TRY(store_json_load(&root, answer, name, e));
    catalogue = json_object_get(json_object_get(root, "token"), "catalog");
    found = find_endpoint(catalogue, c);
    if (!found)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: the catalogue has no image service (interface %s, "
                       "%s%s)%s",
                       name, interface ? interface : "public",
                       region ? "region " : "any region", region ? region : "",
                       catalogue ? ""
                                 : "; a token without a project has none: "
                                   "OS_PROJECT_NAME");
    if (strlen(found) >= KEYSTONE_URL_SIZE)
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer has a URL of more than %d bytes", name,
                       KEYSTONE_URL_SIZE - 1);
    (void)snprintf(url, KEYSTONE_URL_SIZE, "%s", found);
    return 0;
}

/* --- the login -------------------------------------------------------------*/

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len >= n && !memcmp(text + len - n, end, n);
}

/* OS_AUTH_URL may end in the version of the API, or not. */
static int login_url(const char *auth_url, char **out, struct err *e)
{
    size_t len = strlen(auth_url);

    while (len && auth_url[len - 1] == '/')
        len--;
    if (ends_with(auth_url, len, "/v2.0"))
        return err_set(e, ERR_USAGE,
                       "OS_AUTH_URL ends in /v2.0, but only version 3 of "
                       "Keystone's API is spoken");
    if (ends_with(auth_url, len, "/v3"))
        len -= 3;
    return mem_format(out, e, "%.*s/v3/auth/tokens", (int)len, auth_url);
}

static int check_address(const char *url, const char *name, bool tls_only,
                         struct err *e)
{
    bool tls = !strncmp(url, "https://", 8);

    if (!tls && strncmp(url, "http://", 7) != 0)
        return err_set(e, ERR_USAGE,
                       "OS_AUTH_URL is no address of Keystone: expected "
                       "https://HOST[:PORT]/...");
    if (tls || !tls_only)
        return 0;
    return err_set(e, ERR_USAGE,
                   "%s: credentials would go there in cleartext; with "
                   "glance+http:// they do",
                   name);
}

/* Keystone finds no token that has ended or was taken back: its own 404, which
 * a wrong address does not have. */
static bool token_is_gone(const struct http_reply *reply, enum keystone_way way)
{
    return way == KEYSTONE_TOKEN && reply->status == 404 &&
           !strncmp(reply->note, "{\"error\"", 8);
}

static int check_answer(struct http_reply *reply, const struct cloud *c,
                        enum keystone_way way, const char *name, struct err *e)
{
    bool gone = token_is_gone(reply, way);
    int code;

    cloud_withhold(c, reply->note);
    code = http_reply_check(reply, name, e);
    if (reply->status == 401)
        err_append(e, "; Keystone does not know these credentials");
    if (!gone)
        return code;
    err_append(e, "; Keystone does not know the token of OS_TOKEN (any more)");
    return e->code = ERR_AUTH;
}

static int keep_token(struct http_client *client, const char *name, char **out,
                      struct err *e)
{
    char token[KEYSTONE_TOKEN_SIZE];
    int code;

    if (!http_client_header(client, "X-Subject-Token", token, sizeof(token)) ||
        !*token)
        return err_set(e, ERR_CORRUPT,
                       "%s: the answer has no token of at most %d bytes", name,
                       KEYSTONE_TOKEN_SIZE - 1);
    code = mem_copy_text(out, token, e);
    explicit_bzero(token, sizeof(token));
    return code;
}

static int ask_keystone(struct http_client *client, const char *url,
                        const char *name, const char *body,
                        const struct cloud *c, enum keystone_way way,
                        char **answer, struct err *e)
{
    const struct http_call call = {
        .method = "POST",
        .url = url,
        .name = name,
        .type = "application/json",
        .body = body,
        .len = strlen(body),
        .max = STORE_ANSWER_MAX,
    };
    struct http_reply reply;

    TRY(http_client_call(client, &call, answer, &reply, e));
    return check_answer(&reply, c, way, name, e);
}

int keystone_login(struct http_client *client, const struct cloud *c,
                   enum keystone_way way, bool asks_catalogue, bool tls_only,
                   struct keystone_grant *out, struct err *e)
{
    struct keystone_grant grant = {0};
    FREE char *url = NULL;
    FREE char *answer = NULL;
    char name[NAME_SIZE];
    char *body = NULL;
    int code;

    TRY(login_url(c->value[CLOUD_AUTH_URL], &url, e));
    http_url_redact(url, name, sizeof(name));
    TRY(check_address(url, name, tls_only, e));
    TRY(keystone_request(c, way, &body, e));
    code = ask_keystone(client, url, name, body, c, way, &answer, e);
    mem_free_secret(body);
    TRY(code);
    if (asks_catalogue)
        TRY(keystone_find_image(answer, c, name, grant.endpoint, e));
    TRY(keep_token(client, name, &grant.token, e));
    *out = grant;
    return 0;
}
