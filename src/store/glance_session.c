/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/glance_inner.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/store_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char token_head[] = "X-Auth-Token: ";

const char *glance_name(const struct glance *g)
{
    return g->cfg.place->name;
}

static const char *setting(const struct glance *g, enum cloud_setting which)
{
    return g->cfg.cloud->value[which];
}

void glance_hide(const struct glance *g, struct err *e)
{
    if (!e)
        return;
    cloud_hide(g->cfg.cloud, e->text);
    if (g->token_line)
        text_hide(e->text, g->token_line + sizeof(token_head) - 1);
}

/* --- the address -----------------------------------------------------------*/

/* Of an endpoint that may end in "/", "/v2", "/v2/". */
static int take_endpoint(struct glance *g, const char *url, struct err *e)
{
    size_t len = strlen(url);
    char name[NAME_SIZE];

    http_url_redact(url, name, sizeof(name));
    while (len && url[len - 1] == '/')
        len--;
    if (len > 3 && !memcmp(url + len - 3, "/v2", 3))
        len -= 3;
    if (!text_copy_part(g->base, sizeof(g->base), url, len))
        return err_set(e, ERR_USAGE, "%s: an endpoint of more than %d bytes",
                       name, KEYSTONE_URL_SIZE - 1);
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
        return err_set(e, ERR_USAGE,
                       "%s: the endpoint of the image service is no https:// "
                       "or http:// address",
                       glance_name(g));
    if (g->cfg.place->tls && strncmp(url, "https://", 8) != 0)
        return err_set(e, ERR_USAGE,
                       "%s: the image service is reached in cleartext (%s); "
                       "glance+http:// says that it may",
                       glance_name(g), name);
    return 0;
}

static void take_place(struct glance *g)
{
    char origin[ORIGIN_SIZE];

    host_port_origin(&g->cfg.place->host, g->cfg.place->tls, origin);
    (void)snprintf(g->base, sizeof(g->base), "%s", origin);
}

/* --- the token -------------------------------------------------------------*/

static int take_token(struct glance *g, const char *token, struct err *e)
{
    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p > '~')
            return err_set(e, ERR_USAGE,
                           "%s: the token has characters that no token has",
                           glance_name(g));
    mem_free_secret(g->token_line);
    g->token_line = NULL;
    TRY(mem_format(&g->token_line, e, "%s%s", token_head, token));
    g->lines[0] = g->token_line;
    return 0;
}

/* Whether the catalogue has to tell where Glance is. */
static bool asks_catalogue(const struct glance *g)
{
    return !g->cfg.place->has_host && !setting(g, CLOUD_ENDPOINT);
}

static int log_in(struct glance *g, struct err *e)
{
    struct keystone_grant grant = {0};
    int code;

    TRY(keystone_login(g->client, g->cfg.cloud, g->way, asks_catalogue(g),
                       g->cfg.place->tls, &grant, e));
    code = take_token(g, grant.token, e);
    mem_free_secret(grant.token);
    TRY(code);
    return *grant.endpoint ? take_endpoint(g, grant.endpoint, e) : 0;
}

int glance_renew(struct glance *g, struct err *e)
{
    if (g->way > KEYSTONE_TOKEN)
        return log_in(g, e);
    return err_set(e, ERR_AUTH, "%s: %s", glance_name(g),
                   g->way == KEYSTONE_NONE
                       ? "wants a token; OS_CLOUD, OS_TOKEN or OS_AUTH_URL "
                         "lead to one"
                       : "does not take the token of OS_TOKEN (any more)");
}

static int find_way(struct glance *g, struct err *e)
{
    if (g->cfg.place->has_host)
        take_place(g);
    else if (setting(g, CLOUD_ENDPOINT))
        TRY(take_endpoint(g, setting(g, CLOUD_ENDPOINT), e));
    TRY(keystone_choose(g->cfg.cloud, asks_catalogue(g), &g->way, e));
    if (g->way > KEYSTONE_GIVEN)
        return log_in(g, e);
    if (asks_catalogue(g))
        return err_set(e, ERR_USAGE,
                       "%s: names no host, and no credentials lead to a "
                       "catalogue that does: OS_CLOUD, or OS_AUTH_URL and what "
                       "goes with it",
                       glance_name(g));
    return g->way == KEYSTONE_GIVEN ? take_token(g, setting(g, CLOUD_TOKEN), e)
                                    : 0;
}

/* --- life ------------------------------------------------------------------*/

int glance_open(struct glance **out, const struct glance_config *cfg,
                struct err *e)
{
    struct glance *g = NULL;
    int code;

    TRY(mem_alloc(&g, sizeof(*g), "a session", e));
    g->cfg = *cfg;
    g->place = *cfg->place;
    g->cfg.place = &g->place;
    code = http_client_open(&g->client, cfg->http, e);
    if (code >= 0)
        code = find_way(g, e);
    if (code < 0) {
        glance_hide(g, e);
        glance_close(g);
        return code;
    }
    *out = g;
    return 0;
}

void glance_close(struct glance *g)
{
    if (!g)
        return;
    http_client_close(g->client);
    mem_free_secret(g->token_line);
    free(g);
}

/* --- calls -----------------------------------------------------------------*/

static int ask_once(struct glance *g, const struct glance_call *call,
                    const char *url, char **answer, struct http_reply *reply,
                    struct err *e)
{
    const struct http_call how = {
        .method = call->method,
        .url = url,
        .name = glance_name(g),
        .headers = g->lines,
        .type = call->type,
        .body = call->body,
        .len = call->body ? strlen(call->body) : 0,
        .max = STORE_ANSWER_MAX,
    };

    return http_client_call(g->client, &how, answer, reply, e);
}

int glance_ask(struct glance *g, const struct glance_call *call, char **answer,
               struct http_reply *reply, struct err *e)
{
    FREE char *url = NULL;

    TRY(mem_format(&url, e, "%s/v2%s", g->base, call->path));
    TRY(ask_once(g, call, url, answer, reply, e));
    if (reply->status != 401)
        return 0;
    mem_cleanup(answer);
    TRY(glance_renew(g, e));
    return ask_once(g, call, url, answer, reply, e);
}

static int check_reply(const struct glance *g, const struct http_reply *reply,
                       char **answer, struct err *e)
{
    int code = http_reply_check(reply, glance_name(g), e);

    if (code < 0) {
        glance_hide(g, e);
        mem_cleanup(answer);
    }
    return code;
}

int glance_do(struct glance *g, const struct glance_call *call, char **answer,
              struct err *e)
{
    struct http_reply reply;

    TRY(glance_ask(g, call, answer, &reply, e));
    return check_reply(g, &reply, answer, e);
}

int glance_do_if_there(struct glance *g, const struct glance_call *call,
                       char **answer, struct http_reply *reply, struct err *e)
{
    TRY(glance_ask(g, call, answer, reply, e));
    if (reply->status == 404)
        return 0;
    TRY(check_reply(g, reply, answer, e));
    return 1;
}

int glance_file_url(const struct glance *g, const char *id, char **out,
                    struct err *e)
{
    return mem_format(out, e, "%s/v2/images/%s/file", g->base, id);
}
