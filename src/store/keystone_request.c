/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/keystone.h"
#include "store/store_json.h"

#include <string.h>

static const char *setting(const struct cloud *c, enum cloud_setting which)
{
    return c->value[which];
}

/* --- which way -------------------------------------------------------------*/

static int wants(const struct cloud *c, enum cloud_setting a,
                 enum cloud_setting b, const char *missing, struct err *e)
{
    if (setting(c, a) || setting(c, b))
        return 0;
    return err_set(
        e, ERR_USAGE,
        "credentials for OpenStack: %s is not given (as an option of "
        "the library, or in the environment or clouds.yaml as the "
        "OpenStack clients read them)",
        missing);
}

static int by_name(const char *type, enum keystone_way *way, struct err *e)
{
    static const struct {
        const char *name;
        enum keystone_way way;
    } types[] = {
        {"none", KEYSTONE_NONE},
        {"noauth", KEYSTONE_NONE},
        {"admin_token", KEYSTONE_GIVEN},
        {"token", KEYSTONE_TOKEN},
        {"v3token", KEYSTONE_TOKEN},
        {"password", KEYSTONE_PASSWORD},
        {"v3password", KEYSTONE_PASSWORD},
        {"v3applicationcredential", KEYSTONE_CREDENTIAL},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (!strcmp(types[i].name, type)) {
            *way = types[i].way;
            return 0;
        }
    return err_set(e, ERR_USAGE,
                   "OS_AUTH_TYPE %s: expected none, admin_token, token, "
                   "password or v3applicationcredential",
                   type);
}

static enum keystone_way by_what_is_there(const struct cloud *c)
{
    if (setting(c, CLOUD_TOKEN))
        return KEYSTONE_TOKEN;
    if (setting(c, CLOUD_CREDENTIAL_ID) || setting(c, CLOUD_CREDENTIAL_NAME) ||
        setting(c, CLOUD_CREDENTIAL_SECRET))
        return KEYSTONE_CREDENTIAL;
    if (setting(c, CLOUD_USERNAME) || setting(c, CLOUD_USER_ID) ||
        setting(c, CLOUD_PASSWORD) || setting(c, CLOUD_AUTH_URL))
        return KEYSTONE_PASSWORD;
    return KEYSTONE_NONE;
}

static int check_complete(const struct cloud *c, enum keystone_way way,
                          struct err *e)
{
    if (way == KEYSTONE_NONE)
        return 0;
    if (way == KEYSTONE_GIVEN || way == KEYSTONE_TOKEN)
        TRY(wants(c, CLOUD_TOKEN, CLOUD_TOKEN, "OS_TOKEN", e));
    if (way == KEYSTONE_GIVEN)
        return 0;
    TRY(wants(c, CLOUD_AUTH_URL, CLOUD_AUTH_URL, "OS_AUTH_URL", e));
    if (way == KEYSTONE_PASSWORD) {
        TRY(wants(c, CLOUD_USERNAME, CLOUD_USER_ID, "OS_USERNAME", e));
        return wants(c, CLOUD_PASSWORD, CLOUD_PASSWORD, "OS_PASSWORD", e);
    }
    if (way == KEYSTONE_TOKEN)
        return 0;
    if (!setting(c, CLOUD_CREDENTIAL_ID))
        TRY(wants(
            c, CLOUD_USERNAME, CLOUD_USER_ID,
            "OS_APPLICATION_CREDENTIAL_ID, or OS_USERNAME beside its name", e));
    TRY(wants(c, CLOUD_CREDENTIAL_ID, CLOUD_CREDENTIAL_NAME,
              "OS_APPLICATION_CREDENTIAL_ID", e));
    return wants(c, CLOUD_CREDENTIAL_SECRET, CLOUD_CREDENTIAL_SECRET,
                 "OS_APPLICATION_CREDENTIAL_SECRET", e);
}

int keystone_choose(const struct cloud *c, bool asks_catalogue,
                    enum keystone_way *way, struct err *e)
{
    enum keystone_way found = by_what_is_there(c);

    if (setting(c, CLOUD_AUTH_TYPE))
        TRY(by_name(setting(c, CLOUD_AUTH_TYPE), &found, e));
    /* As it is where nothing else is asked of Keystone. */
    if (found == KEYSTONE_TOKEN && !asks_catalogue)
        found = KEYSTONE_GIVEN;
    TRY(check_complete(c, found, e));
    *way = found;
    return 0;
}

/* --- the text --------------------------------------------------------------*/

/* {"id": ...}, or {"name": ...}; the id goes first. */
static json_t *named(const char *id, const char *name)
{
    return id ? json_pack("{s:s}", "id", id) : json_pack("{s:s}", "name", name);
}

/* A domain that nobody names is the first of every Keystone. */
static json_t *domain(const struct cloud *c, enum cloud_setting id,
                      enum cloud_setting name)
{
    const char *key = setting(c, id);

    return named(key || setting(c, name) ? key : "default", setting(c, name));
}

static json_t *user(const struct cloud *c)
{
    if (setting(c, CLOUD_USER_ID))
        return json_pack("{s:s}", "id", setting(c, CLOUD_USER_ID));
    return json_pack("{s:s, s:o}", "name", setting(c, CLOUD_USERNAME), "domain",
                     domain(c, CLOUD_USER_DOMAIN_ID, CLOUD_USER_DOMAIN_NAME));
}

static json_t *password_identity(const struct cloud *c)
{
    json_t *who = user(c);

    json_object_set_new(who, "password",
                        json_string(setting(c, CLOUD_PASSWORD)));
    return json_pack("{s:[s], s:{s:o}}", "methods", "password", "password",
                     "user", who);
}

static json_t *token_identity(const struct cloud *c)
{
    return json_pack("{s:[s], s:{s:s}}", "methods", "token", "token", "id",
                     setting(c, CLOUD_TOKEN));
}

static json_t *credential_identity(const struct cloud *c)
{
    static const char method[] = "application_credential";
    json_t *what = named(setting(c, CLOUD_CREDENTIAL_ID),
                         setting(c, CLOUD_CREDENTIAL_NAME));

    json_object_set_new(what, "secret",
                        json_string(setting(c, CLOUD_CREDENTIAL_SECRET)));
    if (!setting(c, CLOUD_CREDENTIAL_ID))
        json_object_set_new(what, "user", user(c));
    return json_pack("{s:[s], s:o}", "methods", method, method, what);
}

static json_t *project(const struct cloud *c)
{
    if (setting(c, CLOUD_PROJECT_ID))
        return json_pack("{s:s}", "id", setting(c, CLOUD_PROJECT_ID));
    return json_pack(
        "{s:s, s:o}", "name", setting(c, CLOUD_PROJECT_NAME), "domain",
        domain(c, CLOUD_PROJECT_DOMAIN_ID, CLOUD_PROJECT_DOMAIN_NAME));
}

/* What the token shall be good for; NULL where nothing is said. */
static json_t *scope(const struct cloud *c)
{
    if (setting(c, CLOUD_PROJECT_ID) || setting(c, CLOUD_PROJECT_NAME))
        return json_pack("{s:o}", "project", project(c));
    if (setting(c, CLOUD_DOMAIN_ID) || setting(c, CLOUD_DOMAIN_NAME))
        return json_pack("{s:o}", "domain",
                         domain(c, CLOUD_DOMAIN_ID, CLOUD_DOMAIN_NAME));
    if (setting(c, CLOUD_SYSTEM_SCOPE))
        return json_pack("{s:{s:b}}", "system", setting(c, CLOUD_SYSTEM_SCOPE),
                         1);
    return NULL;
}

int keystone_request(const struct cloud *c, enum keystone_way way, char **out,
                     struct err *e)
{
    json_t *identity = way == KEYSTONE_PASSWORD ? password_identity(c)
                       : way == KEYSTONE_TOKEN  ? token_identity(c)
                                                : credential_identity(c);
    json_t *auth = json_pack("{s:o}", "identity", identity);
    /* A credential has a project of its own. */
    json_t *scoped = way == KEYSTONE_CREDENTIAL ? NULL : scope(c);

    if (scoped)
        json_object_set_new(auth, "scope", scoped);
    return store_json_request(out, json_pack("{s:o}", "auth", auth), e);
}
